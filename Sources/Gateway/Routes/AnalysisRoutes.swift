// What starts analyses: of a song, of a playlist, of everything.

import AnalysisAPI
import Hummingbird

struct AnalysisRoutes: Sendable {
    let backend: Backend

    func add(to group: RouterGroup<SignedInContext>) {
        group.post("songs/:id/analyze", use: analyzeSong)
        group.post("analyze_song/:id", use: analyzeSong)
        group.post("playlists/:id/analyze") { try await analyzePlaylist(context: $1, force: false) }
        group.post("playlists/:id/analyze-unanalyzed") { try await analyzePlaylist(context: $1, force: false) }
        group.post("playlists/:id/reanalyze-all") { try await analyzePlaylist(context: $1, force: true) }
        group.post("analysis/background", use: analyzeEverything)
    }

    private struct AnalyzeBody: Decodable {
        let force: Bool?
    }

    @Sendable private func analyzeSong(request: Request, context: SignedInContext) async throws -> Response {
        let id = try context.identifier("id")
        let force = try await request.json(AnalyzeBody.self)?.force ?? false
        let reply = try await enqueue(.song, target: id, force: force, context)
        let done = reply.job == nil || reply.job?.state == .completed
        return try JSONBody.response(
            SongQueuedAnswer(
                message: done ? "Already analysed" : "Song queued for analysis", songID: Identifier(id),
                jobID: reply.job?.id))
    }

    private func analyzePlaylist(context: SignedInContext, force: Bool) async throws -> Response {
        let reply = try await enqueue(.playlist, target: context.identifier("id"), force: force, context)
        return try JSONBody.response(
            SongsQueuedAnswer(reply, nothing: force ? "No songs found in playlist" : "All songs already analyzed"))
    }

    @Sendable private func analyzeEverything(request: Request, context: SignedInContext) async throws -> Response {
        let reply = try await enqueue(.background, target: "", force: false, context)
        return try JSONBody.response(SongsQueuedAnswer(reply, nothing: "All songs already analyzed"))
    }

    private func enqueue(
        _ type: JobType, target: String, force: Bool, _ context: SignedInContext
    ) async throws -> EnqueueReply {
        let request = EnqueueRequest(userID: context.user.id, type: type, targetID: target, force: force)
        return try await backend.queue.enqueue(request, options: context.call)
    }
}
