import NIOCore

@testable import Redis

/// What a connection to Redis reads: the same replies, and the same error after them, however the bytes are cut into reads.
func check(replies bytes: ByteBuffer) {
    let whole = replies(in: [bytes])
    let cut = replies(in: pieces(of: bytes))
    guard whole == cut else { fatalError("read at once: \(whole)\nread in pieces: \(cut)") }
    for case .value(let value) in whole { readEveryWay(value) }
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

/// As callers do with values that they have not checked.
private func readEveryWay(_ value: RedisValue) {
    _ = (value.bytes, value.text, value.int, value.double, value.map)
    for element in value.elements ?? [] { readEveryWay(element) }
}
