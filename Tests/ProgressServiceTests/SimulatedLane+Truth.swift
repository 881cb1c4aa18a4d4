// What really happened on a simulated lane, to which estimates are compared.

import AnalysisAPI

@testable import ProgressService

extension SimulatedLane {
    /// A time during which the same job ran, and the same were paused.
    struct Stretch {
        let fromMs: Int64
        let toMs: Int64
        let running: (job: Job, arrivedAtMs: Int64)?
        let frozenAtMs: Int64?
        let pausedAtMs: [String: Int64]
    }

    struct SimulatedJob {
        var job: Job
        let songs: [SimulatedSong]
        var arrivedAtMs: Int64
        var pausedAtMs: Int64?
        /// The songs that it found fresh.
        var skipped: Set<String> = []
        var ranMs = 0.0
        var endedAtMs: Int64?
    }

    /// How long a job was kept until its end by what came up after a time: jobs that went before it, and pauses. Who first
    /// analysed a song that it then skipped did its work, and kept it from nothing.
    func delayMs(of job: Job, after atMs: Int64) -> Int64 {
        let end = jobs[job.id]?.endedAtMs ?? nowMs
        return stretches.reversed().prefix { $0.toMs > atMs }.reduce(0) { sum, stretch in
            guard stretch.fromMs < end else { return sum }
            let isDisplaced =
                stretch.running.map { running in
                    running.arrivedAtMs > atMs && running.job.precedes(job) && !spared(job, by: running.job, stretch)
                } ?? false
            let isPaused = stretch.pausedAtMs[job.id].map { $0 > atMs } ?? false
            let isFrozen = stretch.frozenAtMs.map { $0 > atMs } ?? false
            return isDisplaced || isPaused || isFrozen ? sum + stretch.toMs - max(stretch.fromMs, atMs) : sum
        }
    }
}

extension SimulatedLane {
    private func spared(_ job: Job, by other: Job, _ stretch: Stretch) -> Bool {
        guard other.userID == job.userID, let skipped = jobs[job.id]?.skipped, skipped.contains(other.songID),
            let freshAtMs = fresh[job.userID]?[other.songID]
        else { return false }
        return stretch.toMs <= freshAtMs
    }
}

extension SimulatedLane.SimulatedJob {
    var current: SimulatedSong? { Int(job.cursor) < songs.count ? songs[Int(job.cursor)] : nil }
}
