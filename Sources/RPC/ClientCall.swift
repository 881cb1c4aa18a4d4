// A call as its caller describes it: everything that opening its stream needs, also a second time on another connection.

import NIOCore
import Synchronization

final class ClientCall: Sendable {
    let stream: CallStream
    let method: String
    /// The one request of a unary or server-streaming call, encoded.
    let request: ByteBuffer?
    let options: CallOptions
    let deadline: NIODeadline?
    /// Whether it may be made again after it has failed.
    let isRepeatable: Bool
    private let madeAgain = Atomic(0)

    init(
        method: String, request: ByteBuffer?, options: CallOptions, limits: Limits, held: HeldBytes, isRepeatable: Bool,
        now: NIODeadline
    ) {
        stream = CallStream(role: .caller, limits: limits, held: held)
        self.method = method
        self.request = request
        self.options = options
        deadline = Deadline.earliest(timeout: options.timeout, now: now)
        self.isRepeatable = isRepeatable
        if request != nil { stream.endSending() }
    }

    /// Sends the CALL on a stream of a connection.
    /// - Returns: whether it was sent: the call may have been given up.
    func open(_ link: CallStream.Link, peer: Limits) -> Bool {
        let remaining = deadline?.remaining()
        if remaining == .zero { stream.abandon(.deadlineExceeded) }
        if !options.metadata.fits { stream.abandon(.metadataOverLimit) }
        if let request, request.readableBytes > peer.maxMessageBytes {
            stream.abandon(.oversize(request, limit: peer.maxMessageBytes))
        }
        return stream.open(link, peer: peer) { isLast in
            Frame.Call(
                stream: link.id, method: method, metadata: options.metadata,
                timeoutMicroseconds: remaining?.microseconds, message: request, isLast: isLast)
        }
    }

    /// How often it has been made after failures, the one that is under way included.
    var attempts: Int { 1 + madeAgain.load(ordering: .relaxed) }

    /// Takes the call off its stream for another attempt.
    /// - Returns: whether there may be one: the call is wanted, and nothing of the reply has arrived.
    func makeAgain() -> Bool {
        guard isRepeatable, stream.unlink() else { return false }
        madeAgain.add(1, ordering: .relaxed)
        return true
    }
}

extension RPCError {
    static let deadlineExceeded = RPCError(.deadlineExceeded, "the deadline has passed")
}
