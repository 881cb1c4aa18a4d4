// What one series of a family holds: a value or a histogram.

import AnalysisAPI
import Metrics
import Synchronization

/// Recorded from any thread.
protocol MetricCell: AnyObject, Sendable {
    /// As it stands; nil where there is nothing to tell.
    func series(labels: [MetricLabel]) -> MetricSeries?
}

/// A counter or a gauge.
final class ValueCell: MetricCell, CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func reset() { set(0.0) }

    func series(labels: [MetricLabel]) -> MetricSeries? {
        MetricSeries(labels: labels, value: value.withLock { $0 })
    }
}

/// How often was observed what lies between fixed bounds.
final class HistogramCell: MetricCell, RecorderHandler, TimerHandler {
    private struct Observed {
        var counts: [UInt64]
        var sum = 0.0
    }

    /// Inclusive upper ones, rising.
    private let bounds: [Double]
    private let observed: Mutex<Observed>

    init(bounds: [Double]) {
        self.bounds = bounds
        observed = Mutex(Observed(counts: [UInt64](repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        // Bounds are few, and most observations are small.
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        observed.withLock { observed in
            observed.counts[index] += 1
            observed.sum += value
        }
    }

    /// Durations are kept in seconds.
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) * 1e-9) }

    func series(labels: [MetricLabel]) -> MetricSeries? {
        let observed = observed.withLock { $0 }
        guard observed.counts.contains(where: { $0 > 0 }) else { return nil }
        return MetricSeries(labels: labels, value: observed.sum, buckets: observed.counts)
    }
}
