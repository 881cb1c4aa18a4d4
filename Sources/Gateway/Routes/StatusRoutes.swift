// How far the analysis of a song, of a playlist and of the whole library is.

import AnalysisAPI
import Hummingbird

struct StatusRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        for path in ["songs/:id/analysis-status", "song_analysis_status/:id"] {
            routes.poll(path, "How far the analysis of a song is, and what it found.") {
                try await songStatus(try $1.identifier("id"), $1)
            }
        }
        routes.poll("playlists/:id/analysis-status", "How far the analysis of a playlist is.", use: playlist)
        routes.poll("analysis/status", "How far the analysis of the library is.", use: library)
    }

    /// The jobs are read before the song: a job that ends in between has then left its result for the second read.
    private func songStatus(_ id: String, _ context: SignedInContext) async throws -> SongStatusAnswer {
        let user = context.user
        async let views = backend.progress.listActive(ListActiveRequest(userID: user.id), options: context.call).jobs
        let jobs = try await backend.queue.listJobs(ListJobsRequest(userID: user.id), options: context.call).jobs
        let detail = try await backend.catalog.getSong(SongRequest(userID: user.id, songID: id), options: context.call)
        if let job = jobs.first(where: { $0.analyses(id) }) {
            let view = try await views.first { $0.job?.id == job.id }
            let whole = job.type == .song && job.targetID == id
            let fraction = view.map { whole ? $0.fraction : $0.song?.id == id ? $0.songFraction : 0 } ?? 0
            return .active(job, fraction: fraction, entry: view.map(ProgressEntry.init))
        }
        switch detail.summary?.state {
        case .analysed: return .completed(detail, songID: id)
        case .failed: return .failed(reason: detail.summary?.failure ?? "")
        default: return try await endOfLatestRequest(for: id, context)
        }
    }

    /// A song without a result was never asked for, or its job ended without one.
    private func endOfLatestRequest(for id: String, _ context: SignedInContext) async throws -> SongStatusAnswer {
        let ended = try await backend.queue.listJobs(
            ListJobsRequest(userID: context.user.id, ended: true), options: context.call)
        let latest = ended.jobs.filter { $0.type == .song && $0.targetID == id }.max { $0.endedAtMs < $1.endedAtMs }
        switch latest?.state {
        case .cancelled: return .cancelled
        case .failed: return .failed(reason: latest?.error ?? "")
        default: return .neverAsked
        }
    }

    @Sendable private func playlist(request: Request, context: SignedInContext) async throws -> PlaylistStatusAnswer {
        let id = try context.identifier("id")
        let view = try await backend.progress.get(
            ProgressRequest(userID: context.user.id, context: .playlist(id)), options: context.call)
        return PlaylistStatusAnswer(view, playlistID: id)
    }

    @Sendable private func library(request: Request, context: SignedInContext) async throws -> LibraryStatusAnswer {
        let userID = context.user.id
        async let jobs = backend.queue.listJobs(ListJobsRequest(userID: userID), options: context.call).jobs
        let view = try await backend.progress.get(
            ProgressRequest(userID: userID, context: .library), options: context.call)
        return LibraryStatusAnswer(view, jobs: try await jobs)
    }
}

extension Job {
    /// Whether the job was asked for this song, or has it under way now.
    fileprivate func analyses(_ id: String) -> Bool {
        type == .song && targetID == id || songID == id
    }
}
