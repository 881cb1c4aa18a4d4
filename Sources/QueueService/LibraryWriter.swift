// Changes a user's library: writes what is new or different, in parts that each are one step, and removes what is withdrawn.

import AnalysisAPI
import Jobs
import RPC
import Redis

struct LibraryWriter: Sendable {
    /// How many songs are written or removed at once: a script should not hold Redis up.
    private static let batch = 500

    let userID: String
    let lane: String
    let store: Store

    /// What became of songs that were to be written.
    struct Written: Sendable {
        var added = 0
        /// That were there, and different.
        var changed = 0
        /// All of them as they are stored now, in order.
        var songs: [Song] = []
        /// Nil: nothing was written.
        var hint: Hint?
    }

    /// All songs of the library.
    func songs() async throws -> [Song] {
        try (try await store.send(["HVALS", key(.userSongs)]).elements ?? []).map { try Song(stored: $0.bytes ?? []) }
    }

    /// Those of the songs that are in the library.
    func songs(_ ids: [String]) async throws -> [String: Song] {
        var songs: [String: Song] = [:]
        for batch in ids.batches(of: Self.batch) {
            let stored = try await store.send(
                [["HMGET", key(.userSongs)], batch.map { RedisArgument($0) }].flatMap { $0 })
            for (id, bytes) in zip(batch, stored.elements ?? []) {
                songs[id] = try bytes.bytes.map { try Song(stored: $0) }
            }
        }
        return songs
    }

    /// Stores those songs that are new or different; the others keep all that is known about them.
    ///
    /// - Parameter songs: their time of being added counts where they are new; 0: now.
    func write(_ songs: [Song]) async throws -> Written {
        var written = Written()
        for batch in songs.batches(of: Self.batch) {
            let stored = try await store.send(
                [["HMGET", key(.userSongs)], batch.map { RedisArgument($0.id) }].flatMap { $0 })
            var arguments: [RedisArgument] = []
            for (song, bytes) in zip(batch, stored.elements ?? []) {
                let known = try bytes.bytes.map { try Song(stored: $0) }
                let song = song.prepared(over: known)
                written.songs.append(song)
                guard song != known else { continue }
                let isStale = known.map { !$0.soundsLike(song) } ?? false
                if known == nil { written.added += 1 } else { written.changed += 1 }
                arguments += [
                    RedisArgument(song.id), RedisArgument(song.durationMs ?? 0), RedisArgument(song.stored),
                    RedisArgument(isStale ? 1 : 0),
                ]
            }
            guard !arguments.isEmpty else { continue }
            written.hint = try await upsert([RedisArgument(arguments.count / 4)] + arguments)
        }
        return written
    }

    /// Stores those playlists that are new or different, each with its songs in order, which must be in the library.
    ///
    /// - Parameter playlists: where their time of being added is 0, it is as known, or now.
    /// - Returns: how many were new or different.
    func write(_ playlists: [(playlist: Playlist, songs: [String])]) async throws -> Int {
        var changed = 0
        for batch in playlists.batches(of: Self.batch) {
            let replies = try await store.pipeline(
                [["HMGET", key(.userPlaylists)] + batch.map { RedisArgument($0.playlist.id) }]
                    + batch.map { ["LRANGE", key(.playlistSongs, $0.playlist.id), 0, -1] })
            for ((playlist, songs), (bytes, list)) in zip(batch, zip(replies[0].elements ?? [], replies.dropFirst())) {
                let known = try bytes.bytes.map { try Playlist(stored: $0) }
                var playlist = playlist
                if playlist.addedAtMs == 0 { playlist.addedAtMs = known?.addedAtMs ?? .now }
                if playlist == known, list.elements?.compactMap(\.text) == songs { continue }
                changed += 1
                _ = try await upsert(
                    [0, RedisArgument(playlist.id), RedisArgument(playlist.stored), RedisArgument(songs.count)]
                        + songs.map { RedisArgument($0) })
            }
        }
        return changed
    }

