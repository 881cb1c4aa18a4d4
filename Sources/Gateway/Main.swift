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

    @Option(help: "Where the queue service is: unix:PATH or tcp://HOST:PORT.")
    var queue: String

    @Option(help: "Where the progress service is: unix:PATH or tcp://HOST:PORT.")
    var progress: String

    @OptionGroup var daemon: DaemonOptions

    func services(_ context: DaemonContext) throws -> [any Service] {
        let queue = RPCClient(
            address: try RPCAddress(queue), eventLoopGroup: context.eventLoopGroup, logger: context.logger)
        let progress = RPCClient(
            address: try RPCAddress(progress), eventLoopGroup: context.eventLoopGroup, logger: context.logger)
        let backend = Backend(queue: queue, progress: progress)
        let servers = try listen.map { text in
            GatewayServer.application(
                backend: backend, address: BindAddress(try RPCAddress(text)), eventLoopGroup: context.eventLoopGroup,
                logger: context.logger)
        }
        return [queue, progress] + servers
    }
}

extension BindAddress {
    /// Addresses are written alike for every protocol.
    init(_ address: RPCAddress) {
        switch address {
        case .unix(let path): self = .unixDomainSocket(path: path)
        case .tcp(let host, let port): self = .hostname(host, port: port)
        }
    }
}
