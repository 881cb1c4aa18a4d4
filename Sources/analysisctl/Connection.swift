// How a command reaches the services, and how their refusals become its error and exit code.

import AnalysisAPI
import ArgumentParser
import Daemon
import Foundation
import Logging
import NIOPosix
import RPC

/// The addresses of the services.
struct Connection: ParsableArguments {
    @Option(help: "Address of the queue service: unix:PATH, tls://HOST:PORT or tcp://HOST:PORT.", transform: rpcAddress)
    var queue: RPCAddress?

    @Option(help: "Address of the progress service.", transform: rpcAddress)
    var progress: RPCAddress?

    @Option(help: "How many seconds a call may take, waiting for the service included.")
    var timeout: Int = 30

    @OptionGroup var tls: TLSOptions

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("--timeout is \(timeout); it must be at least 1 second.") }
    }

    var options: CallOptions {
        var options = CallOptions()
        options.timeout = .seconds(timeout)
        return options
    }

    /// Connects to the queue service for as long as `body` runs.
    func withQueue<Result: Sendable>(_ body: @Sendable (RPCClient) async throws -> Result) async throws -> Result {
        try await connected(to: queue, flag: "--queue", variable: "ANALYSIS_QUEUE", body)
    }

    /// Connects to the progress service for as long as `body` runs.
    func withProgress<Result: Sendable>(_ body: @Sendable (RPCClient) async throws -> Result) async throws -> Result {
        try await connected(to: progress, flag: "--progress", variable: "ANALYSIS_PROGRESS", body)
    }

    private func connected<Result: Sendable>(
        to address: RPCAddress?, flag: String, variable: String, _ body: @Sendable (RPCClient) async throws -> Result
    ) async throws -> Result {
        let inherited = ProcessInfo.processInfo.environment[variable]
        guard let address = try address ?? inherited.map(rpcAddress) else {
            throw ValidationError("\(flag) is missing, and \(variable) is not set.")
        }
        var logger = Logger(label: "analysisctl")
        logger.logLevel = .error
        do {
            let client = try tls.client(address, MultiThreadedEventLoopGroup.singleton, logger)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.run() }
                defer { group.cancelAll() }
                return try await body(client)
            }
        } catch let error as RPCError {
            FileHandle.standardError.write(Data("error: \(error.detail)\n".utf8))
            throw ExitCode(Int32(error.code.rawValue) + 1)
        }
    }
}
