// Prometheus' text format, version 0.0.4: what processes have measured, written for a scrape.

import AnalysisAPI

/// The metrics of several processes as one answer: each family once, its series with the labels `process` and `id` of their process.
enum PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func text(of processes: [ProcessMetrics]) -> String {
        var families: [String: MetricFamily] = [:]
        var lines: [String: [String]] = [:]
        for process in processes {
            for family in process.families where isName(family.name) {
                let known = families[family.name] ?? family
                // A process of another version may know it as something else, which no family can be at once.
                guard known.type == family.type else { continue }
                families[family.name] = known
                lines[family.name, default: []] += samples(of: family, process: process)
            }
        }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(name) \(family.type.word)\n"
            for line in lines[name] ?? [] { text += line + "\n" }
        }
        return text
    }

    private static func samples(of family: MetricFamily, process: ProcessMetrics) -> [String] {
        family.series.flatMap { series -> [String] in
            var labels = [("process", process.process), ("id", process.id)].filter { !$0.1.isEmpty }
            labels += series.labels.map { ($0.name, $0.value) }.filter { isName($0.0) }
            guard family.type == .histogram else { return [line(family.name, labels, number(series.value))] }
            var lines: [String] = []
            var count: UInt64 = 0
            for (index, bucket) in series.buckets.enumerated() {
                count += bucket
                let bound = index < family.bounds.count ? family.bounds[index] : .infinity
                lines.append(line(family.name + "_bucket", labels + [("le", number(bound))], "\(count)"))
            }
            return lines + [
                line(family.name + "_sum", labels, number(series.value)),
                line(family.name + "_count", labels, "\(count)"),
            ]
        }
    }

    private static func line(_ name: String, _ labels: [(String, String)], _ value: String) -> String {
        let pairs = labels.map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
        return pairs.isEmpty ? "\(name) \(value)" : "\(name){\(pairs)} \(value)"
    }

    private static func isName(_ name: String) -> Bool {
        name.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? escaped.replacing("\"", with: "\\\"") : escaped
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}

extension MetricType {
    fileprivate var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .unspecified, .unrecognized: "untyped"
        }
    }
}
