import NIOCore

/// The event-loop side of a connection: writes what is in the outbox, gives each reply to its caller, and closes the
/// connection when Redis owes a reply for too long or the peer leaves the protocol.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who waits for a reply.
    private enum Reply {
        case one(UnsafeContinuation<Outbox.Outcome, any Error>)
        case late(Eventual<RedisValue>)
        case several(Batch)

        func fail(_ error: any Error) {
            switch self {
            case .one(let continuation): continuation.resume(throwing: error)
            case .late(let reply): reply.resolve(.failure(error))
            case .several(let batch): batch.fail(error)
            }
        }
    }

    /// For so long at most a caller waits without noticing that its task is cancelled.
    private static let latenessInterval = TimeAmount.milliseconds(25)

    private let outbox: Outbox
    private let decoder: ReplyDecoder
    private let keepalive: TimeAmount
    private let messages: AsyncStream<RedisMessage>.Continuation?
    private var submissions: [Outbox.Submission] = []
    private var state = RedisConnection.State<Reply>()
    private var context: ChannelHandlerContext?
    private var deadlineTimer: Scheduled<Void>?
    private var keepaliveTimer: Scheduled<Void>?
    private var hasReadSinceKeepalive = false
    private var isLatenessTimed = false

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
        let bytes = outbox.take(into: &submissions, allocator: context.channel.allocator)
        guard !submissions.isEmpty else { return }
        for submission in submissions {
            switch submission.caller {
            case .one(let continuation): expect(.one(continuation), submission.deadlines)
            case .several(let replies, let count):
                let batch = Batch(count: count, caller: replies)
                for _ in 0..<count { expect(.several(batch), submission.deadlines) }
            }
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        timeLateness()
    }

    private func expect(_ reply: Reply?, _ deadlines: Deadlines) {
        if let deadline = state.sent(deadlines: deadlines, reply: reply) { arm(deadline) }
    }

    private func timeLateness() {
        guard !isLatenessTimed, let context else { return }
        isLatenessTimed = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.latenessInterval) {
            self.isLatenessTimed = false
            self.tellLateness()
            if !self.state.isIdle { self.timeLateness() }
        }
    }

    /// From now on those who wait do so in a way that ends when their task is cancelled.
    func tellLateness() {
        flushOutbox()
        state.replaceReplies { reply in
            guard case .one(let continuation) = reply else { return reply }
            let late = Eventual<RedisValue>()
            continuation.resume(returning: .late(late))
            return .late(late)
        }
    }

    /// Accepts no more commands and closes when the last reply has come or its deadline has passed.
    func drain() {
        flushOutbox()
        for submission in outbox.close(reason: "it was closed") {
            submission.caller.fail(RedisError.unavailable("it was closed"))
        }
        state.drain()
        if state.isDrained { close(reason: "it was closed") }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasReadSinceKeepalive = true
        do {
            try decoder.feed(unwrapInboundIn(data))
            while context.channel.isActive, let value = try decoder.next() { try receive(value) }
        } catch {
            close(reason: "\(error)") { _ in error }
        }
        if state.isDrained { close(reason: "it was closed") }
    }

    private func receive(_ value: RedisValue) throws(RedisError) {
        if messages != nil, let received = RedisMessage.messages(push: value) {
            // Redis itself disconnects subscribers that cannot keep up; the subscriber learns of it by the reconnect.
            for message in received {
                if case .dropped = messages?.yield(message) { return close(reason: "the subscriber reads too slowly") }
            }
            return
        }
        outbox.answered()
        switch state.receive() {
        case .deliver(let reply):
            switch (reply, value) {
            case (.several(let batch), _): batch.receive(value)
            case (_, .error(let error)): reply.fail(RedisError.server(error))
            case (.one(let continuation), _): continuation.resume(returning: .reply(value))
            case (.late(let late), _): late.resolve(.success(value))
            }
        case .drop: break
        case .violation:
            if case .error(let error) = value { throw .protocolViolation("an unasked error: \(error)") }
            throw .protocolViolation("a reply that nobody asked for")
        }
    }

    private func arm(_ deadline: NIODeadline) {
        deadlineTimer?.cancel()
        deadlineTimer = context?.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.deadlineReached() }
    }

    private func deadlineReached() {
        switch state.deadlineReached(.now()) {
        case .leave(let late, let next):
            for reply in late { reply.fail(RedisError.timedOut) }
            if let next { arm(next) }
        case .close(let late, let others):
            for reply in late { reply.fail(RedisError.timedOut) }
            for reply in others { reply.fail(RedisError.unknownOutcome("another command was not answered in time")) }
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
        outbox.expectOne()
        expect(nil, Deadlines(reply: .now() + keepalive))
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func close(reason: String, error: (String) -> RedisError = { .unknownOutcome($0) }) {
        for submission in outbox.close(reason: reason) { submission.caller.fail(RedisError.unavailable(reason)) }
        for reply in state.close() { reply.fail(error(reason)) }
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
    private let caller: Eventual<[RedisValue]>

    init(count: Int, caller: Eventual<[RedisValue]>) {
        missing = count
        self.caller = caller
        replies.reserveCapacity(count)
    }

    func receive(_ value: RedisValue) {
        replies.append(value)
        missing -= 1
        if missing == 0 { caller.resolve(.success(replies)) }
    }

    func fail(_ error: any Error) {
        caller.resolve(.failure(error))
    }
}
