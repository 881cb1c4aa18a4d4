// `SERVICE health`: whether the process that listens there can do its work, for container engines, systemd and scripts.

import AnalysisAPI
import ArgumentParser
import Foundation
import Logging
import NIOPosix
import RPC

/// A process that is called over RPC: with `health` as its first argument it asks a running one in place of serving.
package protocol ServingCommand: DaemonCommand {
    var serving: ServerOptions { get }
}

/// Asks a running process how it is. Takes the flags and variables of the process itself, of which those that tell where it
/// listens and who it is are enough.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Tells whether the process that listens there can do its work.",
        discussion: "The exit code is 0 where it can; otherwise the reason is printed.")

    @Option(help: "Where it listens; of several, the first is asked.", transform: rpcAddress)
    var listen: [RPCAddress] = []

    @Option(help: "How many seconds the answer may take.")
    var timeout: Int = 3

    @OptionGroup var tls: TLSOptions

    func validate() throws {
        guard !listen.isEmpty else { throw ValidationError("--listen is missing: give the address to ask.") }
        guard timeout > 0 else { throw ValidationError("--timeout is \(timeout); it must be at least 1 second.") }
    }

    func run() async throws {
        var logger = Logger(label: "health")
        logger.logLevel = .critical
        let client = try tls.client(listen[0], MultiThreadedEventLoopGroup.singleton, logger)
        let options = CallOptions(timeout: .seconds(timeout), waitForReady: false)
        let problem = await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await client.run() }
            defer { group.cancelAll() }
            do {
                let reply = try await HealthClient(client).check(HealthRequest(), options: options)
                return reply.status == .serving ? nil : reply.reason
            } catch {
                return "\(listen[0]) does not answer: \((error as? RPCError)?.detail ?? "\(error)")"
            }
        }
        guard let problem else { return }
        FileHandle.standardError.write(Data("\(problem)\n".utf8))
        throw ExitCode.failure
    }
}
