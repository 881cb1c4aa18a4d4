// The client's event loop side: makes connections, hands calls to them, and keeps the calls that wait for one.

import DequeModule
import Logging
import Metrics
import NIOCore
import NIOPosix
import NIOSSL

/// Lives on its event loop, as do all connections of its client.
final class ClientCore {
    private let address: RPCAddress
    private let eventLoop: any EventLoop
    private let configuration: RPCClient.Configuration
    private let logger: Logger
    private let timer: EarliestTimer
    private var tls: TLSIdentity?
    private var state = ClientState<ClientConnection>()
    private var throttle = RetryThrottle()
    private var random = SystemRandomNumberGenerator()
    /// In the order in which they were made; those that were given up leave at the next sweep.
    private var waiting: Deque<ClientCall> = []
    private var sweepAt = ClientCore.smallestSweep
    private var channels: [ObjectIdentifier: any Channel] = [:]

    /// Failed calls that wait for their next attempt.
    private var repeating: [ObjectIdentifier: ClientCall] = [:]

    private static let smallestSweep = 64
    private let connects = Counter(label: "analysis_rpc_client_connects_total")

    init(address: RPCAddress, eventLoop: any EventLoop, configuration: RPCClient.Configuration, logger: Logger) {
        self.address = address
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        timer = EarliestTimer(eventLoop: eventLoop)
        timer.ring = { [weak self] now in self?.expire(now: now) }
    }

    // MARK: Calls

    func start(_ call: ClientCall) {
        switch state.place(waitForReady: call.options.waitForReady) {
        case .now(let connection) where connection.canCall && waiting.isEmpty: connection.call(call)
        case .now, .wait: wait(call)
        case .fail(let error): call.stream.abort(error)
        }
    }

    private func wait(_ call: ClientCall) {
        if waiting.count >= sweepAt {
            waiting.removeAll { !$0.stream.isReceiving }
            sweepAt = max(Self.smallestSweep, 2 * waiting.count)
        }
        waiting.append(call)
        if let deadline = call.deadline { timer.arm(at: deadline) }
    }

    /// Hands waiting calls to the connection while it takes them.
    private func makeWaitingCalls() {
        guard let connection = state.ready else { return }
        while connection.canCall, let call = waiting.popFirst() { connection.call(call) }
    }

    private func expire(now: NIODeadline) -> NIODeadline? {
        for call in waiting where call.deadline.map({ $0 <= now }) ?? false {
            call.stream.abort(
                RPCError(.deadlineExceeded, "the deadline has passed while the call waited for \(address)"))
        }
        waiting.removeAll { !$0.stream.isReceiving }
        return waiting.compactMap(\.deadline).min()
    }

    // MARK: Making calls again

    /// A call has ended with this status; nil: ok.
    private func repeats(_ call: ClientCall, after error: RPCError?) -> Bool {
        guard let error, error.code == .unavailable else {
            throttle.succeeded()
            return false
        }
        throttle.failed()
        return makeAgain(call, after: error)
    }

    private func lost(_ calls: [ClientCall], _ error: RPCError) {
        // One failure, however many calls it ended.
        if !calls.isEmpty { throttle.failed() }
        for call in calls where !makeAgain(call, after: error) { call.stream.finish(error) }
    }

