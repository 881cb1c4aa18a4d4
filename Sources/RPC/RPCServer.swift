// The serving side: listens, answers calls with the methods of its services, and drains when it is asked to stop.

package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization

/// Answers calls on any number of addresses.
///
/// On a graceful shutdown it listens no more and drains: calls that were accepted finish, later ones are made elsewhere by
/// their clients. What a peer does wrong ends that peer's connection and nothing else.
package final class RPCServer: Service, Sendable {
    package struct Configuration: Sendable {
        /// The largest message that is taken from a client.
        package var maxMessageBytes = Limits.standard.maxMessageBytes
        /// How far a client may send ahead of the handler that reads.
        package var streamCreditBytes = Limits.standard.credit
        /// Calls that a connection may have open.
        package var maxStreams = 1000
        /// The most bytes of messages that wait for the handlers of one connection; a call whose message finds no room ends.
        package var maxHeldBytes = Limits.standardHeldBytes
        /// How long a connection may take until it has said HELLO.
        package var helloTimeout: Duration = .seconds(10)
        /// With calls running and nothing heard for this long, the server sends a PING.
        package var keepaliveInterval: Duration = .seconds(60)
        /// How long the client has to answer a PING before the connection counts as dead.
        package var keepaliveTimeout: Duration = .seconds(20)
        /// How long accepted calls may take to finish after a graceful shutdown began; then they are cancelled.
        package var drainTimeout: Duration = .seconds(5)
        /// Whether to listen with plaintext TCP where other machines can connect.
        package var allowsRemotePlaintext = false
        /// What `tls://` addresses need.
        package var tls: TLSIdentity?
        /// nil: everybody who can connect may call everything for everyone.
        package var access: (any AccessPolicy)?

        package init() {}
    }

    private struct Connections {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
    }

    private let addresses: [RPCAddress]
    private let handlers: [String: MethodHandler]
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let configuration: Configuration
    private let connections = Mutex(Connections())
    private let announcement = Announcement<[RPCAddress]>()

    package init(
        addresses: [RPCAddress], services: [any RPCService], eventLoopGroup: any EventLoopGroup, logger: Logger,
        configuration: Configuration = .init()
    ) {
        self.addresses = addresses
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.configuration = configuration
        handlers = Dictionary(services.flatMap(\.methods).map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
    }

    /// Serves until the task is cancelled, which ends all calls, or a graceful shutdown begins, which lets them finish.
    ///
    /// - Throws: `RPCError` that says which address cannot be listened on and why.
    package func run() async throws {
        var listeners: [Listener] = []
        do {
            for address in addresses {
                try address.requirePrivate(unless: configuration.allowsRemotePlaintext)
                listeners.append(try await Listener(address, bootstrap(address)))
            }
            announcement.resolve(.success(listeners.map(\.address)))
            logger.info("serving", metadata: ["addresses": "\(listeners.map(\.address))"])
            try? await gracefulShutdown()
        } catch {
            announcement.resolve(.failure(error))
            for listener in listeners { await listener.close() }
            throw error
        }
        for listener in listeners { await listener.close() }
        await drain()
    }

    /// Waits until the server listens.
    ///
    /// - Returns: its addresses in the order given, with the ports that were taken where they were given as 0.
    /// - Throws: why it could not listen.
    package func listening() async throws -> [RPCAddress] {
        try await announcement.value()
    }

    private func bootstrap(_ address: RPCAddress) throws -> ServerBootstrap {
        let tls = try address.tls(configuration.tls)
        return ServerBootstrap(group: eventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in
                PeerIdentity.of(channel).flatMapThrowing { peer in
                    guard let tls else { return try self.addHandler(to: channel, peer: { peer }) }
                    let handler = NIOSSLServerHandler(context: tls.serverContext)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    try self.addHandler(to: channel, peer: { peer.showing(handler.peerCertificate) })
                }
            }
    }

    /// - Parameter peer: who it is, known at the latest when it says HELLO.
    private func addHandler(to channel: any Channel, peer: @escaping () -> PeerIdentity) throws {
        let limits = Limits(maxMessageBytes: configuration.maxMessageBytes, credit: configuration.streamCreditBytes)
        let outbox = FrameOutbox(channel: channel)
        let timer = EarliestTimer(eventLoop: channel.eventLoop)
        let role = ServerConnection(
            handlers: handlers, peer: peer, access: configuration.access, limits: limits,
            maxStreams: configuration.maxStreams, held: HeldBytes(limit: configuration.maxHeldBytes),
            eventLoop: channel.eventLoop, outbox: outbox, timer: timer, logger: logger)
        let timing = ConnectionState.Timing(
            hello: configuration.helloTimeout, keepaliveInterval: configuration.keepaliveInterval,
            keepaliveTimeout: configuration.keepaliveTimeout)
        try channel.pipeline.syncOperations.addHandler(
            FrameConnection(
                role: role, outbox: outbox, timer: timer,
                hello: Frame.Hello(limits: limits, maxStreams: configuration.maxStreams), timing: timing, logger: logger
            ))
        let id = ObjectIdentifier(channel)
        let isDraining = connections.withLock { connections in
            connections.channels[id] = channel
            return connections.isDraining
        }
        // Accepted just before the server stopped listening: its calls go elsewhere.
        if isDraining { role.drain() }
        channel.closeFuture.whenComplete { _ in self.connections.withLock { $0.channels[id] = nil } }
    }

    /// Lets accepted calls finish for a while, or not at all once the task is cancelled.
    private func drain() async {
        let channels = connections.withLock { connections in
            connections.isDraining = true
            return Array(connections.channels.values)
        }
        let eventLoop = eventLoopGroup.any()
        let closed = EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: eventLoop)
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let timeout = eventLoop.scheduleTask(in: TimeAmount(configuration.drainTimeout)) { self.closeConnections() }
        await withTaskCancellationHandler {
            try? await closed.get()
        } onCancel: {
            closeConnections()
        }
        timeout.cancel()
    }

    private func closeConnections() {
        for channel in connections.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}
