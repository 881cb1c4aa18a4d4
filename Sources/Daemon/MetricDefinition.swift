// What a family of metrics is: its name, what it means, and what kind it is.

package import AnalysisAPI

/// A family as documents and scrapes have it. Names and units follow Prometheus' conventions: base units, counters end with `_total`.
package struct MetricDefinition: Sendable {
    package let name: String
    /// One line, for people.
    package let help: String
    package let type: MetricType
    /// The inclusive upper bounds of a histogram's buckets, rising.
    package let bounds: [Double]
    /// The labels of its series, besides those that tell the process.
    package let labels: [String]

    static func counter(_ name: String, by labels: [String] = [], _ help: String) -> Self {
        Self(name: name, help: help, type: .counter, bounds: [], labels: labels)
    }

    static func gauge(_ name: String, by labels: [String] = [], _ help: String) -> Self {
        Self(name: name, help: help, type: .gauge, bounds: [], labels: labels)
    }

    static func histogram(_ name: String, _ bounds: [Double], by labels: [String] = [], _ help: String) -> Self {
        Self(name: name, help: help, type: .histogram, bounds: bounds, labels: labels)
    }

    func makeCell() -> any MetricCell {
        type == .histogram ? HistogramCell(bounds: bounds) : ValueCell()
    }
}

/// Bounds of histograms, in seconds.
enum MetricBounds {
    /// Calls and commands, from 50 µs on.
    static let call: [Double] = [
        0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]
    /// What users wait for. 2 s is what they were promised.
    static let answer: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10]
    /// How soon something urgent has its way.
    static let reaction: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10]
    /// Songs, from short ones to whole concerts.
    static let song: [Double] = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600]
    /// Work of any size.
    static let work: [Double] = [0.1, 0.5, 1, 2, 5, 15, 30, 60, 300, 900, 3600, 14_400, 86_400]
}
