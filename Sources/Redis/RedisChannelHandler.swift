import NIOCore

/// The event-loop side of a connection: writes what is in the outbox, gives each reply to its caller, and closes the
/// connection when a deadline passes or the peer leaves the protocol.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who waits for a reply.
    private enum Reply {
        case one(CheckedContinuation<RedisValue, any Error>)
        case several(Batch)
    }

    private let outbox: Outbox
    private let decoder: ReplyDecoder
    private let keepalive: TimeAmount
    private let messages: AsyncStream<RedisMessage>.Continuation?
    private var state = RedisConnection.State<Reply>()
    private var context: ChannelHandlerContext?
    private var deadlineTimer: Scheduled<Void>?
    private var keepaliveTimer: Scheduled<Void>?
    private var hasReadSinceKeepalive = false

    /// - Parameters:
    ///   - keepalive: how long the connection may be silent before it is probed with a `PING`.
    ///   - messages: where published messages go, on a connection that subscribes.
    init(
        outbox: Outbox, decoder: ReplyDecoder, keepalive: TimeAmount, messages: AsyncStream<RedisMessage>.Continuation?
    ) {
        self.outbox = outbox
        self.decoder = decoder
        self.keepalive = keepalive
        self.messages = messages
    }

    func flushOutbox() {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: 4096)
        let now = NIODeadline.now()
        for submission in outbox.take() {
            do {
                try send(submission, now: now, into: &buffer)
            } catch {
                submission.work.fail(error)
            }
        }
        guard buffer.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func send(_ submission: Outbox.Submission, now: NIODeadline, into buffer: inout ByteBuffer)
        throws(RedisError)
    {
        // Sent now, it would be late at once and cost everybody the connection.
        guard now < submission.deadline else { throw .unavailable("the deadline passed before the command was sent") }
        guard state.isOpen else { throw .unavailable("the connection is closing") }
        switch submission.work {
        case .one(let command, let continuation):
            try CommandEncoder.encode(command, into: &buffer)
            expect(.one(continuation), id: submission.id, deadline: submission.deadline)
        case .several(let commands, let continuation):
            let start = buffer.writerIndex
            do {
                for command in commands { try CommandEncoder.encode(command, into: &buffer) }
            } catch {
                buffer.moveWriterIndex(to: start)
                throw error
            }
            let batch = Batch(count: commands.count, continuation: continuation)
            for _ in commands { expect(.several(batch), id: submission.id, deadline: submission.deadline) }
        }
    }

    private func expect(_ reply: Reply?, id: UInt64, deadline: NIODeadline) {
        if let deadline = state.sent(id: id, deadline: deadline, reply: reply) { arm(deadline) }
    }

    /// The caller of these commands has gone.
    func abandon(id: UInt64) {
        flushOutbox()
        for reply in state.abandon(id: id) { fail(reply, CancellationError()) }
    }

    /// Accepts no more commands and closes when the last reply has come or its deadline has passed.
    func drain() {
        flushOutbox()
        state.drain()
        if state.isDrained { close(reason: "it was closed") }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasReadSinceKeepalive = true
        do {
            try decoder.feed(unwrapInboundIn(data))
            while context.channel.isActive, let value = try decoder.next() {
                try receive(value)
            }
        } catch {
            close(reason: "\(error)") { _ in error }
        }
        if state.isDrained { close(reason: "it was closed") }
    }

    private func receive(_ value: RedisValue) throws(RedisError) {
        if messages != nil, let message = RedisMessage(push: value) {
            // Redis itself disconnects subscribers that cannot keep up; the subscriber learns of it by the reconnect.
            if case .dropped = messages?.yield(message) { close(reason: "the subscriber reads too slowly") }
            return
        }
        switch state.receive() {
        case .deliver(.one(let continuation)):
            if case .error(let error) = value {
                continuation.resume(throwing: RedisError.server(error))
            } else {
                continuation.resume(returning: value)
            }
        case .deliver(.several(let batch)): batch.receive(value)
        case .drop: break
        case .violation:
            if case .error(let error) = value { throw .protocolViolation("an unasked error: \(error)") }
            throw .protocolViolation("a reply that nobody asked for")
        }
    }

    private func fail(_ reply: Reply, _ error: any Error) {
        switch reply {
        case .one(let continuation): continuation.resume(throwing: error)
        case .several(let batch): batch.fail(error)
        }
    }

    private func arm(_ deadline: NIODeadline) {
        deadlineTimer?.cancel()
        deadlineTimer = context?.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.deadlineReached() }
    }

    private func deadlineReached() {
        switch state.deadlineReached(.now()) {
        case .none: break
        case .arm(let deadline): arm(deadline)
        case .close(let late, let others):
            for reply in late { fail(reply, RedisError.timedOut) }
            for reply in others { fail(reply, RedisError.unknownOutcome("another command was not answered in time")) }
            close(reason: "a command was not answered in time")
        }
    }

    private func armKeepalive() {
        keepaliveTimer = context?.eventLoop.assumeIsolated().scheduleTask(in: keepalive) {
            self.probe()
            self.armKeepalive()
        }
    }

    /// A silent connection may be half open, and without commands in flight nothing else would tell.
    private func probe() {
        defer { hasReadSinceKeepalive = false }
        guard let context, !hasReadSinceKeepalive, state.isIdle else { return }
        var buffer = context.channel.allocator.buffer(capacity: 16)
        guard (try? CommandEncoder.encode(["PING"], into: &buffer)) != nil else { return }
        expect(nil, id: 0, deadline: .now() + keepalive)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func close(reason: String, error: (String) -> RedisError = { .unknownOutcome($0) }) {
        for submission in outbox.close(reason: reason) { submission.work.fail(.unavailable(reason)) }
        for reply in state.close() { fail(reply, error(reason)) }
        messages?.finish()
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        armKeepalive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(reason: "Redis closed the connection")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(reason: "\(error)")
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close(reason: "the connection never came up")
        deadlineTimer?.cancel()
        keepaliveTimer?.cancel()
        self.context = nil
    }
}

/// The replies to commands that were sent together, gathered for their one caller.
private final class Batch {
    private var missing: Int
    private var replies: [RedisValue] = []
    private var continuation: CheckedContinuation<[RedisValue], any Error>?

    init(count: Int, continuation: CheckedContinuation<[RedisValue], any Error>) {
        missing = count
        self.continuation = continuation
        replies.reserveCapacity(count)
    }

    func receive(_ value: RedisValue) {
        replies.append(value)
        missing -= 1
        guard missing == 0 else { return }
        continuation?.resume(returning: replies)
        continuation = nil
    }

    func fail(_ error: any Error) {
        continuation?.resume(throwing: error)
        continuation = nil
    }
}
