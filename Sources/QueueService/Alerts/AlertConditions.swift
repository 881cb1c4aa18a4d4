// What is not as it should be, judged by what was seen: no I/O, no clock.

import AnalysisAPI
import Foundation
import Jobs

/// The system as it was seen at one instant.
struct AlertObservation: Sendable {
    var atMs: Int64 = 0
    /// Jobs that stand in line.
    var waiting: UInt64 = 0
    /// When the first job of each class that has not been begun was made, in milliseconds.
    var oldestMs: [Priority: Int64] = [:]
    /// The whole queue is paused by somebody, who knows that everything waits.
    var isPaused = false
    var workers: [WorkerStatus] = []
    var breakers: [CircuitBreaker] = []
    /// Analyzer → songs that failed in it since one passed.
    var failingSongs: [String: Int] = [:]
    /// Bytes that Redis uses, and may use; nil: not known.
    var memory: (used: Double, limit: Double)?

    func conditions(_ tally: FailureTally, rules: AlertRules) -> [AlertCondition] {
        let found: [AlertCondition?] = [
            Self.condition(
                AlertKey(.queueBackedUp), .warning, Double(waiting), above: Double(rules.waitingJobs), "jobs",
                "\(waiting) jobs wait; \(rules.waitingJobs) are held to be enough."),
            workers.isEmpty && !isPaused
                ? AlertCondition(
                    key: AlertKey(.noWorker), severity: .critical, standing: .wrong,
                    summary: "No worker is connected: nothing is analysed. Jobs in line: \(waiting).", unit: "workers")
                : nil,
            failureRate(tally, rules), memoryCondition(rules),
        ]
        return found.compactMap { $0 } + waits(rules) + stuck(rules) + failing(tally, rules)
    }

    /// Redis does not answer.
    static func redisAway(_ problem: String) -> AlertCondition {
        AlertCondition(
            key: AlertKey(.redisAway), severity: .critical, standing: .wrong,
            summary: "Redis is away: nothing is queued or analysed. \(problem)")
    }

    /// - Returns: nil where all is well; a threshold of 0 means that it always is.
    private static func condition(
        _ key: AlertKey, _ severity: AlertSeverity, _ value: Double, above threshold: Double, _ unit: String,
        _ summary: String, calmBelow calm: Double? = nil
    ) -> AlertCondition? {
        guard threshold > 0, value > (calm ?? threshold * AlertRules.calmShare) else { return nil }
        return AlertCondition(
            key: key, severity: severity, standing: value > threshold ? .wrong : .between, summary: summary,
            value: value, threshold: threshold, unit: unit)
    }

    /// Of failures in a row, which begin anew with the first success.
    private static func condition(
        _ key: AlertKey, _ count: Int, reaching threshold: Int, _ summary: String
    ) -> AlertCondition? {
        guard threshold > 0, count > 0 else { return nil }
        return AlertCondition(
            key: key, severity: .warning, standing: count >= threshold ? .wrong : .between, summary: summary,
            value: Double(count), threshold: Double(threshold), unit: "songs")
    }

    private func waits(_ rules: AlertRules) -> [AlertCondition] {
        guard !isPaused else { return [] }
        return oldestMs.compactMap { priority, madeAtMs in
            guard let longest = rules.longestWait[priority] else { return nil }
            let waited = Double(atMs - madeAtMs) / 1000
            let threshold = Double(longest.milliseconds) / 1000
            return Self.condition(
                AlertKey(.oldestWait, priority.name), priority == .high ? .critical : .warning, waited,
                above: threshold, "seconds",
                "The oldest job of \(priority.name) priority has waited for \(spoken(waited)); "
                    + "\(spoken(threshold)) are held to be enough.")
        }
    }

    private func stuck(_ rules: AlertRules) -> [AlertCondition] {
        workers.compactMap { worker in
            let stuck = (worker.diagnostics?.processes ?? []).filter { $0.stuckSinceMs > 0 && !$0.frozen }
            guard let process = stuck.min(by: { $0.stuckSinceMs < $1.stuckSinceMs }) else { return nil }
            let seconds = Double(atMs - process.stuckSinceMs) / 1000
            return Self.condition(
                AlertKey(.workerStuck, worker.id), .warning, seconds,
                above: Double(rules.stuckAfter.milliseconds) / 1000, "seconds",
                "The \(process.analyzer) analyzer (process \(process.pid)) of worker \(worker.id) has not come on with its "
                    + "song for \(spoken(seconds)).")
        }
    }

    private func failureRate(_ tally: FailureTally, _ rules: AlertRules) -> AlertCondition? {
        let ended = tally.ended(within: rules.failureWindow, atMs: atMs)
        let total = ended.analysed + ended.failed
        guard total >= rules.failureSongs else { return nil }
        let share = Double(ended.failed) / Double(total)
        return Self.condition(
            AlertKey(.failureRate), .warning, share, above: rules.failureShare, "ratio",
            "Of the \(total) songs that ended in the last \(spoken(Double(rules.failureWindow.milliseconds) / 1000)), "
                + "\(ended.failed) have failed.")
    }

    private func failing(_ tally: FailureTally, _ rules: AlertRules) -> [AlertCondition] {
        let songs = tally.songs.compactMap { key, trouble in
            Self.condition(
                AlertKey(.songFailing, key.songID, userID: key.userID), trouble.failures,
                reaching: rules.songFailures,
                "The song \(key.songID) has failed \(trouble.failures) times in a row, the last time: \(trouble.reason)"
            )
        }
        let analyzers = failingSongs.compactMap { analyzer, count in
            Self.condition(
                AlertKey(.analyzerFailing, analyzer), count, reaching: rules.analyzerSongs,
                "\(count) songs in a row have failed in the \(analyzer) analyzer.")
        }
        let circuits = breakers.map { breaker in
            AlertCondition(
                key: AlertKey(.circuitOpen, breaker.analyzer), severity: .critical, standing: .wrong,
                summary:
                    "The circuit of the \(breaker.analyzer) analyzer is open after \(breaker.songs) songs that failed in a "
                    + "row, the last because: \(breaker.reason)",
                value: Double(breaker.songs), unit: "songs")
        }
        return songs + analyzers + circuits
    }

    private func memoryCondition(_ rules: AlertRules) -> AlertCondition? {
        guard let memory, memory.limit > 0 else { return nil }
        let share = memory.used / memory.limit
        let percent = Int((share * 100).rounded())
        return Self.condition(
            AlertKey(.redisMemory), .critical, share, above: rules.redisMemoryShare, "ratio",
            "Redis uses \(percent) % of its memory (\(Int(memory.used) >> 20) of \(Int(memory.limit) >> 20) MiB).",
            calmBelow: rules.redisMemoryShare * 0.95)
    }
}

/// "45 seconds", "3 minutes", "2 hours", "3 days".
private func spoken(_ seconds: Double) -> String {
    let (count, unit) =
        switch seconds {
        case ..<120: (seconds, "second")
        case ..<7200: (seconds / 60, "minute")
        case ..<172_800: (seconds / 3600, "hour")
        default: (seconds / 86_400, "day")
        }
    let whole = Int(count.rounded())
    return "\(whole) \(unit)\(whole == 1 ? "" : "s")"
}
