// `analysisctl eta`: how true the estimates of the remaining time were.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Eta: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How true the estimates of the last days were, by how much of the job was done.",
        discussion:
            """
            Errors are shares of the time taken, less displacement and pauses that began after the estimate; beside each, in \
            brackets, that of the whole time taken. The bias is the median signed error: above 0, it took less than estimated. \
            The target, from the first tenth of a job on: 90 % within 20 % or 2 s, and half within 7 %.
            """)

    @Option(help: "How many days, today included, at most 90.") var days: UInt32 = 7
    @OptionGroup var connection: Connection

    func validate() throws {
        guard (1...90).contains(days) else { throw ValidationError("--days is \(days); it must be from 1 to 90.") }
    }

    func run() async throws {
        let options = connection.options
        let accuracy = try await connection.withProgress { [days] client in
            try await ProgressClient(client).getAccuracy(AccuracyRequest(days: days), options: options)
        }
        let rows = (accuracy.byFraction + (accuracy.fromFirstTenth.map { [$0] } ?? [])).map(Row.init)
        if connection.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            print(String(decoding: try encoder.encode(rows), as: UTF8.self))
        } else {
            var table = Table("done", "estimates", "within 20 % or 2 s", "half within", "nine in ten within", "bias")
            table.rows = rows.map(\.columns)
            table.show()
        }
    }
}

/// The estimates shown while a job was so far.
private struct Row: Encodable {
    struct Errors: Encodable {
        let bias: Double
        let median: Double
        let p90: Double
        let withinTarget: Double

        init(_ errors: EstimateErrors?) {
            bias = errors?.median ?? 0
            median = errors?.medianAbsolute ?? 0
            p90 = errors?.p90Absolute ?? 0
            withinTarget = errors?.withinTarget ?? 0
        }
    }

    let from: Double
    let to: Double
    let estimates: UInt64
    let adjusted: Errors
    let unadjusted: Errors

    init(_ errors: AccuracyByFraction) {
        from = errors.from
        to = errors.to
        estimates = errors.estimates
        adjusted = Errors(errors.adjusted)
        unadjusted = Errors(errors.unadjusted)
    }

    var columns: [String] {
        let done = "\(Int((from * 100).rounded()))–\(Int((to * 100).rounded())) %"
        guard estimates > 0 else { return [done, "0", "", "", "", ""] }
        return [
            done, "\(estimates)", both(\.withinTarget), both(\.median), both(\.p90), both(\.bias),
        ]
    }

    private func both(_ share: KeyPath<Errors, Double>) -> String {
        "\(percent(adjusted[keyPath: share])) (\(percent(unadjusted[keyPath: share])))"
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
