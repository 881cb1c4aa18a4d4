import NIOCore

/// The event-loop side of a connection: writes what is in the outbox, gives each reply to its caller, and closes the
/// connection when Redis owes a reply for too long or the peer leaves the protocol.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who waits for a reply.
    private enum Reply {
        case one(UnsafeContinuation<RedisValue, any Error>)
        case several(Batch)
    }

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
            case .one(let continuation): expect(.one(continuation), id: submission.id, submission.deadlines)
            case .several(let continuation, let count):
                let batch = Batch(count: count, continuation: continuation)
                for _ in 0..<count { expect(.several(batch), id: submission.id, submission.deadlines) }
            }
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private func expect(_ reply: Reply?, id: UInt64, _ deadlines: Deadlines) {
        if let deadline = state.sent(id: id, deadlines: deadlines, reply: reply) { arm(deadline) }
    }

    /// The caller of these commands has gone.
    func abandon(id: UInt64) {
        flushOutbox()
        for reply in state.abandon(id: id) { fail(reply, CancellationError()) }
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
        var answered = 0
        do {
            try decoder.feed(unwrapInboundIn(data))
            while context.channel.isActive, let value = try decoder.next() {
                if try receive(value) { answered += 1 }
            }
        } catch {
            close(reason: "\(error)") { _ in error }
        }
        outbox.answered(answered)
        if state.isDrained { close(reason: "it was closed") }
    }

    /// Returns whether it was the reply to a submitted command.
    private func receive(_ value: RedisValue) throws(RedisError) -> Bool {
        if messages != nil, let message = RedisMessage(push: value) {
            // Redis itself disconnects subscribers that cannot keep up; the subscriber learns of it by the reconnect.
            if case .dropped = messages?.yield(message) { close(reason: "the subscriber reads too slowly") }
            return false
        }
        switch state.receive() {
        case .deliver(.one(let continuation)):
            if case .error(let error) = value {
                continuation.resume(throwing: RedisError.server(error))
            } else {
                continuation.resume(returning: value)
            }
        case .deliver(.several(let batch)): batch.receive(value)
        case .drop(let id): return id != RedisConnection.probeID
        case .violation:
            if case .error(let error) = value { throw .protocolViolation("an unasked error: \(error)") }
            throw .protocolViolation("a reply that nobody asked for")
        }
        return true
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
        case .leave(let late, let next):
            for reply in late { fail(reply, RedisError.timedOut) }
            if let next { arm(next) }
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
        expect(nil, id: RedisConnection.probeID, Deadlines(reply: .now() + keepalive))
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func close(reason: String, error: (String) -> RedisError = { .unknownOutcome($0) }) {
        for submission in outbox.close(reason: reason) { submission.caller.fail(RedisError.unavailable(reason)) }
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
    private var continuation: UnsafeContinuation<[RedisValue], any Error>?

    init(count: Int, continuation: UnsafeContinuation<[RedisValue], any Error>) {
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
