// The parts of a worker, put together.

import AnalysisAPI
import Logging
import RPC
import ServiceLifecycle

/// Runs analyses for the queue until it is told to stop; then it gives back what it holds and ends its children.
struct Worker: Service {
    struct Configuration: Sendable {
        var analyzers: [Analyzer]
        var folders: MusicFolders
        var link: QueueLink.Configuration
        var child = Child.Configuration()
        /// How long giving back may take.
        var drainTimeout: Duration = .seconds(3)
    }

    let configuration: Configuration
    let queue: RPCClient
    let progress: RPCClient
    let logger: Logger

    func run() async {
        let guardian = ProcessGuard(logger: logger)
        let pool = ChildPool(
            analyzers: configuration.analyzers, configuration: configuration.child, guardian: guardian, logger: logger)
        let progress = ProgressLink(client: ProgressClient(progress), logger: logger)
        let workers = WorkersClient(queue)
        let probes = ProbeLink(workers: workers, pool: pool, folders: configuration.folders, logger: logger)
        let link = QueueLink(
            configuration: configuration.link,
            services: .init(
                workers: workers, progress: progress, pool: pool, folders: configuration.folders, logger: logger),
            probes: probes)
        await withTaskGroup { group in
            group.addTask { await guardian.run() }
            group.addTask { await pool.run() }
            group.addTask { await progress.run() }
            group.addTask { await probes.run() }
            group.addTask { await link.run() }
            // Ends with an error when the whole worker is cancelled: then nothing can be given back.
            if (try? await gracefulShutdown()) != nil { await drain(link) }
            group.cancelAll()
        }
    }

    private func drain(_ link: QueueLink) async {
        await withTaskGroup { group in
            group.addTask { await link.drain() }
            group.addTask { try? await Task.sleep(for: configuration.drainTimeout) }
            await group.next()
            group.cancelAll()
        }
    }
}
