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

    @Flag(help: "Answers with JSON, its names as in the .proto files.")
    var json = false

    @OptionGroup var tls: TLSOptions

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("--timeout is \(timeout); it must be at least 1 second.") }
    }

    var options: CallOptions {
        var options = CallOptions()
        options.timeout = .seconds(timeout)
        return options
    }

    /// Whether there is an address of the progress service.
    var knowsProgress: Bool { progress != nil || ProcessInfo.processInfo.environment["ANALYSIS_PROGRESS"] != nil }

    /// Connects to the queue service for as long as `body` runs.
    func withQueue<Result: Sendable>(_ body: @Sendable (RPCClient) async throws -> Result) async throws -> Result {
        try await connected(to: queue, flag: "--queue", variable: "ANALYSIS_QUEUE", body)
    }

    /// Connects to the progress service for as long as `body` runs.
    func withProgress<Result: Sendable>(_ body: @Sendable (RPCClient) async throws -> Result) async throws -> Result {
        try await connected(to: progress, flag: "--progress", variable: "ANALYSIS_PROGRESS", body)
    }

    /// Connects to the process that is called so, or that serves the address, for as long as `body` runs.
    func withProcess<Result: Sendable>(
        _ name: String, _ body: @Sendable (RPCClient) async throws -> Result
    ) async throws -> Result {
        switch name {
        case "queue": return try await withQueue(body)
        case "progress": return try await withProgress(body)
        default:
            guard name.contains(":") else {
                throw ValidationError(
                    "'\(name)' is no process: queue, progress, or an address such as unix:/run/worker.sock are right.")
            }
            return try await connected(to: try rpcAddress(name), flag: "", variable: "", body)
        }
    }

    /// Prints an answer: as JSON where that is asked for, otherwise as `describe` does.
    func show<Answer>(_ answer: Answer, _ describe: (Answer) -> Void) {
        if json { print(JSON(answer).text(pretty: true)) } else { describe(answer) }
    }

    /// Says on standard error what is wrong, as where a service refuses with this status.
    func failure(_ code: StatusCode, _ detail: String) -> ExitCode {
        FileHandle.standardError.write(Data("error: \(detail)\n".utf8))
        return ExitCode(Int32(code.rawValue) + 1)
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
            throw failure(error.code, error.detail + error.code.remedy(at: address, flag: flag))
        }
    }
}

extension StatusCode {
    /// What to do about it, where that does not follow from what the service says.
    fileprivate func remedy(at address: RPCAddress, flag: String) -> String {
        switch self {
        case .unavailable:
            "; is the service running, and does \(flag.isEmpty ? "the address" : flag) name where it listens?"
        case .deadlineExceeded: "; is the service running? --timeout gives it longer"
        default: ""
        }
    }
}
