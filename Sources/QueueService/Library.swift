// Reads a user's library: playlists, songs and how much of them is analysed. A few commands for each question, never one a song.

import AnalysisAPI
import Jobs
import RPC
import Redis

struct Library: Sendable {
    let userID: String
    let lane: String
    let analyzers: Analyzers
    let store: Store

    /// All playlists with their counts, ordered by name.
    func playlists() async throws -> [Playlist] {
        let replies = try await store.pipeline([
            ["HVALS", key(.userPlaylists)], ["HGETALL", key(.userAnalysed)], ["HGETALL", key(.userAnalysedAt)],
        ])
        let playlists = try (replies[0].elements ?? []).map { try Playlist(stored: $0.bytes ?? []) }
        let lists = try await store.pipeline(playlists.map { ["LRANGE", key(.playlistSongs, $0.id), 0, -1] })
        let fresh = (replies[1].map ?? [:]).filter { analyzers.isFresh(mark: $0.value.text ?? "") }
        let analysedAt = replies[2].map ?? [:]
        return zip(playlists, lists).map { playlist, list in
            let songs = list.elements?.compactMap(\.text) ?? []
            let analysed = songs.filter { fresh[$0] != nil }
            var playlist = playlist
            playlist.songCount = UInt32(clamping: songs.count)
            playlist.analysedCount = UInt32(clamping: analysed.count)
            playlist.lastAnalysedAtMs = analysed.compactMap { analysedAt[$0]?.int }.max() ?? 0
            return playlist
        }
        .sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    /// For about so many bytes of songs a page of a playlist has room.
    private static let pageBytes = 2 << 20

    /// A playlist with its songs in order, or a page of them.
    ///
    /// - Parameter pageToken: how many songs were listed before; empty: none.
    func playlist(_ id: String, pageToken: String) async throws -> PlaylistDetail {
        guard let listed = pageToken.isEmpty ? 0 : Int(pageToken), listed >= 0 else {
            throw RPCError(.invalidArgument, "page_token is none; next_page_token of the page before is right")
        }
        let replies = try await store.pipeline([
            ["HGET", key(.userPlaylists), RedisArgument(id)], ["LRANGE", key(.playlistSongs, id), 0, -1],
        ])
        guard let bytes = replies[0].bytes else { throw QueueError.notFound("there is no playlist \(id)") }
        var playlist = try Playlist(stored: bytes)
        let ids = (replies[1].elements ?? []).compactMap(\.text).dropFirst(listed)
        let songs = try await summaries(of: Array(ids))
        if listed == 0 {
            playlist.songCount = UInt32(clamping: songs.count)
            playlist.analysedCount = UInt32(clamping: songs.count { $0.state == .analysed })
            playlist.lastAnalysedAtMs = songs.map(\.analysedAtMs).max() ?? 0
        }
        var room = Self.pageBytes
        let page = songs.prefix { song in
            defer { room -= song.bytes }
            return room > 0
        }
        guard page.count < songs.count else { return PlaylistDetail(playlist: playlist, songs: songs) }
        // Some of the ids may be of songs that are gone.
        var passed = ids.startIndex
        for song in page { passed = (ids[passed...].firstIndex { $0 == song.song?.id } ?? passed) + 1 }
        return PlaylistDetail(playlist: playlist, songs: Array(page), nextPageToken: "\(passed)")
    }

    /// A song with all that was found out about it, in the order of the analyzers.
    func song(_ id: String) async throws -> SongDetail {
        guard var summary = try await summaries(of: [id]).first,
            let bytes = try await columns([.userSongs], of: [id])[0].first?.bytes
        else { throw QueueError.notFound("there is no song \(id)") }
        summary.song = try Song(stored: bytes)
        let stored = try await store.send("HGETALL", store.keys.lane(lane, .songResults, userID, id)).map ?? [:]
        let order = analyzers.enabled.map(\.name)
        let results = try stored.sorted { first, second in
            (order.firstIndex(of: first.key) ?? order.count, first.key)
                < (order.firstIndex(of: second.key) ?? order.count, second.key)
        }
        .map { try AnalysisResult(stored: $0.value.bytes ?? []) }
        let twins = try await AcousticTwins(userID: userID, lane: lane, store: store).linked(
            to: id, analyzers: analyzers)
        return SongDetail(summary: summary, results: results, twins: twins)
    }

    /// Those of the songs and playlists that there are, in the order given; playlists without their counts.
    func targets(songs: [String], playlists: [String]) async throws -> Targets {
        async let songValues = columns([.userSongs], of: songs)
        async let playlistValues = columns([.userPlaylists], of: playlists)
        return Targets(
            songs: try await songValues[0].compactMap(\.bytes).map { try Song(listed: $0) },
            playlists: try await playlistValues[0].compactMap(\.bytes).map { try Playlist(stored: $0) })
    }

    /// What the analyses found, over all songs.
    func insights() async throws -> Insights {
        let replies = try await store.pipeline([
            ["HLEN", key(.userSongs)], ["HGETALL", key(.userAnalysed)], ["HGETALL", key(.userAnalysedAt)],
            ["HGETALL", key(.userHighlights)],
        ])
        let names = analyzers.enabled.map(\.name)
        // As large as the library: another thread goes through it, so that the event loop serves others.
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            let fresh = (replies[1].map ?? [:]).filter { analyzers.isFresh(mark: $0.value.text ?? "") }.map(\.key)
            let times = replies[2].map ?? [:]
            let stored = replies[3].map ?? [:]
            return Insights(
                songs: Int(replies[0].int ?? 0),
                highlights: fresh.map { id in names.compactMap { stored["\($0) \(id)"]?.bytes } },
                times: fresh.compactMap { times[$0]?.int })
        }
    }

