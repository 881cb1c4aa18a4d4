// Which songs of a library background work goes through, and in which order.

import AnalysisAPI
import Jobs
import Redis

struct BackgroundWork: Sendable {
    let analyzers: Analyzers
    let store: Store

    typealias Entry = (id: String, lengthMs: UInt64)

    /// The songs of a user that need an analysis: those of the playlist added last first; then those in no playlist, again
    /// the last added first. Within a playlist stand together those that need the same analyzers, in its order. Each song
    /// comes once. Songs whose last analysis failed are left to those who ask for them.
    ///
    /// - Parameter force: all songs, whatever is known about them.
    func songs(of userID: String, lane: String, force: Bool) async throws -> [Entry] {
        func key(_ key: LaneKey, _ ids: String...) -> RedisArgument {
            RedisArgument(ids.isEmpty ? store.keys.lane(lane, key, userID) : store.keys.lane(lane, key, userID, ids[0]))
        }
        let replies = try await store.pipeline([
            ["HGETALL", key(.userLengths)], ["HGETALL", key(.userAnalysed)], ["HKEYS", key(.userFailures)],
            ["HVALS", key(.userPlaylists)],
        ])
        var missing = replies[0].map ?? [:]
        let marks = force ? [:] : replies[1].map ?? [:]
        if !force {
            for (id, mark) in marks where analyzers.isFresh(mark: mark.text ?? "") { missing[id] = nil }
            for id in replies[2].elements ?? [] { missing[id.text ?? ""] = nil }
        }
        guard !missing.isEmpty else { return [] }

        /// Those of the songs that are missing and have not been taken before; those with the most to do first.
        func take(_ ids: some Sequence<String>) -> [Entry] {
            var groups: [[AnalyzerVersion]: [Entry]] = [:]
            for id in ids {
                guard let length = missing.removeValue(forKey: id) else { continue }
                groups[analyzers.stale(mark: marks[id]?.text ?? ""), default: []]
                    .append((id, UInt64(clamping: length.int ?? 0)))
            }
            return groups.sorted {
                (-$0.key.count, $0.key.map(\.word).joined()) < (-$1.key.count, $1.key.map(\.word).joined())
            }
            .flatMap(\.value)
        }

        let playlists = try (replies[3].elements ?? []).map { try Playlist(stored: $0.bytes ?? []) }
            .sorted { (-$0.addedAtMs, $0.name, $0.id) < (-$1.addedAtMs, $1.name, $1.id) }
        let lists = try await store.pipeline(playlists.map { ["LRANGE", key(.playlistSongs, $0.id), 0, -1] })
        var songs = lists.flatMap { take(($0.elements ?? []).compactMap(\.text)) }
        let others = Array(missing.keys)
        guard !others.isEmpty else { return songs }

        let stored = try await store.send(["HMGET", key(.userSongs)] + others.map { RedisArgument($0) }).elements ?? []
        songs += take(
            try stored.compactMap { try $0.bytes.map { try Song(stored: $0) } }
                .sorted { (-$0.addedAtMs, $0.id) < (-$1.addedAtMs, $1.id) }.map(\.id))
        return songs
    }
}
