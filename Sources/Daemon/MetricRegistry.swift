// Where a process keeps what it counts and measures: the backend of swift-metrics.

package import AnalysisAPI
package import Metrics
import Synchronization

/// Keeps the families that are defined, and nothing of others.
///
/// A handle (`Counter`, `Gauge`, `Timer`, …) is looked up when it is made, under a lock and with an allocation; what it
/// records takes a short lock of its own and allocates nothing. So handles are kept where calls are many.
///
/// A family has at most ``maximumSeries`` sets of labels. What comes beyond is added to one whose labels are all `other`, so that
/// labels which others choose fill no memory.
package final class MetricRegistry: MetricsFactory {
    package static let maximumSeries = 500

    private let definitions: [String: MetricDefinition]
    private let families: Mutex<[String: [[MetricLabel]: any MetricCell]]>

    package init(_ definitions: [MetricDefinition] = MetricDefinition.all) {
        self.definitions = Dictionary(definitions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        families = Mutex([:])
    }

    /// All that has been measured, families and series in order. Of histograms that is only what was observed at least once.
    package func collect() -> [MetricFamily] {
        let families = families.withLock { $0 }
        return families.sorted { $0.key < $1.key }.compactMap { name, cells in
            guard let definition = definitions[name] else { return nil }
            let series = cells.compactMap { $1.series(labels: $0) }.sorted { $0.order < $1.order }
            guard !series.isEmpty else { return nil }
            return MetricFamily(
                name: name, help: definition.help, type: definition.type, bounds: definition.bounds, series: series)
        }
    }

    private func cell<Cell: MetricCell>(_ label: String, _ dimensions: [(String, String)], _ type: Cell.Type) -> Cell? {
        guard let definition = definitions[label] else { return nil }
        let labels = dimensions.map { MetricLabel(name: $0.0, value: $0.1) }.sorted { $0.name < $1.name }
        return families.withLock { families in
            if let known = families[label]?[labels] { return known as? Cell }
            var labels = labels
            if families[label, default: [:]].count >= Self.maximumSeries {
                labels = labels.map { MetricLabel(name: $0.name, value: "other") }
                if let known = families[label]?[labels] { return known as? Cell }
            }
            guard let made = definition.makeCell() as? Cell else { return nil }
            families[label, default: [:]][labels] = made
            return made
        }
    }

    /// Forgets a series: nobody records it any more.
    private func remove(_ handler: AnyObject) {
        families.withLock { families in
            for (name, cells) in families {
                if let labels = cells.first(where: { $0.value === handler })?.key { families[name]?[labels] = nil }
            }
        }
    }
}

// swift-metrics' side. What is not defined, or otherwise than it is recorded, is dropped.

extension MetricRegistry {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        cell(label, dimensions, ValueCell.self) ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        cell(label, dimensions, ValueCell.self) ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        cell(label, dimensions, ValueCell.self) ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        let recorder: (any RecorderHandler)? =
            aggregate
            ? cell(label, dimensions, HistogramCell.self) : cell(label, dimensions, ValueCell.self)
        return recorder ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        cell(label, dimensions, HistogramCell.self) ?? NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}

extension MetricSeries {
    fileprivate var order: String { labels.map(\.value).joined(separator: "\u{0}") }
}
