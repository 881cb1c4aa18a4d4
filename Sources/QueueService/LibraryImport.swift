// One import of a folder: takes the files that a probe finds, batch by batch, and stores what is new or changed.

import AnalysisAPI
import Jobs
import RPC
import Redis

actor LibraryImport {
    /// How many songs are stored at once: a script should not hold Redis up.
    private static let batch = 500

    private let userID: String
    private let lane: String
    private let store: Store
    private let report: @Sendable (ImportProgress) async throws -> Void

    private var progress = ImportProgress()
    private var folders: [String: [(track: UInt32, location: String, song: Song)]] = [:]

    /// - Parameter report: told how far the import is.
    init(
        userID: String, lane: String, store: Store, report: @escaping @Sendable (ImportProgress) async throws -> Void
    ) {
        self.userID = userID
        self.lane = lane
        self.store = store
        self.report = report
    }

    /// Stores those files that are new or have changed.
    func take(_ files: [ProbedFile]) async throws {
        for start in stride(from: 0, to: files.count, by: Self.batch) {
            try await takeBatch(files[start..<min(start + Self.batch, files.count)])
        }
    }

    /// Stores the playlists, when all files have been taken.
    func finish() async throws {
        var changed: [(id: String, bytes: [UInt8], songs: [String])] = []
        let names = folders.keys.sorted()
        let playlists = names.map { folder in
            let files = (folders[folder] ?? []).sorted {
                MusicFolder.precedes(($0.track, $0.location), ($1.track, $1.location))
            }
            let playlist = Playlist(
                id: MusicFolder.playlistID(folder: folder), name: MusicFolder.playlistName(folder: folder),
                description: folder, addedAtMs: files.map(\.song.addedAtMs).max() ?? .now)
            return (id: playlist.id, bytes: playlist.stored, songs: files.map(\.song.id))
        }
        for start in stride(from: 0, to: playlists.count, by: Self.batch) {
            let some = playlists[start..<min(start + Self.batch, playlists.count)]
            let replies = try await store.pipeline(
                [["HMGET", key(.userPlaylists)] + some.map { RedisArgument($0.id) }]
                    + some.map {
                        ["LRANGE", RedisArgument(store.keys.lane(lane, .playlistSongs, userID, $0.id)), 0, -1]
                    })
            let stored = replies[0].elements ?? []
            for (index, playlist) in some.enumerated() {
                let isStored = index < stored.count && stored[index].bytes == playlist.bytes
                let songs = replies[index + 1].elements?.compactMap(\.text)
                if !isStored || songs != playlist.songs { changed.append(playlist) }
            }
        }
        for playlist in changed {
            try await upsert(
                songs: [],
                playlist: [
                    RedisArgument(playlist.id), RedisArgument(playlist.bytes), RedisArgument(playlist.songs.count),
                ]
                    + playlist.songs.map { RedisArgument($0) })
        }
        progress.playlists = UInt32(clamping: playlists.count)
        progress.done = true
        try await report(progress)
    }

    private func takeBatch(_ files: ArraySlice<ProbedFile>) async throws {
        let ids = files.map { RedisArgument(MusicFolder.song($0, addedAtMs: 0).id) }
        guard !ids.isEmpty else { return }
        let stored = try await store.send([["HMGET", key(.userSongs)], ids].flatMap { $0 }).elements ?? []
        var changed: [Song] = []
        for (file, bytes) in zip(files, stored) {
            let known = try bytes.bytes.map { try Song(stored: $0) }
            let song = MusicFolder.song(file, addedAtMs: known?.addedAtMs)
            folders[MusicFolder.folder(of: file.location), default: []].append((file.track, file.location, song))
            guard song != known else { continue }
            changed.append(song)
            if known == nil { progress.added += 1 } else { progress.changed += 1 }
        }
        if !changed.isEmpty { try await upsert(songs: changed, playlist: []) }
        progress.files += UInt32(clamping: files.count)
        try await report(progress)
    }

    private func upsert(songs: [Song], playlist: [RedisArgument]) async throws {
        var arguments: [RedisArgument] = [RedisArgument(userID), RedisArgument(songs.count)]
        for song in songs {
            arguments += [RedisArgument(song.id), RedisArgument(song.durationMs ?? 0), RedisArgument(song.stored)]
        }
        _ = try await store.run(\.upsert, lane: lane, arguments + playlist)
    }

    private func key(_ key: LaneKey) -> RedisArgument { RedisArgument(store.keys.lane(lane, key, userID)) }
}
