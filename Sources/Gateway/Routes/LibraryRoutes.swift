// Playlists, songs, results, search and statistics.

import AnalysisAPI
import Foundation
import Hummingbird
import HummingbirdCore

struct LibraryRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get("playlists", "The user's playlists.") { _, context in
            PlaylistsAnswer(playlists: try await list(context).map(PlaylistJSON.init))
        }
        routes.get("playlist/:id/songs", "The songs of a playlist, in order.") { _, context in
            PlaylistSongsAnswer(try await playlist(context.identifier("id"), context))
        }
        routes.get("song/:id/analysis", "A song, and all that was found out about it.") { _, context in
            let request = SongRequest(userID: context.user.id, songID: try context.identifier("id"))
            return SongAnalysisAnswer(try await backend.catalog.getSong(request, options: context.call))
        }
        routes.get(
            "search_songs", "At most 20 songs with the text in title, artist or album.",
            query: [QueryParameter("q", .text, "what to look for")], use: search)
        routes.get("stats", "The library in numbers.", use: statistics)
        routes.get("sync-status", "When the library was last brought up to date.", use: syncStatus)
    }

    @Sendable private func search(request: Request, context: SignedInContext) async throws -> SearchAnswer {
        let query = (request.query("q") ?? "").trimmingCharacters(in: .whitespaces)
        if query.isEmpty { return SearchAnswer(songs: []) }
        let reply = try await backend.catalog.searchSongs(
            SearchSongsRequest(userID: context.user.id, query: query, limit: 20), options: context.call)
        return SearchAnswer(songs: reply.songs.map(SearchAnswer.Hit.init))
    }

    /// Levels of concern are counted over the songs of all playlists, each song once.
    @Sendable private func statistics(request: Request, context: SignedInContext) async throws -> StatisticsAnswer {
        async let coverage = backend.catalog.getCoverage(
            CoverageRequest(userID: context.user.id), options: context.call)
        var songs: [String: SongSummary] = [:]
        for playlist in try await list(context) {
            for summary in try await self.playlist(playlist.id, context).songs {
                songs[summary.song?.id ?? ""] = summary
            }
        }
        return StatisticsAnswer(try await coverage, songs: songs.values)
    }

    /// The gateway itself fetches no playlists from anywhere, so nothing of it is ever under way; the last time that a playlist
    /// was added is when the library was last brought up to date.
    @Sendable private func syncStatus(request: Request, context: SignedInContext) async throws -> SyncStatusAnswer {
        let playlists = try await list(context)
        return SyncStatusAnswer(
            totalPlaylists: playlists.count, syncActive: false,
            lastSync: playlists.map(\.addedAtMs).max().flatMap(Timestamp.init), timestamp: .now)
    }

    private func list(_ context: SignedInContext) async throws -> [Playlist] {
        try await backend.catalog.listPlaylists(UserRequest(userID: context.user.id), options: context.call).playlists
    }

    private func playlist(_ id: String, _ context: SignedInContext) async throws -> PlaylistDetail {
        var request = PlaylistRequest(userID: context.user.id, playlistID: id)
        var playlist = try await backend.catalog.getPlaylist(request, options: context.call)
        while !playlist.nextPageToken.isEmpty {
            request.pageToken = playlist.nextPageToken
            let page = try await backend.catalog.getPlaylist(request, options: context.call)
            playlist.songs += page.songs
            playlist.nextPageToken = page.nextPageToken
        }
        return playlist
    }
}
