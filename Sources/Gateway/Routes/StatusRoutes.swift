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
        // Its own job, wherever that stands in line; of those that have it under way, which come first, one page.
        var job = try await backend.queue.listJobs(
            ListJobsRequest(userID: user.id, limit: 1, type: .song, targetID: id), options: context.call
        ).jobs.first
        if job == nil {
            let others = try await backend.queue.listJobs(ListJobsRequest(userID: user.id), options: context.call)
            job = others.jobs.first { $0.songID == id }
        }
        let detail = try await backend.catalog.getSong(SongRequest(userID: user.id, songID: id), options: context.call)
        if let job {
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
        let latest = try await backend.queue.listJobs(
            ListJobsRequest(userID: context.user.id, ended: true, limit: 1, type: .song, targetID: id),
            options: context.call
        ).jobs.first
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
        async let view = backend.progress.get(
            ProgressRequest(userID: userID, context: .library), options: context.call)
        var (jobs, page): ([Job], String) = ([], "")
        repeat {
            let reply = try await backend.queue.listJobs(
                ListJobsRequest(userID: userID, limit: 1000, pageToken: page), options: context.call)
            jobs += reply.jobs
            page = reply.nextPageToken
        } while !page.isEmpty
        return LibraryStatusAnswer(try await view, jobs: jobs)
    }
}
