import NIOCore

@testable import RPC

/// Reads the bytes as every message there is. What can be read, written and read again stays the same; what cannot is refused
/// with an error that a peer can be told.
func check(messages bytes: ByteBuffer) {
    for type in messageTypes { check(bytes, as: type) }
}

private func check<M: Message>(_ bytes: ByteBuffer, as type: M.Type) {
    do {
        let message = try M(decoding: bytes)
        let encoded = message.encoded()
        // Bytes are compared, because a number may be NaN.
        guard let again = try? M(decoding: encoded), again.encoded() == encoded else {
            fatalError("\(message) is not what its own bytes are read as: \(encoded)")
        }
    } catch let error as RPCError where [.invalidArgument, .resourceExhausted].contains(error.code) {
        return
    } catch {
        fatalError("bytes that are no \(type) are refused with \(error)")
    }
}
