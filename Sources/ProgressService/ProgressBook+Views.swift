// What the book shows: a job, a playlist or a library as those who watch it see it, and when it will be done.

import AnalysisAPI
import Jobs

extension ProgressBook {
    /// How long a lane may be without an item before it counts as idle: the next one starts within milliseconds.
    private static let idleAfterMs: Int64 = 2_000

    /// A context as it stands; `nil` where it is not known here.
    mutating func view(of key: ContextKey, nowMs: Int64) -> ProgressView? {
        if case .job(let jobID) = key { view(ofJob: jobID, nowMs: nowMs) } else { view(ofSongsIn: key, nowMs: nowMs) }
    }

    /// The jobs of a user that have not ended, in queue order.
    func activeJobs(of userID: String) -> [ContextKey] {
        activeJobs(userID).map { .job($0.job.id) }
    }

    /// What of the contexts, and of a user's jobs, changed after a version; of a user's jobs that ended, those that
    /// are still known here. After no version at all, everything but those.
    func changed(_ keys: Set<ContextKey>, jobsOf userID: String?, since version: UInt64) -> Set<ContextKey> {
        var changed = keys.filter { (self.version(of: $0) ?? .max) > version }
        guard let userID else { return changed }
        // In the order of their ends, and of their versions.
        let ended = version > 0 ? self.ended.reversed().prefix { (jobs[$0.jobID]?.version ?? .max) > version } : []
        for jobID in (users[userID]?.jobs ?? []).union(ended.map(\.jobID)) {
            guard let progress = jobs[jobID], progress.job.userID == userID, progress.version > version else { continue }
            changed.insert(.job(jobID))
        }
        return changed
    }

    /// The version of its last change; `nil` where it is not known here.
    func version(of key: ContextKey) -> UInt64? {
        if case .job(let jobID) = key { jobs[jobID]?.version } else { contexts[key]?.version }
    }

    private mutating func view(ofJob jobID: String, nowMs: Int64) -> ProgressView? {
        guard let progress = jobs[jobID] else { return nil }
        let job = progress.job
        let estimate = remainingMs(jobID, nowMs: nowMs)
        let etaMs = Self.countDown(&jobs[jobID, default: progress].countdown, estimateMs: estimate, nowMs: nowMs)
        let line = place(progress, nowMs: nowMs)
        return ProgressView(
            context: ContextKey.job(jobID).message, version: progress.version, basis: 1, fraction: progress.fraction,
            total: job.total, analysed: job.analysed &+ job.skipped, failed: job.failed,
            inProgress: progress.isRunning ? 1 : 0, etaMs: etaMs, job: job,
            song: progress.item.map { $0.song ?? Song(id: $0.songID) }, songFraction: progress.songFraction,
            stage: progress.item?.stage ?? "", position: line.position, waitingFor: line.waitingFor,
            ended: job.state.hasEnded, updatedAtMs: progress.updatedAtMs)
    }

    private mutating func view(ofSongsIn key: ContextKey, nowMs: Int64) -> ProgressView? {
        guard let context = contexts[key], let coverage = context.coverage, let userID = key.userID else { return nil }
        let active = activeJobs(userID).filter { concerns($0, key) }
        let running = active.first { progress in
            progress.isRunning && context.contains(progress.item?.songID ?? "", in: key)
        }
        let first = running ?? active.first
        let unended = coverage.total - coverage.ended
        let estimate = remainingMs(of: key, active: active, coverage: coverage, nowMs: nowMs)
        let etaMs = Self.countDown(&contexts[key, default: context].countdown, estimateMs: estimate, nowMs: nowMs)
        let line = place(first, nowMs: nowMs)
        return ProgressView(
            context: key.message, version: context.version, basis: context.basis, fraction: context.fraction,
            total: coverage.total, analysed: coverage.analysed, failed: coverage.failed,
            inProgress: running == nil ? 0 : min(1, unended), etaMs: etaMs, job: first?.job,
            song: running?.item.map { $0.song ?? Song(id: $0.songID) }, songFraction: running?.songFraction ?? 0,
            stage: running?.item?.stage ?? "",
            position: line.position, waitingFor: line.waitingFor, ended: unended == 0, updatedAtMs: context.updatedAtMs)
    }

    private func activeJobs(_ userID: String) -> [JobProgress] {
        (users[userID]?.jobs ?? []).compactMap { jobs[$0] }.sorted { $0.job.precedes($1.job) }
    }

    /// Whether a job of the user works on the context: on a playlist, its own job and one that runs a song of it.
    private func concerns(_ progress: JobProgress, _ key: ContextKey) -> Bool {
        guard case .playlist(_, let playlistID) = key else { return true }
        let isItsOwn = progress.job.type == .playlist && progress.job.targetID == playlistID
        return isItsOwn || (progress.isRunning && contexts[key]?.contains(progress.item?.songID ?? "", in: key) == true)
    }