    /// Songs whose title, artist or album contains `text`, whatever the case, ordered by title.
    func search(_ text: String, limit: Int) async throws -> [SongSummary] {
        let text = text.lowercased()
        guard !text.isEmpty else { return [] }
        let songs = try (try await store.send([["HVALS", key(.userSongs)]].flatMap { $0 }).elements ?? [])
            .map { try Song(stored: $0.bytes ?? []) }
            .filter { song in [song.title, song.artist, song.album].contains { $0.lowercased().contains(text) } }
            .sorted { ($0.title.lowercased(), $0.id) < ($1.title.lowercased(), $1.id) }
        return try await summaries(of: songs.prefix(limit).map(\.id))
    }

    /// How much of a playlist, or of everything, is analysed.
    ///
    /// - Parameter playlistID: nil: the whole library.
    func coverage(playlistID: String?) async throws -> Coverage {
        var coverage = Coverage()
        let lengths: [String: UInt64]
        let marks: [String: RedisValue]
        let failures: Set<String>
        if let playlistID {
            let replies = try await store.pipeline([
                ["HEXISTS", key(.userPlaylists), RedisArgument(playlistID)],
                ["LRANGE", key(.playlistSongs, playlistID), 0, -1],
            ])
            guard replies[0].int == 1 else { throw QueueError.notFound("there is no playlist \(playlistID)") }
            let ids = Array(Set(replies[1].elements?.compactMap(\.text) ?? []))
            let values = try await columns([.userLengths, .userAnalysed, .userFailures], of: ids)
            lengths = pairs(ids, values[0]).mapValues { UInt64(clamping: $0.int ?? 0) }
            marks = pairs(ids, values[1])
            failures = Set(pairs(ids, values[2]).keys)
            coverage.playlists = 1
        } else {
            let replies = try await store.pipeline([
                ["HGETALL", key(.userLengths)], ["HGETALL", key(.userAnalysed)], ["HKEYS", key(.userFailures)],
                ["HLEN", key(.userPlaylists)],
            ])
            lengths = (replies[0].map ?? [:]).mapValues { UInt64(clamping: $0.int ?? 0) }
            marks = replies[1].map ?? [:]
            failures = Set(replies[2].elements?.compactMap(\.text) ?? [])
            coverage.playlists = UInt32(clamping: replies[3].int ?? 0)
        }
        for (id, length) in lengths {
            coverage.total += 1
            coverage.audioMs += length
            if analyzers.isFresh(mark: marks[id]?.text ?? "") {
                coverage.analysed += 1
            } else if failures.contains(id) {
                coverage.failed += 1
            } else {
                continue
            }
            coverage.audioDoneMs += length
        }
        return coverage
    }

    // MARK: Details

    /// The songs in the order given; those that are not in the library are left out.
    private func summaries(of ids: [String]) async throws -> [SongSummary] {
        guard !ids.isEmpty else { return [] }
        let names = analyzers.enabled.map(\.name)
        let columns = try await columns(
            [.userSongs, .userAnalysed, .userAnalysedAt, .userFailures], of: ids,
            and: [["HMGET", key(.userHighlights)] + ids.flatMap { id in names.map { RedisArgument("\($0) \(id)") } }])
        return try ids.indices.compactMap { index in
            guard let bytes = columns[0][index].bytes else { return nil }
            let isFresh = analyzers.isFresh(mark: columns[1][index].text ?? "")
            let failure = isFresh ? nil : columns[3][index].text
            let highlights = columns[4][(index * names.count)..<((index + 1) * names.count)].compactMap(\.bytes)
            return SongSummary(
                song: try Song(listed: bytes), state: isFresh ? .analysed : failure == nil ? .notAnalysed : .failed,
                analysedAtMs: failure == nil ? columns[2][index].int ?? 0 : 0, failure: failure ?? "",
                highlightsJson: highlights.isEmpty ? [] : Highlights.merged(highlights))
        }
    }

    /// For each hash, what it has for each song.
    private func columns(
        _ hashes: [LaneKey], of ids: [String], and more: [[RedisArgument]] = []
    ) async throws -> [[RedisValue]] {
        guard !ids.isEmpty else { return Array(repeating: [], count: hashes.count) }
        let songs = ids.map { RedisArgument($0) }
        return try await store.pipeline(hashes.map { ["HMGET", key($0)] + songs } + more).map { $0.elements ?? [] }
    }

    private func pairs(_ ids: [String], _ values: [RedisValue]) -> [String: RedisValue] {
        Dictionary(zip(ids, values).filter { !$1.isNull }) { first, _ in first }
    }

    private func key(_ key: LaneKey) -> RedisArgument { RedisArgument(store.keys.lane(lane, key, userID)) }

    private func key(_ key: LaneKey, _ id: String) -> RedisArgument {
        RedisArgument(store.keys.lane(lane, key, userID, id))
    }
}

extension SongSummary {
    /// About how long it is in a message.
    fileprivate var bytes: Int {
        let texts = [song?.id, song?.title, song?.artist, song?.album, song?.location, failure]
        return texts.reduce(64 + highlightsJson.count) { $0 + ($1?.utf8.count ?? 0) }
    }
}

extension Song {
    /// A stored song as lists have it: without attributes, of which one (the lyrics, for example) may be longer than a whole list.
    init(listed bytes: [UInt8]) throws {
        try self.init(stored: bytes)
        attributes = []
    }
}
