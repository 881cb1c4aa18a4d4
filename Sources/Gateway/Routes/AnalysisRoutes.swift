// What starts analyses: of a song, of a playlist, of everything.

import AnalysisAPI
import Hummingbird

struct AnalysisRoutes: Sendable {
    let backend: Backend
    let limits: RequestLimits

    func add(to routes: Endpoints<SignedInContext>) {
        for path in ["songs/:id/analyze", "analyze_song/:id"] {
            routes.post(
                path, "Analyses a song, before everything else.", body: AnalyzeBody?.self,
                use: analyzeSong)
        }
        for path in ["playlists/:id/analyze", "playlists/:id/analyze-unanalyzed"] {
            routes.post(path, "Analyses what is not analysed yet of a playlist.") {
                try await analyzePlaylist(context: $1, force: false)
            }
        }
        routes.post("playlists/:id/reanalyze-all", "Analyses every song of a playlist, again.") {
            try await analyzePlaylist(context: $1, force: true)
        }
        routes.post("analysis/background", "Analyses what is not analysed yet of the library, after everything else.") {
            let reply = try await enqueue(.background, target: "", force: false, $1)
            return SongsQueuedAnswer(reply, nothing: "All songs already analyzed")
        }
    }

    struct AnalyzeBody: Decodable, Sendable {
        /// Whether a song is analysed that has been already.
        let force: Bool?
    }

    @Sendable private func analyzeSong(
        request: Request, body: AnalyzeBody?, context: SignedInContext
    ) async throws -> SongQueuedAnswer {
        let id = try context.identifier("id")
        let reply = try await enqueue(.song, target: id, force: body?.force ?? false, context)
        let done = reply.job == nil || reply.job?.state == .completed
        return SongQueuedAnswer(
            message: done ? "Already analysed" : "Song queued for analysis", songID: Identifier(id),
            jobID: reply.job?.id)
    }

    private func analyzePlaylist(context: SignedInContext, force: Bool) async throws -> SongsQueuedAnswer {
        let reply = try await enqueue(.playlist, target: context.identifier("id"), force: force, context)
        return SongsQueuedAnswer(reply, nothing: force ? "No songs found in playlist" : "All songs already analyzed")
    }

    private func enqueue(
        _ type: JobType, target: String, force: Bool, _ context: SignedInContext
    ) async throws -> EnqueueReply {
        try limits.asks.take(context.user.id)
        let request = EnqueueRequest(userID: context.user.id, type: type, targetID: target, force: force)
        return try await backend.queue.enqueue(request, options: context.call)
    }
}
