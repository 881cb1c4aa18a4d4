// Remembers what is shown of jobs and what kept them waiting, and compares both with what came when a job has completed.

import AnalysisAPI
import Jobs

extension ProgressBook {
    /// An item that runs on a lane.
    struct Run: Hashable, Sendable {
        let jobID: String
        let fromMs: Int64
    }

    /// An estimate of a job is shown.
    mutating func noteEstimate(_ etaMs: UInt64?, of jobID: String, nowMs: Int64) {
        guard let etaMs, let progress = jobs[jobID] else { return }
        let skips = Double(progress.job.skipped) + order(ofLane: progress.job.lane, nowMs: nowMs).skips(of: jobID)
        let isNoted = jobs[jobID]?.estimates.note(
            etaMs: Int64(clamping: etaMs), fraction: progress.fraction, skips: skips, nowMs: nowMs)
        if isNoted == true { unsaved.estimates.insert(jobID) }
    }

    /// Takes note of what begins, or ceases, to keep other jobs or this one from going on.
    mutating func trackDelays(from before: JobProgress?, to after: JobProgress, _ kind: EventKind, atMs: Int64) {
        let job = after.job
        if let before, before.job.state == .paused || before.job.state == .scheduled, before.job.state != job.state {
            delay(.held(jobID: job.id), from: before.asideAtMs, until: atMs, on: job.lane)
        }
        if let run = lanes[job.lane]?.run, run.jobID == job.id, kind == .started || !after.isRunning {
            let cause = LaneDelays.Delay.Cause.run(
                jobID: job.id, priority: Int(job.priority.rawValue), sequence: job.sequence)
            if hasOvertaken(after) {
                delay(cause, began: after.arrivedAtMs, from: run.fromMs, until: atMs, on: job.lane)
            }
            lanes[job.lane]?.run = nil
            lanes[job.lane]?.ranToMs = atMs
        }
        if kind == .started { lanes[job.lane]?.run = Run(jobID: job.id, fromMs: atMs) }
    }

    /// A pause of the queue is over, or another replaces it.
    mutating func endDelay(by pause: QueuePause, atMs: Int64) {
        // A song that ran on was not kept by it.
        for (id, lane) in lanes where lane.run == nil {
            delay(
                .queuePause, began: pause.pausedAtMs, from: max(pause.pausedAtMs, lane.ranToMs), until: atMs, on: id)
        }
    }

    /// The estimates of a job that has completed, and what came of them. Whoever went before it and analysed songs of its own did
    /// its work: what that spared it, as far as it was not foreseen, is no delay.
    func scores(_ progress: JobProgress, endedAtMs: Int64) -> [ScoredEstimate] {
        let delays = lanes[progress.job.lane]?.delays ?? LaneDelays()
        let sparedMs = costs.workMs(songs: 1, audioMs: progress.averageSkippedMs)
        return progress.estimates.estimates.map { estimate in
            let skipped = Double(progress.job.skipped)
            let unforeseen = max(0, skipped - (estimate.skips ?? skipped))
            let delayMs = Double(delays.delayMs(of: progress.job, after: estimate.atMs))
            return ScoredEstimate(
                fraction: estimate.fraction, etaMs: Double(estimate.etaMs),
                takenMs: Double(endedAtMs - estimate.atMs), delayMs: max(0, delayMs - unforeseen * sparedMs))
        }
    }

    /// Forgets delays that no live job has seen.
    mutating func pruneDelays() {
        for (id, lane) in lanes where !lane.delays.delays.isEmpty {
            let oldest = lane.jobs.compactMap { jobs[$0]?.job.createdAtMs }.min()
            lanes[id]?.delays.forget(before: oldest ?? .max)
            if lanes[id]?.delays.hasChanges == true { unsaved.delays.insert(id) }
        }
    }

    private mutating func delay(
        _ cause: LaneDelays.Delay.Cause, began beganAtMs: Int64? = nil, from fromMs: Int64, until toMs: Int64,
        on lane: String
    ) {
        guard fromMs > 0 else { return }
        lanes[lane]?.delays.add(
            LaneDelays.Delay(cause: cause, beganAtMs: beganAtMs ?? fromMs, fromMs: fromMs, toMs: toMs))
        unsaved.delays.insert(lane)
    }

    /// Whether a job goes before one that was there first.
    private func hasOvertaken(_ progress: JobProgress) -> Bool {
        lanes[progress.job.lane]?.jobs.contains { id in
            guard let other = jobs[id]?.job, other.id != progress.job.id else { return false }
            return other.createdAtMs < progress.arrivedAtMs && progress.job.precedes(other)
        } ?? false
    }
}
