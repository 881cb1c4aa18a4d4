// One end of a connection as a channel handler: bytes to frames, greeting, keepalive, and an orderly end where the peer
// breaks the protocol. What the frames of calls mean is the business of its role.

import Logging
import NIOCore

/// The side of a connection that makes its calls, or the one that answers them. Lives on the connection's event loop.
protocol ConnectionRole: AnyObject {
    /// Whether reading pauses while the peer does not take what was written.
    var pausesReading: Bool { get }
    var hasCalls: Bool { get }
    /// The last stream that this side accepted, for GOAWAY.
    var lastAcceptedStream: UInt64 { get }

    /// The peer has said HELLO.
    /// - Throws: why it is not welcome; the connection ends.
    func opened(_ hello: Frame.Hello) throws
    /// - Throws: what the peer did wrong; the connection ends.
    func received(_ frame: Frame) throws
    /// Ends the calls whose deadline has passed. Returns the next deadline.
    func expire(now: NIODeadline) -> NIODeadline?
    /// Takes no more calls and closes when the last has ended.
    func drain()
    /// The connection is gone; nothing follows.
    func closed(_ reason: RPCError)
}

final class FrameConnection<Role: ConnectionRole>: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let role: Role
    private let outbox: FrameOutbox
    private let timer: EarliestTimer
    private let hello: Frame.Hello
    private let logger: Logger
    private let decoder: NIOSingleStepByteToMessageProcessor<FrameDecoder>
    private var state: ConnectionState
    /// Why this side ended the connection, once it has.
    private var closing: RPCError?
    /// Whether the calls have been told.
    private var hasEnded = false
    private var isReadPending = false

    init(
        role: Role, outbox: FrameOutbox, timer: EarliestTimer, hello: Frame.Hello, timing: ConnectionState.Timing,
        logger: Logger
    ) {
        self.role = role
        self.outbox = outbox
        self.timer = timer
        self.hello = hello
        self.logger = logger
        decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder(maxMessageBytes: hello.limits.maxMessageBytes))
        state = ConnectionState(timing: timing, now: .now())
    }

    func channelActive(context: ChannelHandlerContext) {
        outbox.send(.hello(hello))
        timer.ring = { [weak self] now in self?.tick(now) }
        if let next = tick(.now()) { timer.arm(at: next) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard closing == nil else { return }
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { frame in
                if closing == nil { try received(frame) }
            }
        } catch {
            close(error as? RPCError ?? RPCError(.internalError, "\(error)"))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        state.heard(now: .now())
        context.fireChannelReadComplete()
    }

    private func received(_ frame: Frame) throws {
        switch state.receive(frame, now: .now()) {
        case .opened(let hello): try role.opened(hello)
        case .answer(let frame): outbox.send(frame)
        case .pass: try role.received(frame)
        case .ignore: break
        case .violation(let error): throw error
        }
    }

    private func tick(_ now: NIODeadline) -> NIODeadline? {
        // A frame that has begun is waited for as a call is: its sender may be gone.
        let tick = state.tick(now: now, isWaiting: role.hasCalls || decoder.unprocessedBytes > 0)
        switch tick.action {
        case .ping: outbox.send(.ping(ByteBuffer()))
        case .close(let error): close(error)
        case nil: break
        }
        return closing == nil ? min(tick.next, role.expire(now: now) ?? .distantFuture) : nil
    }

    /// Tells the peer why and ends the connection.
    private func close(_ reason: RPCError) {
        guard closing == nil else { return }
        closing = reason
        logger.debug("ending a connection", metadata: ["reason": "\(reason)"])
        outbox.send(.goAway(lastStream: role.lastAcceptedStream, reason))
        outbox.close()
        // The peer may take its time to close, too: no call waits for that.
        end(reason)
    }

    private func end(_ reason: RPCError) {
        guard !hasEnded else { return }
        hasEnded = true
        role.closed(reason)
    }

    // MARK: The channel's other events

    func read(context: ChannelHandlerContext) {
        if role.pausesReading, !context.channel.isWritable {
            isReadPending = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        outbox.wakeWriters()
        if context.channel.isWritable, isReadPending {
            isReadPending = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            role.drain()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if closing == nil { closing = RPCError(.unavailable, "the connection failed: \(error)") }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer.stop()
        end(closing ?? RPCError(.unavailable, "the connection was closed"))
        context.fireChannelInactive()
    }
}
