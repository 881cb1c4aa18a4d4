// What a web app that has its users' songs already brings: songs and playlists as a whole, and their removal.

import AnalysisAPI
import Hummingbird
import RPC

struct LibraryImportRoutes: Sendable {
    let backend: Backend

    /// What the services take in one message, and more than a library of 10,000 songs needs.
    private static let maxBytes = 4 << 20

    func add(to routes: Endpoints<SignedInContext>) {
        routes.put(
            "library/songs", "Adds songs, or replaces what is known of them; at most 10,000 at a time.",
            body: SongsBody.self, maxBytes: Self.maxBytes
        ) { _, body, context in
            try await upsert(songs: body.songs.map(\.song), playlists: [], context)
        }
        routes.put(
            "library/playlists", "Adds playlists, or replaces them; at most 10,000 at a time.",
            body: PlaylistsBody.self, maxBytes: Self.maxBytes
        ) { _, body, context in
            try await upsert(songs: [], playlists: body.playlists.map { $0.content.content(id: $0.id.text) }, context)
        }
        routes.put(
            "library/playlists/:id", "Adds a playlist, or replaces it.", body: PlaylistContentBody.self,
            maxBytes: Self.maxBytes
        ) { _, body, context in
            try await upsert(songs: [], playlists: [body.content(id: try context.identifier("id"))], context)
        }
        routes.delete("library/songs/:id", "Removes a song, with all that was found out about it.") { _, context in
            try await remove(songs: [try context.identifier("id")], context).orNotFound
        }
        routes.delete("library/playlists/:id", "Removes a playlist; its songs stay.") { _, context in
            try await remove(playlists: [try context.identifier("id")], context).orNotFound
        }
        routes.post(
            "library/songs/remove", "Removes songs, as far as they are there; at most 10,000 at a time.",
            body: SongIDsBody.self, maxBytes: Self.maxBytes
        ) { _, body, context in try await remove(songs: body.songIds.map(\.text), context) }
        routes.post(
            "library/playlists/remove", "Removes playlists, as far as they are there; at most 10,000 at a time.",
            body: PlaylistIDsBody.self, maxBytes: Self.maxBytes
        ) { _, body, context in try await remove(playlists: body.playlistIds.map(\.text), context) }
    }

    private func upsert(
        songs: [Song], playlists: [PlaylistContent], _ context: SignedInContext
    ) async throws -> LibraryChangedAnswer {
        let reply: UpsertLibraryReply
        do {
            reply = try await backend.catalog.upsertLibrary(
                UpsertLibraryRequest(userID: context.user.id, songs: songs, playlists: playlists),
                options: context.call)
        } catch let error as RPCError where error.code == .notFound {
            // A playlist of songs that are not there, of which the catalog says the first.
            throw GatewayError(status: .conflict, message: error.detail)
        }
        return LibraryChangedAnswer(
            message: "Library updated", songsAdded: reply.songsAdded, songsChanged: reply.songsChanged,
            playlistsChanged: reply.playlistsChanged)
    }

    private func remove(songs: [String], _ context: SignedInContext) async throws -> RemovedAnswer {
        RemovedAnswer(
            try await backend.catalog.removeSongs(
                RemoveSongsRequest(userID: context.user.id, songIds: songs), options: context.call))
    }

    private func remove(playlists: [String], _ context: SignedInContext) async throws -> RemovedAnswer {
        RemovedAnswer(
            try await backend.catalog.removePlaylists(
                RemovePlaylistsRequest(userID: context.user.id, playlistIds: playlists), options: context.call))
    }
}

extension RemovedAnswer {
    /// - Throws: 404 where nothing was there to remove.
    fileprivate var orNotFound: RemovedAnswer {
        get throws {
            if removed == 0 { throw GatewayError.notFound }
            return self
        }
    }
}
