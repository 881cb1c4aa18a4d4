// docs/metrics.md lists the families that there are.

import Foundation
import Testing

@testable import Daemon

@Suite struct MetricsPageTests {
    @Test func theDocumentationListsEveryFamily() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../docs/metrics.md").standardized
        let parts = try String(contentsOf: file, encoding: .utf8).split(separator: "## Families\n", maxSplits: 1)
        let head = ["| family | type | labels | what it tells |", "|---|---|---|---|"]
        let listed = (head + MetricDefinition.all.map(\.row)).joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["ANALYSIS_WRITE_DOCS"] != nil {
            try Data("\(parts[0])## Families\n\n\(listed)".utf8).write(to: file)
        }
        #expect(parts.count == 2 && parts[1].drop(while: \.isNewline) == listed)
    }
}

extension MetricDefinition {
    fileprivate var row: String {
        let labels = labels.map { "`\($0)`" }.joined(separator: ", ")
        return "| `\(name)` | \(type) | \(labels) | \(help) |"
    }
}
