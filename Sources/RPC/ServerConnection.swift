// The answering side of one connection: every CALL becomes a task that runs its handler, and what the handler returns or
// throws becomes the STATUS.

import Instrumentation
import Logging
import NIOCore

final class ServerConnection: ConnectionRole {
    private struct Call {
        let stream: CallStream
        let task: Task<Void, Never>
        let began: NIODeadline
        let deadline: NIODeadline?
    }

    private let handlers: [String: MethodHandler]
    private let identify: () -> PeerIdentity
    private let access: (any AccessPolicy)?
    private let limits: Limits
    private let eventLoop: any EventLoop
    private let executor: EventLoopExecutor
    private let outbox: FrameOutbox
    private let timer: EarliestTimer
    private let logger: Logger
    private let held: HeldBytes
    private var streams: ServerStreams<Call>
    private var cancels = RateLimit.cancels
    private var peerLimits = Limits.standard
    private var peer: PeerIdentity?

    init(
        handlers: [String: MethodHandler], peer: @escaping () -> PeerIdentity, access: (any AccessPolicy)?,
        limits: Limits, maxStreams: Int, held: HeldBytes, eventLoop: any EventLoop, outbox: FrameOutbox,
        timer: EarliestTimer, logger: Logger
    ) {
        self.handlers = handlers
        identify = peer
        self.access = access
        self.limits = limits
        self.held = held
        self.eventLoop = eventLoop
        executor = EventLoopExecutor(eventLoop)
        self.outbox = outbox
        self.timer = timer
        self.logger = logger
        streams = ServerStreams(maxStreams: maxStreams)
    }

    /// A client that calls and does not read the replies gets no more of its calls read.
    var pausesReading: Bool { true }
    var hasCalls: Bool { !streams.calls.isEmpty }
    var lastAcceptedStream: UInt64 { streams.lastAccepted }

    func opened(_ hello: Frame.Hello) throws {
        peerLimits = hello.limits
        let peer = identify()
        try access?.admit(peer)
        self.peer = peer
    }

    func received(_ frame: Frame) throws {
        switch frame {
        case .call(let call):
            try accept(call)
        case .message(let id, let message, let isLast, _):
            guard let call = try streams.call(id) else { return }
            try deliver(message, isLast: isLast, to: call)
        case .end(let id):
            guard let call = try streams.call(id) else { return }
            call.stream.receiveEnd()
        case .credit(let id, let bytes):
            guard let call = try streams.call(id) else { return }
            guard call.stream.receiveCredit(bytes) else {
                throw RPCError(.invalidArgument, "a CREDIT of \(bytes) bytes, which is none or too much")
            }
        case .cancel(let id):
            guard let call = try streams.call(id) else { return }
            let now = NIODeadline.now()
            // Many readers of long streams may leave at once and do no harm; a flood cancels what it has just opened.
            guard now - call.began > Self.shortCall || cancels.take(now: now) else {
                throw RPCError(
                    .resourceExhausted,
                    "too many cancelled calls: \(cancels.burst) at once, then \(cancels.perSecond) a second")
            }
            giveUp(call, RPCError(.cancelled, "the caller cancelled the call"))
        case .goAway(_, let reason):
            logger.debug("a client leaves", metadata: ["reason": "\(reason)"])
        case .hello, .status, .ping, .pong:
            throw RPCError(.invalidArgument, "a frame of a kind that only servers send")
        }
    }

    private func accept(_ call: Frame.Call) throws {
        let handler = handlers[call.method]
        let refusal: RPCError
        switch try streams.open(call.stream) {
        case .ignore:
            return
        case .tooMany:
            refusal = RPCError(.resourceExhausted, "the connection has as many calls as HELLO allows")
        case .accept where !call.metadata.fits:
            refusal = .metadataOverLimit
        case .accept:
            if let handler { return try start(call, handler) }
            refusal = RPCError(.unimplemented, "'\(call.method)' is no method of this server")
        }
        (handler?.metrics ?? .unknownMethods).failed(refusal.code)
        outbox.send(.status(stream: call.stream, Frame.Status(error: refusal)))
    }

