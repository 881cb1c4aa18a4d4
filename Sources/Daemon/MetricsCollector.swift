// What a process tells about itself when it is asked for its metrics.

package import AnalysisAPI
import Foundation
import RPC

/// The metrics of one process, with what is only looked at when somebody asks.
package struct MetricsCollector: Sendable {
    private let process: String
    private let registry: MetricRegistry
    private var refreshes: [@Sendable () async -> Void] = []

    package init(process: String, registry: MetricRegistry) {
        self.process = process
        self.registry = registry
    }

    /// - Parameter refresh: records what is only known by looking, just before it is told.
    package func refreshed(by refresh: @escaping @Sendable () async -> Void) -> Self {
        var copy = self
        copy.refreshes.append(refresh)
        return copy
    }

    package func collect() async -> ProcessMetrics {
        ProcessFigures.record()
        for refresh in refreshes { await refresh() }
        return ProcessMetrics(
            process: process, id: id, atMs: Int64(Date.now.timeIntervalSince1970 * 1000),
            families: registry.collect())
    }

    /// Names the running process.
    package var id: String { Self.id }

    private static let id = "\(ProcessInfo.processInfo.hostName):\(getpid())"
}

/// Tells whoever may ask.
struct MetricsService: MetricsProvider {
    static let names = ["analysis.v1.Metrics"]

    let collector: MetricsCollector
    /// What others have told this process of themselves.
    let others: @Sendable () -> [ProcessMetrics]

    func collect(_ request: CollectRequest, to writer: RPCWriter<ProcessMetrics>, context: CallContext) async throws {
        try await writer.write(await collector.collect())
        for other in others() { try await writer.write(other) }
    }
}
