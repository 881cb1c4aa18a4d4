// What workers and other replicas have measured: each tells it every few seconds, so that any replica can answer for all.

import AnalysisAPI
import Daemon
import Logging
import Redis
import ServiceLifecycle
import Synchronization

final class MetricsExchange: Service, Sendable {
    /// How often a process tells its metrics.
    static let interval = Duration.seconds(5)
    /// After how long without news a replica counts as gone.
    private static let peerAge = Duration.seconds(30)

    private struct Heard {
        var workers: [UInt64: ProcessMetrics] = [:]
        /// By process, with those that their workers told them.
        var peers: [String: (metrics: ProcessMetrics, at: ContinuousClock.Instant)] = [:]
    }

    private let store: Store
    private let collector: MetricsCollector
    private let logger: Logger
    private let heard = Mutex(Heard())

    init(store: Store, collector: MetricsCollector, logger: Logger) {
        self.store = store
        self.collector = collector
        self.logger = logger
    }

    /// What other processes told last.
    var others: [ProcessMetrics] {
        heard.withLock { heard in
            heard.peers = heard.peers.filter { $0.value.at + Self.peerAge > .now }
            let own = Set(heard.workers.values.map(\.id))
            return heard.workers.values.sorted { $0.id < $1.id }
                + heard.peers.values.map(\.metrics).filter { !own.contains($0.id) }.sorted { $0.id < $1.id }
        }
    }

    func heard(_ metrics: ProcessMetrics, from worker: WorkerConnection) {
        heard.withLock { $0.workers[worker.id] = metrics }
    }

    func left(_ worker: WorkerConnection) {
        heard.withLock { $0.workers[worker.id] = nil }
    }

    /// Tells the other replicas, and hears them, until the service stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.listen() }
                while !Task.isCancelled {
                    await self.tell()
                    try? await Task.sleep(for: Self.interval)
                }
                group.cancelAll()
            }
        }
    }

    private func tell() async {
        let own = await collector.collect()
        for metrics in [own] + heard.withLock({ Array($0.workers.values) }) {
            do {
                try await store.send("PUBLISH", store.keys.metrics, metrics.stored)
            } catch {
                logger.debug("cannot tell the metrics", metadata: ["error": "\(error)"])
            }
        }
    }

    private func listen() async {
        for await event in store.redis.subscribe(to: [store.keys.metrics]) {
            guard case .message(let message) = event, let metrics = try? ProcessMetrics(stored: message.payload),
                metrics.id != collector.id
            else { continue }
            heard.withLock { $0.peers[metrics.id] = (metrics, .now) }
        }
    }
}
