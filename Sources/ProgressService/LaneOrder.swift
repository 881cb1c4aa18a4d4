// The queue of one lane as its waiting jobs see it: what is ahead of each, how much work that is, and how to say it.

import AnalysisAPI
import Jobs

/// A lane's jobs that run or are ready, in the order in which they run. Made anew after every event.
struct LaneOrder: Sendable {
    private var entries: [Entry] = []
    private var indexes: [String: Int] = [:]
    private var indexesOfUser: [String: [Int]] = [:]
    /// The job whose item runs.
    private(set) var runningJobID: String?

    private struct Entry {
        let priority: Priority
        let sequence: UInt64
        let title: String
        /// Work up to and including this job, in milliseconds, without what remains of the running item.
        let workMs: Double
        /// How many jobs are ahead, by class.
        let ahead: [Priority: Int]
    }

    init(_ jobs: [JobProgress], costs: CostModel, nowMs: Int64) {
        var workMs = 0.0
        var ahead: [Priority: Int] = [:]
        let ready = jobs.filter { !$0.job.state.hasEnded && $0.job.state != .paused && $0.job.state != .scheduled }
        for progress in ready.sorted(by: { $0.job.precedes($1.job) }) {
            let job = progress.job
            workMs += progress.workMs(costs: costs, nowMs: nowMs)
            if progress.isRunning { runningJobID = job.id }
            indexes[job.id] = entries.count
            indexesOfUser[job.userID, default: []].append(entries.count)
            entries.append(
                Entry(
                    priority: job.priority, sequence: job.sequence, title: progress.title, workMs: workMs, ahead: ahead))
            ahead[job.priority, default: 0] += 1
        }
    }

    /// The number of jobs ahead of a job; `nil` where it is not in line.
    func position(of jobID: String) -> Int? { indexes[jobID] }

    /// The work until the end of a job, without what remains of the running item.
    func workMs(through jobID: String) -> Double? { indexes[jobID].map { entries[$0].workMs } }

    /// The work that comes before a job, which need not be in line, without what remains of the running item.
    func workMs(before job: Job) -> Double {
        entries.last { ($0.priority.rawValue, $0.sequence) < (job.priority.rawValue, job.sequence) }?.workMs ?? 0
    }

    /// Whether what remains of the running item delays a job: it does unless the job is about to displace it.
    func runs(noLaterThan jobID: String) -> Bool {
        guard let runningJobID, let running = indexes[runningJobID], let index = indexes[jobID] else { return false }
        return running <= index
    }

    /// What is ahead of a waiting job, for people: `"your Road trip and 2 songs of others"`. Of other users no more than a
    /// class and a count. Empty where nothing is ahead, and where it is not in line.
    func ahead(of jobID: String, userID: String) -> String {
        guard let index = indexes[jobID], index > 0, jobID != runningJobID else { return "" }
        let own = (indexesOfUser[userID] ?? []).prefix { $0 < index }
        var others = entries[index].ahead
        for index in own { others[entries[index].priority, default: 0] -= 1 }

        var parts = own.count > 2 ? ["\(own.count) jobs of yours"] : own.map { "your \(entries[$0].title)" }
        let counts = [(Priority.high, "song"), (.medium, "playlist"), (.low, "background job")]
            .map { (others[$0] ?? 0, $1) }
            .filter { $0.0 > 0 }
            .map { count, noun in "\(count) \(noun)\(count == 1 ? "" : "s")" }
        if !counts.isEmpty { parts.append("\(listed(counts)) of others") }
        return listed(parts)
    }

    private func listed(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return "\(parts.dropLast().joined(separator: ", ")) and \(last)"
    }
}
