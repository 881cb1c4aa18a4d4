// What the book shows: a job, a playlist or a library as those who watch it see it.

import AnalysisAPI
import Jobs

extension ProgressBook {
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
            guard let progress = jobs[jobID], progress.job.userID == userID, progress.version > version else {
                continue
            }
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
        let forecast = forecast(jobID, nowMs: nowMs)
        let etaMs = Self.countDown(
            &jobs[jobID, default: progress].countdown, estimateMs: forecast?.totalMs, nowMs: nowMs)
        noteEstimate(etaMs, of: jobID, nowMs: nowMs)
        let place = place(progress, nowMs: nowMs)
        let startsInMs = job.state == .inProgress ? nil : startsInMs(forecast, etaMs: etaMs)
        return ProgressView(
            context: ContextKey.job(jobID).message, version: progress.version, basis: 1, fraction: progress.fraction,
            total: job.total, analysed: job.analysed &+ job.skipped, failed: job.failed,
            inProgress: progress.isRunning ? 1 : 0, etaMs: etaMs, job: job,
            song: progress.item.map { $0.song ?? Song(id: $0.songID) }, songFraction: progress.songFraction,
            stage: progress.item?.stage ?? "", position: place.position, waitingFor: place.waitingFor,
            ended: job.state.hasEnded, updatedAtMs: progress.updatedAtMs,
            suspension: suspension(progress, place, resumesInMs: startsInMs), startsInMs: startsInMs)
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
        // Its job is told about as by itself.
        let job = first.flatMap { view(ofJob: $0.job.id, nowMs: nowMs) }
        return ProgressView(
            context: key.message, version: context.version, basis: context.basis, fraction: context.fraction,
            total: coverage.total, analysed: coverage.analysed, failed: coverage.failed,
            inProgress: running == nil ? 0 : min(1, unended), etaMs: etaMs, job: first?.job,
            song: running?.item.map { $0.song ?? Song(id: $0.songID) }, songFraction: running?.songFraction ?? 0,
            stage: running?.item?.stage ?? "", position: job?.position ?? 0, waitingFor: job?.waitingFor ?? "",
            ended: unended == 0, updatedAtMs: context.updatedAtMs, suspension: job?.suspension,
            startsInMs: job?.startsInMs)
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

    /// Where a job stands in line.
    private struct Place {
        var position: UInt32 = 0
        var waitingFor = ""
        /// What keeps it from running, for people.
        var keptBy = ""
    }

    private mutating func place(_ progress: JobProgress, nowMs: Int64) -> Place {
        let job = progress.job
        if job.state == .paused { return Place(keptBy: "a pause of the job") }
        let order = order(ofLane: job.lane, nowMs: nowMs)
        guard let position = order.position(of: job.id) else { return Place() }
        var place = Place(position: UInt32(clamping: position))
        guard job.state != .inProgress else { return place }
        let ahead = order.ahead(of: job.id, userID: job.userID)
        if pause != nil {
            (place.waitingFor, place.keptBy) = ("until the queue goes on", "a pause of the queue")
        } else if !ahead.isEmpty {
            (place.waitingFor, place.keptBy) = ("behind \(ahead)", ahead)
        } else if isIdle(job.lane, order, since: job.createdAtMs, nowMs: nowMs) {
            (place.waitingFor, place.keptBy) = ("waiting for a worker", "a missing worker")
        } else {
            place.waitingFor = "about to start"
        }
        return place
    }

    /// In proportion to the time that is shown until the end, so that both agree.
    private func startsInMs(_ forecast: Forecast?, etaMs: UInt64?) -> UInt64? {
        guard let forecast, let etaMs else { return nil }
        return UInt64((Double(etaMs) * forecast.aheadMs / max(forecast.totalMs, 1)).rounded())
    }

    private func suspension(_ progress: JobProgress, _ place: Place, resumesInMs: UInt64?) -> Suspension? {
        guard progress.job.state == .interrupted || progress.job.state == .paused else { return nil }
        return Suspension(by: place.keptBy, sinceMs: progress.asideAtMs, resumesInMs: resumesInMs)
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
