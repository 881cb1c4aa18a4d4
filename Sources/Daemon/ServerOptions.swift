// The flags of a process that is called over RPC, and the server that they describe.

package import AnalysisAPI
package import ArgumentParser
import Glibc
package import Logging
package import NIOCore
package import RPC

/// Where a process is called, by whom, and with which certificate.
package struct ServerOptions: ParsableArguments {
    @Option(
        help: """
            Address to serve, as unix:PATH, tls://HOST:PORT or tcp://HOST:PORT; may be repeated. With 'health' as the first \
            argument, a process asks the one that listens there whether it can do its work.
            """,
        transform: rpcAddress)
    package var listen: [RPCAddress] = []

    @Option(
        help: """
            A user id whose processes may do everything over a Unix socket; may be repeated. The service's own and root's \
            if left out.
            """)
    package var operatorUid: [UInt32] = []

    @Option(
        help: """
            PEER=METHOD: lets a peer that is no operator call a method; may be repeated. PEER is uid:NUMBER, a name in a \
            certificate, or anonymous for plaintext TCP. METHOD is package.Service/Method, package.Service/* or *.
            """,
        transform: { try grant($0, "METHOD", "analysis.v1.Workers/*") })
    package var allow: [AccessRules.Grant] = []

    @Option(
        help: "PEER=USER: lets a peer that is no operator act for a user, or for all with *; may be repeated.",
        transform: { try grant($0, "USER", "alice") })
    package var actFor: [AccessRules.Grant] = []

    @Option(
        help: "The key set against which tokens of callers are checked: a file that `analysisctl keys rotate` makes.")
    package var verifyingKeys: String?

    package init() {}

    /// The server of a process.
    ///
    /// - Parameters:
    ///   - health: whether what they all need is there.
    ///   - metrics: what the process tells of itself; nil: what the context has.
    ///   - others: what other processes have told this one of themselves.
    ///   - operations: what operators are answered by.
    ///   - maxStreams: how many calls a connection may have open; nil: as many as usual.
    /// - Throws: `RPCError` where a file of keys or certificates cannot be used.
    package func server(
        _ services: [any RPCService], health: @escaping HealthService.Check, metrics: MetricsCollector? = nil,
        others: @escaping @Sendable () -> [ProcessMetrics] = { [] },
        operations: OperationsService = OperationsService(), maxStreams: Int? = nil, tls: TLSOptions,
        _ context: DaemonContext
    ) throws -> RPCServer {
        let names = services.flatMap(\.serviceNames)
        let all: [any RPCService] =
            services + [
                HealthService(serviceNames: names, check: health),
                MetricsService(collector: metrics ?? context.metrics, others: others),
                operations,
                ReflectionService(
                    serviceNames: names + HealthService.names + MetricsService.names + OperationsService.names
                        + ReflectionService.names),
            ]
        var configuration = RPCServer.Configuration()
        if let maxStreams { configuration.maxStreams = maxStreams }
        configuration.allowsRemotePlaintext = tls.allowPlaintext
        configuration.tls = try tls.identity()
        configuration.access = AccessRules(
            operatorUserIDs: operatorUid.isEmpty ? [geteuid(), 0] : Set(operatorUid), allowed: allow, actsFor: actFor,
            tokens: try verifyingKeys.map { try TokenVerifier(path: $0) })
        return RPCServer(
            addresses: listen, services: all, eventLoopGroup: context.eventLoopGroup, logger: context.logger,
            configuration: configuration)
    }
}

extension RPCServer {
    /// The server of a process that serves nobody else over RPC, for operators: this user's processes and root's.
    package static func forOperators(_ address: RPCAddress, _ context: DaemonContext) -> RPCServer {
        var configuration = RPCServer.Configuration()
        configuration.access = AccessRules(operatorUserIDs: [geteuid(), 0], allowed: [], actsFor: [], tokens: nil)
        return RPCServer(
            addresses: [address],
            services: [
                OperationsService(),
                ReflectionService(serviceNames: OperationsService.names + ReflectionService.names),
            ],
            eventLoopGroup: context.eventLoopGroup, logger: context.logger, configuration: configuration)
    }
}

/// What a process shows of itself to those whom it calls and to those who call it.
package struct TLSOptions: ParsableArguments {
    @Option(help: "A PEM file with this process's certificate, for tls:// addresses.")
    package var tlsCertificate: String?

    @Option(help: "A PEM file with the certificate's private key.")
    package var tlsKey: String?

    @Option(help: "A PEM file with the certificates of the authorities that vouch for the other side.")
    package var tlsAuthority: String?

    @Flag(help: "Speak plaintext to other machines at tcp:// addresses: all of it can be read and changed on the way.")
    package var allowPlaintext = false

    package init() {}

    package func validate() throws {
        let given = [tlsCertificate, tlsKey, tlsAuthority].compactMap { $0 }.count
        guard given == 0 || given == 3 else {
            throw ValidationError("--tls-certificate, --tls-key and --tls-authority belong together: give all or none.")
        }
    }

    /// - Returns: nil where no flag is given.
    package func identity() throws -> TLSIdentity? {
        guard let tlsCertificate, let tlsKey, let tlsAuthority else { return nil }
        return try TLSIdentity(certificate: tlsCertificate, key: tlsKey, authority: tlsAuthority)
    }

    /// A client that shows the certificate where the address asks for one.
    package func client(_ address: RPCAddress, _ context: DaemonContext) throws -> RPCClient {
        try client(address, context.eventLoopGroup, context.logger)
    }

    package func client(
        _ address: RPCAddress, _ eventLoopGroup: any EventLoopGroup, _ logger: Logger
    ) throws -> RPCClient {
        var configuration = RPCClient.Configuration()
        configuration.tls = try identity()
        configuration.allowsRemotePlaintext = allowPlaintext
        return RPCClient(
            address: address, eventLoopGroup: eventLoopGroup, logger: logger, configuration: configuration)
    }
}

private func grant(_ text: String, _ target: String, _ example: String) throws -> AccessRules.Grant {
    guard let grant = AccessRules.Grant(text) else {
        throw ValidationError("it must be PEER=\(target), as in worker.example=\(example)")
    }
    return grant
}
