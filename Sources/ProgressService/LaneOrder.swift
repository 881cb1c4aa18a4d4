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
        /// Songs without a fresh result that the job will have to analyse.
        let songs: Double
        /// Those of its songs that it will find fresh.
        let skips: Double
        /// How many jobs are ahead, by class.
        let ahead: [Priority: Int]
    }

    /// - Parameter backlogs: how many songs of a user have no fresh result, where that is known.
    init(_ jobs: [JobProgress], backlogs: [String: UInt32], costs: CostModel, nowMs: Int64) {
        var workMs = 0.0
        var ahead: [Priority: Int] = [:]
        var songsOfUser: [String: Double] = [:]
        let ready = jobs.filter { !$0.job.state.hasEnded && $0.job.state != .paused && $0.job.state != .scheduled }
        for progress in ready.sorted(by: { $0.job.precedes($1.job) }) {
            let job = progress.job
            let share = Self.share(progress, backlog: backlogs[job.userID], ahead: songsOfUser[job.userID] ?? 0)
            let songs = progress.waiting.songs * share + (progress.item == nil ? 0 : 1)
            if !job.force { songsOfUser[job.userID, default: 0] += songs }
            workMs += progress.workMs(share: share, costs: costs, nowMs: nowMs)
            if progress.isRunning { runningJobID = job.id }
            indexes[job.id] = entries.count
            indexesOfUser[job.userID, default: []].append(entries.count)
            entries.append(
                Entry(
                    priority: job.priority, sequence: job.sequence, title: progress.title, workMs: workMs,
                    songs: job.force ? 0 : songs, skips: progress.waiting.songs * (1 - share), ahead: ahead))
            ahead[job.priority, default: 0] += 1
        }
    }

    /// Of the songs of a job that wait, those that it will have to analyse. Background work is everything that was not
    /// analysed when it was enqueued, or a batch of that: what others of its user's jobs have analysed, or will have by
    /// then, it finds fresh, as far as it is in the batch.
    private static func share(_ progress: JobProgress, backlog: UInt32?, ahead: Double) -> Double {
        let waiting = progress.waiting.songs
        guard progress.job.type == .background, !progress.job.force, let backlog, waiting > 0 else { return 1 }
        let left = max(0, Double(backlog) - (progress.item == nil ? 0 : 1))
        guard left > 0 else { return 0 }
        return min(1, left / waiting) * max(0, 1 - ahead / left)
    }

    /// How many songs a user's jobs will have to analyse, as far as they are known in this lane.
    func songs(of userID: String) -> Double {
        (indexesOfUser[userID] ?? []).reduce(0) { $0 + entries[$1].songs }
    }

    /// How many of the songs that wait in a job it will find fresh, as far as can be foreseen.
    func skips(of jobID: String) -> Double { indexes[jobID].map { entries[$0].skips } ?? 0 }

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
