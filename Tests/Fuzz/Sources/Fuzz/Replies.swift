import NIOCore

@testable import Redis

/// What a connection to Redis reads: the same replies, and the same error after them, however the bytes are cut into reads.
func check(replies bytes: ByteBuffer) {
    let whole = replies(in: [bytes])
    let cut = replies(in: pieces(of: bytes))
    guard whole == cut else { fatalError("read at once: \(whole)\nread in pieces: \(cut)") }
    for case .value(let value) in whole {
        readEveryWay(value)
        // A map of all slots is large: only what looks like one is worth its while.
        if value.elements?.first?.elements != nil { _ = try? SlotMap(reply: value, from: source) }
    }
}

private enum Outcome: Equatable {
    case value(RedisValue)
    case error(RedisError)
}

private func replies(in reads: [ByteBuffer]) -> [Outcome] {
    var outcomes: [Outcome] = []
    do throws(RedisError) {
        let decoder = try ReplyDecoder(maximumReplyBytes: 1 << 20)
        for read in reads {
            try decoder.feed(read)
            while let value = try decoder.next() { outcomes.append(.value(value)) }
        }
    } catch {
        outcomes.append(.error(error))
    }
    return outcomes
}

private let source = RedisURL.Address.tcp(host: "127.0.0.1", port: 6379)

/// As the client itself does with errors and published messages, and as callers do with values that they have not checked.
private func readEveryWay(_ value: RedisValue) {
    _ = (value.bytes, value.text, value.int, value.double, value.map)
    _ = (value.redirection(from: source), RedisMessage.messages(push: value))
    for element in value.elements ?? [] { readEveryWay(element) }
}
