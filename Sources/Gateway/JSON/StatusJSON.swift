// The answers to what starts analyses, and how far a playlist or the library is.

import AnalysisAPI

/// `POST …/songs/{id}/analyze`.
struct SongQueuedAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let songID: Identifier
    @OrNull var jobID: String?
}

/// `POST` of a playlist's or the library's analysis; `job_id` is left out where there was nothing to do.
struct SongsQueuedAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let queuedCount: UInt32
    let jobID: String?

    /// - Parameter nothing: what to say where there was nothing to analyse.
    init(_ reply: EnqueueReply, nothing: String) {
        jobID = reply.job?.id
        queuedCount = reply.job == nil ? 0 : reply.queued
        message =
            reply.job == nil
            ? nothing
            : reply.existing ? "The analysis is in the queue already" : "Queued \(songs(reply.queued)) for analysis"
    }
}

/// `GET /api/playlists/{id}/analysis-status`.
struct PlaylistStatusAnswer: PolledAnswer {
    var success = true
    let completed: Bool
    /// 0.0 to 100.0.
    let progress: Double
    let analyzedCount: UInt32
    let totalCount: UInt32
    let message: String
    let playlistID: Identifier
    let detailedStatus: Detail
    @OrNull var jobID: String?
    @OrNull var etaSeconds: Double?
    var pace: PollPace { detailedStatus.inProgress > 0 ? .running : jobID != nil ? .waiting : .idle }

    /// The four add up to `total_count`.
    struct Detail: Codable, Sendable {
        let completed: UInt32
        let failed: UInt32
        let pending: UInt32
        let inProgress: UInt32
    }

    init(_ view: ProgressView, playlistID: String) {
        let detail = Detail(view)
        completed = view.total > 0 && detail.pending == 0 && detail.inProgress == 0
        progress = view.fraction.percentage
        analyzedCount = detail.completed
        totalCount = view.total
        message = "Analysis \(progress)% complete (\(detail.completed)/\(view.total) songs)"
        self.playlistID = Identifier(playlistID)
        detailedStatus = detail
        jobID = view.job.flatMap { $0.state.hasEnded ? nil : $0.id }
        etaSeconds = view.etaMs.map { Double($0) / 1000 }
    }
}

extension PlaylistStatusAnswer.Detail {
    /// A song that is analysed again counts as in progress alone.
    init(_ view: ProgressView) {
        inProgress = min(view.inProgress, view.total)
        failed = min(view.failed, view.total - inProgress)
        completed = min(view.analysed, view.total - inProgress - failed)
        pending = view.total - inProgress - failed - completed
    }
}

/// `GET /api/analysis/status`: the user's whole library, a song in two playlists counting once.
struct LibraryStatusAnswer: PolledAnswer {
    var success = true
    var status = "success"
    let active: Bool
    let completed: Bool
    /// 0.0 to 100.0.
    let progress: Double
    let analyzedCount: UInt32
    let failedCount: UInt32
    let totalCount: UInt32
    let queueLength: Int
    let pendingJobs: Int
    let inProgressJobs: Int
    @OrNull var estimatedCompletionMinutes: Double?
    let message: String
    var pace: PollPace { inProgressJobs > 0 ? .running : active ? .waiting : .idle }

    /// - Parameter jobs: the user's that have not ended.
    init(_ view: ProgressView, jobs: [Job]) {
        inProgressJobs = jobs.count { $0.state == .inProgress }
        pendingJobs = jobs.count { $0.state != .inProgress && $0.state != .paused }
        queueLength = jobs.count
        active = inProgressJobs + pendingJobs > 0
        completed = view.total > 0 && view.analysed + view.failed >= view.total
        progress = view.fraction.percentage
        analyzedCount = view.analysed
        failedCount = view.failed
        totalCount = view.total
        estimatedCompletionMinutes = view.etaMs.map { (Double($0) / 60_000).roundedToTenth }
        message = "Analysis \(progress)% complete (\(view.analysed)/\(view.total) songs)"
    }
}
