// gateway: HTTP for browsers and the web app, in front of the queue and progress services.

import ArgumentParser
import Daemon
import Hummingbird
import RPC
import ServiceLifecycle

@main
struct GatewayCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Serves the web page, the JSON API and the event stream.")

    @Option(help: "Where to serve HTTP: tcp://HOST:PORT or unix:PATH. May be given more than once.")
    var listen: [String] = ["tcp://127.0.0.1:8080"]

    @Option(help: "Where the queue service is: unix:PATH, tls://HOST:PORT or tcp://HOST:PORT.", transform: rpcAddress)
    var queue: RPCAddress

    @Option(help: "Where the progress service is, likewise.", transform: rpcAddress)
    var progress: RPCAddress

    @Option(
        help: """
            The key set that signs for whom the services are called: a file that `analysisctl keys rotate` makes. Without it, \
            the services must let this process act for everyone.
            """)
    var signingKeys: String?

    @Option(help: "Where operators of this machine may change the log level: unix:PATH.", transform: rpcAddress)
    var control: RPCAddress?

    @Flag(help: "Lets strangers make themselves an account.")
    var registration = false

    @Flag(help: "Believes the X-Forwarded-For of a proxy in front, which limits go by.")
    var trustProxy = false

    @Option(help: "How many wrong logins an account may have in a minute.")
    var loginsPerMinute = GatewaySettings().loginsPerMinute

    @Option(help: "How many requests for analyses a user may make in a minute.")
    var asksPerMinute = GatewaySettings().asksPerMinute

    @Option(help: "How many event streams a user may have open.")
    var streamsPerUser = GatewaySettings().streamsPerUser

    @Option(help: "How many seconds the header of a request may take to arrive.")
    var headerTimeout = 10

    @Option(
        help: """
            A file with a token: whoever shows it as `Authorization: Bearer TOKEN` may read /metrics. Without it, only who comes from \
            this machine and through no proxy may.
            """)
    var metricsToken: String?

    @OptionGroup var webApp: WebAppTokenOptions
    @OptionGroup var tls: TLSOptions
    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        for (name, value) in [
            ("logins-per-minute", loginsPerMinute), ("asks-per-minute", asksPerMinute),
            ("streams-per-user", streamsPerUser),
        ] where !(1...1_000_000).contains(value) {
            throw ValidationError("--\(name) is \(value); it must be between 1 and 1000000.")
        }
        guard (1...3600).contains(headerTimeout) else {
            throw ValidationError("--header-timeout is \(headerTimeout); it must be between 1 and 3600 seconds.")
        }
    }

    func services(_ context: DaemonContext) async throws -> [any Service] {
        let queue = try tls.client(queue, context)
        let progress = try tls.client(progress, context)
        let backend = Backend(
            queue: queue, progress: progress, signer: try signingKeys.map { try TokenSigner(path: $0) })
        var settings = GatewaySettings(
            registration: registration, trustsProxy: trustProxy, loginsPerMinute: loginsPerMinute,
            asksPerMinute: asksPerMinute, streamsPerUser: streamsPerUser, tokens: try await webApp.tokens())
        if let metricsToken {
            // Better at once than at the first scrape.
            _ = try MetricsAccess.token(in: metricsToken)
            settings.metricsAccess = .tokenFile(metricsToken)
        }
        let router = try GatewayServer.router(backend: backend, settings: settings, metrics: context.metrics)
        let servers = try listen.map { text in
            GatewayServer.application(
                router: router, address: try BindAddress(try RPCAddress(text)),
                eventLoopGroup: context.eventLoopGroup,
                logger: context.logger, headerTimeout: .seconds(Int64(headerTimeout)))
        }
        let operations = control.map { RPCServer.forOperators($0, context) }
        return [queue, progress] + (operations.map { [$0] } ?? []) + servers
    }
}

extension BindAddress {
    /// Addresses are written alike for every protocol.
    init(_ address: RPCAddress) throws {
        switch address {
        case .unix(let path): self = .unixDomainSocket(path: path)
        case .tcp(let host, let port): self = .hostname(host, port: port)
        case .tls(let host, let port):
            throw RPCError(
                .failedPrecondition,
                "tls://\(host):\(port): the gateway speaks plain HTTP, for a proxy that ends TLS; use tcp://HOST:PORT")
        }
    }
}
