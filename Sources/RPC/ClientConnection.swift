// The calling side of one connection: gives calls their streams and brings them what the server sends.

import NIOCore

final class ClientConnection: ConnectionRole {
    /// What the connection tells the client that made it.
    struct Events {
        /// The server has said HELLO.
        var opened: (ClientConnection) -> Void
        /// It was lost before that.
        var failed: (RPCError) -> Void
        /// It takes no more calls: the server drains, or it is gone.
        var ended: (ClientConnection, RPCError) -> Void
        /// A call has ended, and there is room for another.
        var callEnded: (ClientConnection) -> Void
        /// The server never took this call: it can be made elsewhere.
        var unaccepted: (ClientCall) -> Void
        /// A call has ended with this, nil where it succeeded. Returns whether it is made again.
        var repeats: (ClientCall, RPCError?) -> Bool
        /// The connection was lost while these calls ran.
        var lost: ([ClientCall], RPCError) -> Void
    }

    private let limits: Limits
    private let outbox: FrameOutbox
    private let timer: EarliestTimer
    private let events: Events
    private var streams = ClientStreams<ClientCall>()
    private var peerLimits: Limits?
    private var farewell: RPCError?

    init(limits: Limits, outbox: FrameOutbox, timer: EarliestTimer, events: Events) {
        self.limits = limits
        self.outbox = outbox
        self.timer = timer
        self.events = events
    }

    /// What arrives is bounded by the credit that this side gives.
    var pausesReading: Bool { false }
    var hasCalls: Bool { !streams.calls.isEmpty }
    var lastAcceptedStream: UInt64 { 0 }
    var canCall: Bool { streams.canOpen }

    /// Makes a call. Only while `canCall`.
    func call(_ call: ClientCall) {
        let id = streams.nextID
        guard let peerLimits, call.open(CallStream.Link(id: id, outbox: outbox), peer: peerLimits) else { return }
        streams.open(call)
        if let deadline = call.deadline { timer.arm(at: deadline) }
    }

    func opened(_ hello: Frame.Hello) {
        peerLimits = hello.limits
        streams.opened(maxStreams: hello.maxStreams)
        events.opened(self)
    }

    func received(_ frame: Frame) throws {
        switch frame {
        case .message(let id, let message, _, let metadata):
            guard let call = try streams.call(id) else { return }
            guard call.stream.receive(metadata) else { return call.stream.abandon(.metadataOverLimit) }
            if !metadata.isEmpty { call.options.onMetadata?(metadata) }
            guard message.readableBytes <= limits.maxMessageBytes else {
                return call.stream.abandon(.oversize(message, limit: limits.maxMessageBytes))
            }
            switch call.stream.receive(message) {
            case .taken: break
            case .refused(let error): call.stream.abandon(error)
            case .violation(let detail): throw RPCError(.internalError, detail)
            }
        case .status(let id, let status):
            guard let call = try streams.call(id) else { return }
            streams.remove(id)
            if !events.repeats(call, status.error) { finish(call, status) }
            callEnded()
        case .credit(let id, let bytes):
            guard let call = try streams.call(id) else { return }
            guard call.stream.receiveCredit(bytes) else {
                throw RPCError(.internalError, "a CREDIT of \(bytes) bytes, which is none or too much")
            }
        case .goAway(let lastStream, let reason):
            farewell = RPCError(.unavailable, "the server ended the connection: \(reason)")
            let unaccepted = streams.goAway(lastStream: lastStream)
            events.ended(self, reason)
            for call in unaccepted { events.unaccepted(call) }
            callEnded()
        case .hello, .call, .end, .cancel, .ping, .pong:
            throw RPCError(.internalError, "a frame of a kind that only clients send")
        }
    }

    private func finish(_ call: ClientCall, _ status: Frame.Status) {
        var error = status.error
        if !call.stream.receive(status.metadata) {
            error = .metadataOverLimit
        } else if let message = status.message, message.readableBytes > limits.maxMessageBytes {
            error = .oversize(message, limit: limits.maxMessageBytes)
        } else {
            if !status.metadata.isEmpty { call.options.onMetadata?(status.metadata) }
            if let message = status.message,
                case .refused(let refusal) = call.stream.receive(message, usesCredit: false)
            {
                error = refusal
            }
        }
        call.stream.finish(error)
    }

    private func callEnded() {
        if streams.isFinished { return outbox.close() }
        events.callEnded(self)
    }

    func expire(now: NIODeadline) -> NIODeadline? {
        var next: NIODeadline?
        for call in streams.calls.values where call.stream.isReceiving {
            guard let deadline = call.deadline else { continue }
            if deadline <= now {
                call.stream.abandon(.deadlineExceeded)
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        return next
    }

    /// Closes when the calls that run have ended.
    func drain() {
        _ = streams.goAway(lastStream: .max)
        if streams.isFinished { outbox.close() }
    }

    func closed(_ reason: RPCError) {
        var reason = farewell ?? reason
        if reason.code != .unavailable {
            reason = RPCError(.internalError, "the server broke the protocol: \(reason.detail)")
        }
        guard peerLimits != nil else { return events.failed(reason) }
        events.ended(self, reason)
        events.lost(streams.removeAll(), reason)
    }
}
