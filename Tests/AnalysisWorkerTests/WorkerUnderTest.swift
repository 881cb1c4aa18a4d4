// A whole worker for one test, with analyzers that do what its songs tell them.

import AnalysisAPI
import Foundation
import Logging
import NIOPosix
import RPC
import ServiceLifecycle
import Testing

@testable import AnalysisWorker

struct WorkerUnderTest {
    let folder: TemporaryFolder
    /// The scripted analyzer is called differently in every test, so that its processes can be told apart.
    let name = "s\(UInt32.random(in: 0 ... .max))"
    private let socket: String

    init() throws {
        folder = try TemporaryFolder()
        socket = folder.path + "/s"
    }

    /// Runs a worker until `body` is done with it; `stop` has it stop in good order. The drivers serve one after the other.
    func run(
        _ drivers: Driver..., and other: Analyzer? = nil, progressSocket: String? = nil,
        suspension: SuspensionRules = .init(), child: Child.Configuration = .init(),
        _ body: (_ stop: @Sendable () async -> Void) async throws -> Void
    ) async throws {
        let logger = Logger(label: "worker")
        let queue = RPCClient(
            address: .unix(path: socket), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let progress = RPCClient(
            address: .unix(path: progressSocket ?? socket), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        let worker = Worker(
            configuration: .init(
                analyzers: [
                    .scripted(name),
                    Analyzer(name: "audio", executable: Products.path("ScriptAnalyzer"), arguments: [name]),
                ] + (other.map { [$0] } ?? []),
                folders: MusicFolders(roots: ["/music"]),
                link: .init(workerID: "w", suspension: suspension, heartbeatInterval: .milliseconds(100)),
                child: child),
            queue: queue, progress: progress, logger: logger)
        let group = ServiceGroup(services: [queue, progress, worker], logger: logger)
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { for driver in drivers { await driver.serve(at: socket) } }
            tasks.addTask { try await group.run() }
            try await body { await group.triggerGracefulShutdown() }
            tasks.cancelAll()
        }
        #expect(ProcessState.pids(of: name) == [], "no child outlives its worker")
    }
}
