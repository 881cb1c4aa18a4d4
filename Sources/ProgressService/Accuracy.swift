// How true estimates were: their relative errors, counted by day and by how much of the job was done.

import AnalysisAPI
import Foundation
import Metrics

/// An estimate and what then came.
struct ScoredEstimate: Hashable, Sendable {
    /// How much of the job was done when it was shown.
    let fraction: Double
    let etaMs: Double
    /// Until the job ended.
    let takenMs: Double
    /// How much of that was displacement and pauses that began after the estimate. Time that another job spent on songs of this
    /// one is neither.
    let delayMs: Double

    var adjusted: EstimateError { EstimateError(etaMs: etaMs, takenMs: takenMs - delayMs) }
    var unadjusted: EstimateError { EstimateError(etaMs: etaMs, takenMs: takenMs) }

    /// Records the errors as metrics: how far off, without a sign.
    func record() {
        for (error, kind) in [(adjusted, "adjusted"), (unadjusted, "unadjusted")] {
            Recorder(label: "analysis_progress_eta_error_ratio", dimensions: [("kind", kind)])
                .record(abs(error.relative))
        }
    }
}

struct EstimateError: Hashable, Sendable {
    /// Of the time taken; above 0 where it took less than estimated.
    let relative: Double
    /// Whether it is within 20 % or 2 s, whichever is larger.
    let isWithinTarget: Bool

    /// Times below a tenth of a second count as one: nobody sees them.
    init(etaMs: Double, takenMs: Double) {
        let error = etaMs - max(takenMs, 0)
        relative = error / max(takenMs, 100)
        isWithinTarget = abs(error) <= max(0.2 * takenMs, 2_000)
    }
}

/// Relative errors in bins each a tenth further from zero than the one before: narrow where errors are small, few in all.
struct ErrorHistogram: Hashable, Sendable, Codable {
    private(set) var withinTarget = 0
    /// Errors of one sign are in bins of that sign; those below a thousandth in bin 0.
    private(set) var bins: [Int: Int] = [:]

    private static let width = 0.01
    private static let growth = 1.1
    /// Errors of 20 times the time taken and more.
    private static let lastBin = 80

    var count: Int { bins.values.reduce(0, +) }

    mutating func note(_ error: EstimateError) {
        let distance = log1p(abs(error.relative) / Self.width) / log(Self.growth)
        let bin = Int(min(distance, Double(Self.lastBin)))
        bins[error.relative < 0 ? -bin : bin, default: 0] += 1
        if error.isWithinTarget { withinTarget += 1 }
    }

    mutating func add(_ other: ErrorHistogram) {
        withinTarget += other.withinTarget
        bins.merge(other.bins, uniquingKeysWith: +)
    }

    var errors: EstimateErrors {
        let absolute = Dictionary(bins.map { (abs($0), $1) }, uniquingKeysWith: +)
        return EstimateErrors(
            median: Self.quantile(0.5, of: bins), medianAbsolute: Self.quantile(0.5, of: absolute),
            p90Absolute: Self.quantile(0.9, of: absolute),
            withinTarget: count > 0 ? Double(withinTarget) / Double(count) : 0)
    }

    /// The error below which a share of the errors are; within a bin they are taken to be spread evenly.
    private static func quantile(_ share: Double, of bins: [Int: Int]) -> Double {
        var rest = share * Double(bins.values.reduce(0, +))
        for (bin, count) in bins.sorted(by: { $0.key < $1.key }) {
            guard rest > Double(count) else {
                let (low, high) = bin < 0 ? (-edge(1 - bin), -edge(-bin)) : (edge(bin), edge(bin + 1))
                return low + (high - low) * rest / Double(count)
            }
            rest -= Double(count)
        }
        return 0
    }

    /// Where a bin begins, counted from zero.
    private static func edge(_ bin: Int) -> Double { width * (pow(growth, Double(bin)) - 1) }
}

/// The errors of one day's jobs, by tenths of them done.
struct DayAccuracy: Hashable, Sendable, Codable {
    struct Tenth: Hashable, Sendable, Codable {
        var adjusted = ErrorHistogram()
        var unadjusted = ErrorHistogram()
    }

    private(set) var tenths = Array(repeating: Tenth(), count: 10)

    mutating func note(_ estimate: ScoredEstimate) {
        let tenth = min(max(Int(estimate.fraction * 10), 0), 9)
        tenths[tenth].adjusted.note(estimate.adjusted)
        tenths[tenth].unadjusted.note(estimate.unadjusted)
    }

    mutating func add(_ other: DayAccuracy) {
        for (index, tenth) in other.tenths.enumerated() where index < tenths.count {
            tenths[index].adjusted.add(tenth.adjusted)
            tenths[index].unadjusted.add(tenth.unadjusted)
        }
    }
}

/// The errors of the latest days, by the number of the day since 1970, in UTC.
struct AccuracyLog: Hashable, Sendable {
    private(set) var days: [Int64: DayAccuracy]
    /// Those that were let go of last.
    private(set) var expired: [Int64] = []

    /// For how long errors are kept.
    static let keptDays: Int64 = 90

    init(days: [Int64: DayAccuracy] = [:]) {
        self.days = days
    }

    static func day(of atMs: Int64) -> Int64 { atMs / 86_400_000 }

    mutating func note(_ estimates: [ScoredEstimate], nowMs: Int64) {
        let today = Self.day(of: nowMs)
        for estimate in estimates { days[today, default: DayAccuracy()].note(estimate) }
        expired = days.keys.filter { $0 <= today - Self.keptDays }
        for day in expired { days[day] = nil }
    }

    /// The days that may have changed since they were saved.
    var latest: [(day: Int64, DayAccuracy)] { days.sorted { $0.key < $1.key }.suffix(2).map { ($0, $1) } }

    /// What the last days come to, today included.
    func accuracy(days count: Int64, nowMs: Int64) -> Accuracy {
        let first = Self.day(of: nowMs) - count
        var sum = DayAccuracy()
        for (day, accuracy) in days where day > first { sum.add(accuracy) }
        var fromFirstTenth = DayAccuracy.Tenth()
        for tenth in sum.tenths.dropFirst() {
            fromFirstTenth.adjusted.add(tenth.adjusted)
            fromFirstTenth.unadjusted.add(tenth.unadjusted)
        }
        return Accuracy(
            byFraction: sum.tenths.enumerated().map { index, tenth in
                AccuracyByFraction(tenth, from: Double(index) / 10, to: Double(index + 1) / 10)
            },
            fromFirstTenth: AccuracyByFraction(fromFirstTenth, from: 0.1, to: 1))
    }
}

extension AccuracyByFraction {
    fileprivate init(_ tenth: DayAccuracy.Tenth, from: Double, to: Double) {
        self.init(
            from: from, to: to, estimates: UInt64(tenth.adjusted.count), adjusted: tenth.adjusted.errors,
            unadjusted: tenth.unadjusted.errors)
    }
}
