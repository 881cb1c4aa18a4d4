// The calling side: one connection to a server that comes back by itself, and the four kinds of calls on it.

import Instrumentation
package import Logging
package import NIOCore
import ServiceLifecycle

/// Calls one server over one connection, which is made again whenever it is lost, for ever, with backoff and jitter.
///
/// Calls may be made from any task at any time; those made while there is no connection wait for one, as long as their deadline
/// allows. All calls throw `RPCError`, are cancelled with their task, and never outlive the deadline of the handler that
/// makes them. A server that drains lets accepted calls finish; the others are made on the next connection.
package final class RPCClient: Service, Sendable {
    package struct Configuration: Sendable {
        /// The largest message that is taken from the server.
        package var maxMessageBytes = Limits.standard.maxMessageBytes
        /// How far the server may send ahead of the reader of a stream.
        package var streamCreditBytes = Limits.standard.credit
        /// How long a connection may take until the server has said HELLO.
        package var connectTimeout: Duration = .seconds(2)
        /// With calls running and nothing heard for this long, the client sends a PING.
        package var keepaliveInterval: Duration = .seconds(20)
        /// How long the server has to answer a PING before the connection counts as dead.
        package var keepaliveTimeout: Duration = .seconds(10)
        package var backoff = Backoff()
        package var retry = RetryPolicy()
        /// The most bytes of messages that wait for the readers of all streams; a call whose message finds no room ends.
        package var maxHeldBytes = Limits.standardHeldBytes
        /// How long running calls may take to finish after a graceful shutdown began.
        package var drainTimeout: Duration = .seconds(5)
        /// Whether to speak plaintext TCP to another machine.
        package var allowsRemotePlaintext = false
        /// What a `tls://` address needs.
        package var tls: TLSIdentity?

        package init() {}
    }

    private let address: RPCAddress
    private let configuration: Configuration
    private let limits: Limits
    private let held: HeldBytes
    private let eventLoop: any EventLoop
    private let core: NIOLoopBoundBox<ClientCore>
    /// The event loop of the connection: a task that prefers it calls without a thread hop.
    package let executor: any TaskExecutor

    package init(
        address: RPCAddress, eventLoopGroup: any EventLoopGroup, logger: Logger, configuration: Configuration = .init()
    ) {
        self.address = address
        self.configuration = configuration
        limits = Limits(maxMessageBytes: configuration.maxMessageBytes, credit: configuration.streamCreditBytes)
        held = HeldBytes(limit: configuration.maxHeldBytes)
        eventLoop = eventLoopGroup.next()
        executor = EventLoopExecutor(eventLoop)
        core = .makeBoxSendingValue(
            ClientCore(address: address, eventLoop: eventLoop, configuration: configuration, logger: logger),
            eventLoop: eventLoop)
    }

    /// Keeps the client connected until the task is cancelled or a graceful shutdown begins; then running calls may finish.
    ///
    /// - Throws: `RPCError` with `.failedPrecondition` where the address would carry plaintext to another machine, or needs TLS
    ///   and has no certificate.
    package func run() async throws {
        try address.requirePrivate(unless: configuration.allowsRemotePlaintext)
        let tls = try address.tls(configuration.tls)
        onEventLoop { $0.connect(tls) }
        try? await gracefulShutdown()
        let patience = Task.isCancelled ? .zero : configuration.drainTimeout
        try await eventLoop.flatSubmit { self.core.value.stop(within: patience) }.get()
    }

    package func unary<Request, Response>(
        _ method: Method<Request, Response>, _ request: Request, options: CallOptions = .init()
    ) async throws -> Response {
        let now = NIODeadline.now()
        let call = makeCall(method, request.encoded(), options, isRepeatable: method.isIdempotent, now: now)
        do {
            let reply: Response = try await onlyReply(of: call.stream)
            method.metrics.ended(began: now, .ok)
            return reply
        } catch {
            method.metrics.ended(began: now, (error as? RPCError)?.code ?? .unknown)
            throw error
        }
    }

    /// Starts a call whose replies are read from the stream that it returns.
    package func serverStream<Request, Response>(
        _ method: Method<Request, Response>, _ request: Request, options: CallOptions = .init()
    ) -> RPCStream<Response> {
        let call = makeCall(method, request.encoded(), options)
        return RPCStream(stream: call.stream, owner: CallOwner(call.stream))
    }

    /// Calls with the requests that `body` writes; the call is cancelled when `body` throws.
    package func clientStream<Request, Response>(
        _ method: Method<Request, Response>, options: CallOptions = .init(),
        _ body: (RPCWriter<Request>) async throws -> Void
    ) async throws -> Response {
        let stream = makeCall(method, nil, options).stream
        do {
            try await body(RPCWriter(stream: stream))
        } catch {
            // A server may answer before it was sent everything: then its answer counts, not the write that came too late.
            if !stream.hasAnswer {
                stream.abandon(RPCError(.cancelled, "the caller failed"))
                throw error
            }
        }
        stream.endSending()
        return try await onlyReply(of: stream)
    }

    /// Calls with requests and replies in any order. The call is cancelled when `body` leaves before its end.
    package func bidirectional<Request, Response, Value>(
        _ method: Method<Request, Response>, options: CallOptions = .init(),
        _ body: (RPCWriter<Request>, RPCStream<Response>) async throws -> Value
    ) async throws -> Value {
        let stream = makeCall(method, nil, options).stream
        let owner = CallOwner(stream)
        // Not when the body last uses its stream, but when it has left.
        defer { withExtendedLifetime(owner) {} }
        return try await body(RPCWriter(stream: stream), RPCStream(stream: stream, owner: owner))
    }

    private func makeCall<Request, Response>(
        _ method: Method<Request, Response>, _ request: ByteBuffer?, _ options: CallOptions, isRepeatable: Bool = false,
        now: NIODeadline = .now()
    ) -> ClientCall {
        var options = options
        if let context = ServiceContext.current { options.metadata.add(context) }
        let call = ClientCall(
            method: method.name, request: request, options: options, limits: limits, held: held,
            isRepeatable: isRepeatable, now: now)
        onEventLoop { $0.start(call) }
        return call
    }

    private func onEventLoop(_ body: @escaping @Sendable (ClientCore) -> Void) {
        if eventLoop.inEventLoop {
            body(core.value)
        } else {
            eventLoop.execute { body(self.core.value) }
        }
    }

    private func onlyReply<Response: Message>(of stream: CallStream) async throws -> Response {
        guard let bytes = try await stream.next() else {
            throw RPCError(.internalError, "the server ended the call without a reply")
        }
        guard try await stream.next() == nil else {
            stream.abandon(RPCError(.cancelled, "there is more than one reply"))
            throw RPCError(.internalError, "the server sent more than one reply to a call that has one")
        }
        return try Response(reply: bytes)
    }
}
