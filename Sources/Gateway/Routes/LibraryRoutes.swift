// Playlists, songs, results, search and statistics.

import AnalysisAPI
import Foundation
import Hummingbird
import HummingbirdCore

struct LibraryRoutes: Sendable {
    let backend: Backend

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("playlists", use: playlists)
        group.get("playlist/:id/songs", use: songs)
        group.get("song/:id/analysis", use: song)
        group.get("search_songs", use: search)
        group.get("stats", use: statistics)
        group.get("sync-status", use: syncStatus)
    }

    @Sendable private func playlists(request: Request, context: SignedInContext) async throws -> Response {
        try JSONBody.response(PlaylistsAnswer(playlists: try await list(context).map(PlaylistJSON.init)))
    }

    @Sendable private func songs(request: Request, context: SignedInContext) async throws -> Response {
        try JSONBody.response(PlaylistSongsAnswer(try await playlist(context.identifier("id"), context)))
    }

    @Sendable private func song(request: Request, context: SignedInContext) async throws -> Response {
        let request = SongRequest(userID: context.user.id, songID: try context.identifier("id"))
        return try JSONBody.response(
            SongAnalysisAnswer(try await backend.catalog.getSong(request, options: context.call)))
    }

    @Sendable private func search(request: Request, context: SignedInContext) async throws -> Response {
        // Forms write a space as "+", which the router leaves as it is.
        let spaced = URI("/?" + (request.uri.query ?? "").replacing("+", with: "%20"))
        let query = (spaced.queryParameters.get("q") ?? "").trimmingCharacters(in: .whitespaces)
        if query.isEmpty { return try JSONBody.response(SearchAnswer(songs: [])) }
        let reply = try await backend.catalog.searchSongs(
            SearchSongsRequest(userID: context.user.id, query: query, limit: 20), options: context.call)
        return try JSONBody.response(SearchAnswer(songs: reply.songs.map(SearchAnswer.Hit.init)))
    }

    /// Levels of concern are counted over the songs of all playlists, each song once.
    @Sendable private func statistics(request: Request, context: SignedInContext) async throws -> Response {
        async let coverage = backend.catalog.getCoverage(
            CoverageRequest(userID: context.user.id), options: context.call)
        var songs: [String: SongSummary] = [:]
        for playlist in try await list(context) {
            for summary in try await self.playlist(playlist.id, context).songs {
                songs[summary.song?.id ?? ""] = summary
            }
        }
        return try JSONBody.response(StatisticsAnswer(try await coverage, songs: songs.values))
    }

    /// The gateway itself fetches no playlists from anywhere, so nothing of it is ever under way; the last time that a playlist
    /// was added is when the library was last brought up to date.
    @Sendable private func syncStatus(request: Request, context: SignedInContext) async throws -> Response {
        let playlists = try await list(context)
        return try JSONBody.response(
            SyncStatusAnswer(
                totalPlaylists: playlists.count, syncActive: false,
                lastSync: playlists.map(\.addedAtMs).max().flatMap(Timestamp.init), timestamp: .now))
    }

    private func list(_ context: SignedInContext) async throws -> [Playlist] {
        try await backend.catalog.listPlaylists(UserRequest(userID: context.user.id), options: context.call).playlists
    }

    private func playlist(_ id: String, _ context: SignedInContext) async throws -> PlaylistDetail {
        try await backend.catalog.getPlaylist(
            PlaylistRequest(userID: context.user.id, playlistID: id), options: context.call)
    }
}
