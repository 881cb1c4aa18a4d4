// What crosses the wire: one protobuf message, and the name of a method with the messages that it takes and gives.

package import NIOCore

/// A protobuf message that can cross the wire. Generated types conform.
package protocol Message: Sendable {
    /// - Throws: `RPCError` with `.invalidArgument` where the bytes are not such a message, `.resourceExhausted` where they
    ///   would unpack to more memory than their size warrants.
    init(decoding bytes: ByteBuffer) throws

    func encode(into buffer: inout ByteBuffer)
}

extension Message {
    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        encode(into: &buffer)
        return buffer
    }

    /// Decodes what a server sent: bytes that are no such message are the server's fault, not an argument of the caller's.
    init(reply bytes: ByteBuffer) throws {
        do {
            try self.init(decoding: bytes)
        } catch let error as RPCError {
            throw RPCError(.internalError, "the reply cannot be read: \(error.detail)")
        }
    }
}

/// A method of a service, as client and server name it on the wire.
package struct Method<Request: Message, Response: Message>: Sendable {
    /// `package.Service/Method`, such as `analysis.v1.Queue/Enqueue`.
    package let name: String
    /// Whether calling twice leaves what calling once leaves. A unary call of such a method is made again,
    /// as the client's `RetryPolicy` says, when it ends with `.unavailable` or its connection is lost.
    package let isIdempotent: Bool
    /// Of its callers.
    let metrics: CallMetrics

    package init(_ name: String, isIdempotent: Bool = false) {
        self.name = name
        self.isIdempotent = isIdempotent
        metrics = CallMetrics(.client, method: name)
    }
}