    /// - Throws: NOT_FOUND where a playlist has a song that is neither in the library nor about to be.
    func check(_ playlists: [PlaylistContent], with songs: [Song]) async throws {
        let new = Set(songs.map(\.id))
        var places: [String: String] = [:]
        for (index, playlist) in playlists.enumerated() {
            for (place, id) in playlist.songIds.enumerated() where !new.contains(id) && places[id] == nil {
                places[id] = "playlists[\(index)].song_ids[\(place)]"
            }
        }
        for batch in Array(places).batches(of: 10 * Self.batch) {
            let known = try await store.send(
                [["HMGET", key(.userLengths)], batch.map { RedisArgument($0.key) }].flatMap { $0 })
            for ((id, place), length) in zip(batch, known.elements ?? []) where length.isNull {
                throw RPCError(.notFound, "\(place): there is no song \(id) in the library or in this request")
            }
        }
    }

    private func upsert(_ arguments: [RedisArgument]) async throws -> Hint {
        try Hint(lane: lane, reply: try await store.run(\.upsert, lane: lane, [RedisArgument(userID)] + arguments))
    }

    // MARK: Removal

    /// What has been removed, and the jobs that were cancelled with it.
    struct Removed: Sendable {
        var count = 0
        var cancelled: [Job] = []
        /// Nil: there was nothing to remove.
        var hint: Hint?
    }

    /// Removes songs, with what was found out about them, from the library and from its playlists.
    func remove(songs: [String]) async throws -> Removed {
        let removed = try await remove("songs", songs)
        // Also where it broke off in here before, so that the songs are gone already.
        for id in try await playlistIDs() { _ = try await remove("members", [id]) }
        return removed
    }

    func remove(playlists: [String]) async throws -> Removed {
        try await remove("playlists", playlists)
    }

    /// Removes all songs and playlists.
    func removeAll() async throws -> Removed {
        var removed = try await remove("playlists", playlistIDs())
        let songs = try await store.send(["HKEYS", key(.userSongs)]).elements?.compactMap(\.text) ?? []
        let others = try await remove("songs", songs)
        removed.count += others.count
        removed.cancelled += others.cancelled
        removed.hint = others.hint ?? removed.hint
        return removed
    }

    private func playlistIDs() async throws -> [String] {
        try await store.send(["HKEYS", key(.userPlaylists)]).elements?.compactMap(\.text) ?? []
    }

    private func remove(_ what: RedisArgument, _ ids: [String]) async throws -> Removed {
        var removed = Removed()
        for batch in ids.batches(of: Self.batch) {
            let reply = try await store.run(
                \.remove, lane: lane, [RedisArgument(userID), what] + batch.map { RedisArgument($0) })
            guard let parts = reply.elements, parts.count == 3, let count = parts[1].int, let jobs = parts[2].elements
            else { throw QueueError.corrupt("the reply of remove is not understood") }
            removed.count += Int(count)
            removed.cancelled += try jobs.map { try JobRecord(pairs: $0, lane: lane).job }
            removed.hint = try Hint(lane: lane, reply: parts[0])
        }
        return removed
    }

    private func key(_ key: LaneKey) -> RedisArgument { RedisArgument(store.keys.lane(lane, key, userID)) }

    private func key(_ key: LaneKey, _ id: String) -> RedisArgument {
        RedisArgument(store.keys.lane(lane, key, userID, id))
    }
}

extension Song {
    /// The song as it is to be stored where `known` is stored now.
    fileprivate func prepared(over known: Song?) -> Song {
        var song = self
        song.addedAtMs = known?.addedAtMs ?? (addedAtMs == 0 ? .now : addedAtMs)
        song.attributes.sort { $0.name < $1.name }
        if song.durationMs == 0 { song.durationMs = nil }
        if title.isEmpty { song.title = location.isEmpty ? id : MusicFolder.title(ofFile: location) }
        return song
    }

    /// Whether analyzers are given the same of both: they read the file and the attributes.
    fileprivate func soundsLike(_ other: Song) -> Bool {
        location == other.location && attributes == other.attributes
    }
}

extension Collection {
    /// All elements in order, so many at a time.
    func batches(of size: Int) -> [SubSequence] {
        var batches: [SubSequence] = []
        var rest = self[...]
        while !rest.isEmpty {
            batches.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return batches
    }
}
