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
    private let isRepeatable: Atomic<Bool>

    /// - Parameter isRepeatable: whether it may be sent once more when the connection is lost before the reply.
    init(
        method: String, request: ByteBuffer?, options: CallOptions, limits: Limits, isRepeatable: Bool, now: NIODeadline
    ) {
        stream = CallStream(role: .caller, limits: limits)
        self.method = method
        self.request = request
        self.options = options
        deadline = Deadline.earliest(timeout: options.timeout, now: now)
        self.isRepeatable = Atomic(isRepeatable)
        if request != nil { stream.endSending() }
    }

    /// Sends the CALL on a stream of a connection.
    /// - Returns: whether it was sent: the call may have been given up.
    func open(_ link: CallStream.Link, peer: Limits) -> Bool {
        let remaining = deadline?.remaining()
        if remaining == .zero { stream.abandon(.deadlineExceeded) }
        if let request, request.readableBytes > peer.maxMessageBytes {
            stream.abandon(.oversize(request, limit: peer.maxMessageBytes))
        }
        return stream.open(link, peer: peer) { isLast in
            Frame.Call(
                stream: link.id, method: method, metadata: options.metadata,
                timeoutMicroseconds: remaining?.microseconds, message: request, isLast: isLast)
        }
    }

    /// Takes the call off a connection that was lost.
    /// - Returns: whether it may be sent once more; that is so only once.
    func repeats() -> Bool {
        stream.unlink()
        return isRepeatable.exchange(false, ordering: .relaxed)
    }
}

extension RPCError {
    static let deadlineExceeded = RPCError(.deadlineExceeded, "the deadline has passed")
}