    /// How many jobs are ahead of a job, and what it waits for.
    private mutating func place(_ progress: JobProgress?, nowMs: Int64) -> (position: UInt32, waitingFor: String) {
        guard let progress else { return (0, "") }
        let job = progress.job
        let order = order(ofLane: job.lane, nowMs: nowMs)
        guard let position = order.position(of: job.id) else { return (0, "") }
        var waitingFor = order.waitingFor(job.id, userID: job.userID)
        if waitingFor.isEmpty, job.state != .inProgress {
            let isIdle = isIdle(job.lane, order, since: job.createdAtMs, nowMs: nowMs)
            waitingFor = isIdle ? "waiting for a worker" : "about to start"
        }
        return (UInt32(clamping: position), waitingFor)
    }

    private func isIdle(_ lane: String, _ order: LaneOrder, since atMs: Int64 = 0, nowMs: Int64) -> Bool {
        order.runningJobID == nil && nowMs - max(lanes[lane]?.ranAtMs ?? 0, atMs) > Self.idleAfterMs
    }

    private mutating func order(ofLane lane: String, nowMs: Int64) -> LaneOrder {
        if let order = lanes[lane]?.order { return order }
        let order = LaneOrder((lanes[lane]?.jobs ?? []).compactMap { jobs[$0] }, costs: costs, nowMs: nowMs)
        lanes[lane]?.order = order
        return order
    }

    /// The time until a job ends: the work ahead of it, its own, and what remains of the running item. None for a job that
    /// is not in line, and while nobody works on the lane.
    private mutating func remainingMs(_ jobID: String, nowMs: Int64) -> Double? {
        guard let job = jobs[jobID]?.job else { return nil }
        let order = order(ofLane: job.lane, nowMs: nowMs)
        guard let workMs = order.workMs(through: jobID),
            !isIdle(job.lane, order, since: job.createdAtMs, nowMs: nowMs)
        else { return nil }
        guard order.runs(noLaterThan: jobID), let running = order.runningJobID.flatMap({ jobs[$0] }),
            let item = running.item
        else { return workMs }
        return workMs + item.remainingMs(expectedMs: running.expectedMs(item, costs: costs), nowMs: nowMs)
    }

    /// The time until a playlist's own job ends, or until the user's last job has ended and the songs that are in none of
    /// them are analysed as well.
    private mutating func remainingMs(
        of key: ContextKey, active: [JobProgress], coverage: Coverage, nowMs: Int64
    ) -> Double? {
        let estimates = active.map { ($0.job, remainingMs($0.job.id, nowMs: nowMs)) }
        if case .playlist(_, let playlistID) = key {
            return estimates.first { $0.0.type == .playlist && $0.0.targetID == playlistID }?.1
        }
        guard coverage.ended < coverage.total, let last = estimates.compactMap(\.1).max() else { return nil }
        let queued = active.filter { !$0.job.force }
        let queuedSongs = queued.reduce(0) { $0 + Double($1.job.total) - Double($1.endedSongs) }
        let queuedAudioMs = queued.reduce(0) { $0 + Double($1.job.audioMs) - Double($1.job.audioDoneMs) }
        let songs = Double(coverage.total - coverage.ended) - queuedSongs
        let audioMs = Double(coverage.audioMs) - Double(coverage.audioDoneMs) - queuedAudioMs
        return songs > 0 ? last + costs.workMs(songs: songs, audioMs: max(0, audioMs)) : last
    }

    private static func countDown(_ countdown: inout Countdown?, estimateMs: Double?, nowMs: Int64) -> UInt64? {
        guard let estimateMs else {
            countdown = nil
            return nil
        }
        if countdown == nil { countdown = Countdown(estimateMs: estimateMs, nowMs: nowMs) }
        countdown?.advance(estimateMs: estimateMs, nowMs: nowMs)
        return countdown.flatMap { UInt64(exactly: $0.shownMs.rounded()) }
    }
}

extension ProgressView {
    /// A job that the queue knows and the log has not told yet, or no longer: its place in line is unknown.
    init(unfollowed job: Job, nowMs: Int64) {
        let progress = JobProgress(job)
        self.init(
            context: ContextKey.job(job.id).message, basis: 1, fraction: progress.fraction, total: job.total,
            analysed: job.analysed &+ job.skipped, failed: job.failed, inProgress: job.state == .inProgress ? 1 : 0,
            job: job, ended: job.state.hasEnded, updatedAtMs: nowMs)
    }
}