    private func makeAgain(_ call: ClientCall, after error: RPCError) -> Bool {
        let delay = configuration.retry.delay(
            after: error, attempts: call.attempts, deadline: call.deadline, now: .now(), using: &random)
        guard throttle.allowsRetry, let delay, call.makeAgain() else { return false }
        let id = ObjectIdentifier(call)
        repeating[id] = call
        eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
            if let call = self.repeating.removeValue(forKey: id) { self.start(call) }
        }
        return true
    }

    /// A server that drained has not taken this call, whatever its method.
    private func start(again call: ClientCall) {
        guard call.stream.unlink() else { return call.stream.finish(ServerConnection.stopping) }
        start(call)
    }

    // MARK: Connections

    /// - Parameter tls: where the address is one of TLS.
    func connect(_ tls: TLSIdentity?) {
        self.tls = tls
        perform(state.start())
    }

    private func perform(_ action: ClientState<ClientConnection>.Action) {
        switch action {
        case .connect: openConnection()
        case .connectLater(let failures):
            let delay = configuration.backoff.delay(failures: failures, using: &random)
            eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { self.perform(self.state.waited()) }
        case .nothing: break
        }
    }

    private func openConnection() {
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try core.value.addHandler(to: channel) }
            }
        let connected =
            switch address {
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            case .tcp(let host, let port), .tls(let host, let port): bootstrap.connect(host: host, port: port)
            }
        connected.assumeIsolated().whenFailure { error in
            self.failed(RPCError(.unavailable, "\(error)"))
        }
    }

    private func addHandler(to channel: any Channel) throws {
        if let tls, case .tls(let host, _) = address {
            // A name is sent so that the server can choose a certificate; an address is only compared with the certificate.
            let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: tls.clientContext, serverHostname: isAddress ? nil : host))
        }
        let limits = Limits(maxMessageBytes: configuration.maxMessageBytes, credit: configuration.streamCreditBytes)
        let outbox = FrameOutbox(channel: channel)
        let timer = EarliestTimer(eventLoop: eventLoop)
        let events = ClientConnection.Events(
            opened: { self.opened($0) }, failed: { self.failed($0) }, ended: { self.ended($0, $1) },
            callEnded: { if $0 === self.state.ready { self.makeWaitingCalls() } },
            unaccepted: { self.start(again: $0) },
            repeats: { self.repeats($0, after: $1) }, lost: { self.lost($0, $1) })
        let role = ClientConnection(limits: limits, outbox: outbox, timer: timer, events: events)
        let timing = ConnectionState.Timing(
            hello: configuration.connectTimeout, keepaliveInterval: configuration.keepaliveInterval,
            keepaliveTimeout: configuration.keepaliveTimeout)
        try channel.pipeline.syncOperations.addHandler(
            FrameConnection(
                role: role, outbox: outbox, timer: timer, hello: Frame.Hello(limits: limits, maxStreams: 0),
                timing: timing, logger: logger))
        let id = ObjectIdentifier(channel)
        channels[id] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.channels[id] = nil }
    }

    private func opened(_ connection: ClientConnection) {
        guard state.opened(connection, now: .now()) else { return connection.drain() }
        connects.increment()
        logger.debug("connected", metadata: ["address": "\(address)"])
        makeWaitingCalls()
    }

    private func failed(_ cause: RPCError) {
        let error = RPCError(.unavailable, "\(address) cannot be reached: \(cause.detail)")
        logger.debug("no connection", metadata: ["error": "\(error)"])
        perform(state.failed(error))
        for call in waiting where !call.options.waitForReady { call.stream.abort(error) }
        waiting.removeAll { !$0.stream.isReceiving }
    }

    private func ended(_ connection: ClientConnection, _ cause: RPCError) {
        let error = RPCError(.unavailable, "the connection to \(address) was lost: \(cause.detail)")
        logger.debug("no connection", metadata: ["error": "\(error)"])
        perform(state.ended(connection, error, now: .now()))
    }

    /// Makes no more calls, lets those that run finish for so long, and closes. Succeeds when all connections are closed.
    func stop(within duration: Duration) -> EventLoopFuture<Void> {
        state.stop()?.drain()
        timer.stop()
        for call in Array(waiting) + repeating.values {
            call.stream.abort(RPCError(.unavailable, "the client has been stopped"))
        }
        waiting = []
        repeating = [:]
        let timeout = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(duration)) {
            for channel in self.channels.values { channel.close(promise: nil) }
        }
        let closed = EventLoopFuture.andAllComplete(channels.values.map(\.closeFuture), on: eventLoop)
        closed.whenComplete { _ in timeout.cancel() }
        return closed
    }
}