    private func start(_ call: Frame.Call, _ handler: MethodHandler) throws {
        let stream = CallStream(role: .handler, limits: limits, held: held)
        stream.accept(CallStream.Link(id: call.stream, outbox: outbox), peer: peerLimits)
        let now = NIODeadline.now()
        let deadline = call.timeoutMicroseconds.map { now + TimeAmount(Duration(microseconds: $0)) }
        guard let peer else { return }
        let context = CallContext(
            method: call.method, metadata: call.metadata, deadline: deadline, peer: peer, stream: stream)
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        let task = Task(executorPreference: executor) { [logger, access] in
            let code = stream.answer(await handler.result(stream, context, access, logger))
            handler.metrics.ended(began: now, code)
            connection.run { $0.finished(call.stream) }
        }
        let accepted = Call(stream: stream, task: task, began: now, deadline: deadline)
        streams.insert(accepted, at: call.stream)
        if let deadline { timer.arm(at: deadline) }
        if let message = call.message {
            try deliver(message, isLast: call.isLast, to: accepted)
        } else if call.isLast {
            stream.receiveEnd()
        }
    }

    private func deliver(_ message: ByteBuffer, isLast: Bool, to call: Call) throws {
        guard message.readableBytes <= limits.maxMessageBytes else {
            return giveUp(call, .oversize(message, limit: limits.maxMessageBytes))
        }
        switch call.stream.receive(message) {
        case .taken: break
        case .refused(let error): return giveUp(call, error)
        case .violation(let detail): throw RPCError(.invalidArgument, detail)
        }
        if isLast { call.stream.receiveEnd() }
    }

    /// Cancels the handler. The STATUS follows when it has left, and until then the call counts.
    private func giveUp(_ call: Call, _ reason: RPCError) {
        if call.stream.abort(reason) { call.task.cancel() }
    }

    private func finished(_ id: UInt64) {
        if streams.remove(id) { outbox.close() }
    }

    func expire(now: NIODeadline) -> NIODeadline? {
        var next: NIODeadline?
        for call in streams.calls.values {
            guard let deadline = call.deadline else { continue }
            if deadline <= now {
                giveUp(call, RPCError(.deadlineExceeded, "the deadline has passed"))
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        return next
    }

    func drain() {
        guard !streams.isDraining else { return }
        outbox.send(.goAway(lastStream: streams.lastAccepted, Self.stopping))
        if streams.drain() { return outbox.close() }
        for call in streams.calls.values where call.stream.drain() { giveUp(call, Self.stopping) }
    }

    /// Calls that are cancelled this soon count towards a flood.
    private static let shortCall = TimeAmount.seconds(1)

    static let stopping = RPCError(.unavailable, "the server is stopping")

    func closed(_ reason: RPCError) {
        for call in streams.removeAll() {
            giveUp(call, RPCError(.cancelled, "the caller's connection has ended: \(reason.detail)"))
        }
    }
}

extension MethodHandler {
    /// Runs the handler, if the caller may have it, under the call's deadline. What it throws becomes an `RPCError` here and
    /// nowhere else.
    func result(
        _ stream: CallStream, _ context: CallContext, _ access: (any AccessPolicy)?, _ logger: Logger
    ) async -> Result<ByteBuffer?, RPCError> {
        do {
            var context = context
            if let access {
                context.principal = try await access.authorize(
                    context.peer, method: context.method, metadata: context.metadata)
            }
            return .success(
                try await Deadline.$current.withValue(context.deadline) { [context] in
                    guard let caller = context.metadata.serviceContext else {
                        return try await answer(stream, context)
                    }
                    return try await ServiceContext.$current.withValue(caller) { try await answer(stream, context) }
                })
        } catch let error as RPCError {
            return .failure(error)
        } catch let error as any RPCErrorConvertible {
            return .failure(error.rpcError)
        } catch is CancellationError {
            return .failure(RPCError(.cancelled, "the handler was cancelled"))
        } catch {
            var metadata: Logger.Metadata = ["method": "\(name)", "error": "\(error)"]
            if let request = context.metadata["request-id"] { metadata["request"] = "\(request)" }
            logger.error("a handler failed", metadata: metadata)
            return .failure(RPCError(.unknown, "the handler failed; the server's log says why"))
        }
    }
}

extension NIOLoopBound {
    /// Runs on the event loop: at once where this is it already.
    func run(_ body: @escaping @Sendable (Value) -> Void) {
        if eventLoop.inEventLoop {
            body(value)
        } else {
            eventLoop.execute { body(value) }
        }
    }
}
