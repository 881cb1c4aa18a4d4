// The messages of one direction of a call: reading them as a sequence, writing them one by one.

/// The messages that the other side of a call sends, in order, to be read once by one task.
///
/// Reading slowly makes the sender wait, once what it may send ahead is used up. On the caller's side the sequence throws
/// `RPCError` at its end unless the status is ok, and cancelling the reading task or dropping the stream cancels the call. On the
/// handler's side it throws when the call is given up.
package struct RPCStream<Element: Message>: AsyncSequence, Sendable {
    let stream: CallStream
    /// Cancels the caller's call when the last copy goes.
    var owner: CallOwner?

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let messages: RPCStream

        package mutating func next() async throws -> Element? {
            try await messages.next()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(messages: self)
    }

    /// The next message; nil after the last.
    package func next() async throws -> Element? {
        guard let bytes = try await stream.next() else { return nil }
        return try owner == nil ? Element(decoding: bytes) : Element(reply: bytes)
    }
}

/// Writes one direction of a call. Messages leave in the order of the calls of one task.
package struct RPCWriter<Element: Message>: Sendable {
    let stream: CallStream

    /// Sends a message, waiting while the reader has no room for it.
    ///
    /// - Throws: `RPCError` when the call has ended or was given up, when the message is over the peer's limit
    ///   (`.resourceExhausted`), or when the task is cancelled while it waits.
    package func write(_ message: Element) async throws {
        try await stream.write(message.encoded())
    }

    /// Ends the caller's side, so that the handler's sequence of requests ends; later writes throw. A handler's side ends with
    /// its status.
    package func finish() {
        stream.endSending()
    }
}

/// Cancels a call when nobody holds its stream any more; without effect on one that has ended.
final class CallOwner: Sendable {
    private let stream: CallStream

    init(_ stream: CallStream) {
        self.stream = stream
    }

    deinit {
        stream.abandon(RPCError(.cancelled, "the stream was dropped"))
    }
}
