// Which songs of a library background work goes through, and in which order.

import AnalysisAPI
import Jobs
import Redis

struct BackgroundWork: Sendable {
    let analyzers: Analyzers
    let store: Store

    /// The songs of a user that need an analysis: those of the playlist added last first, in its order; then those in no
    /// playlist. Each song comes once. Songs whose last analysis failed are left to those who ask for them.
    ///
    /// - Parameter force: all songs, whatever is known about them.
    func songs(of userID: String, lane: String, force: Bool) async throws -> [(id: String, lengthMs: UInt64)] {
        func key(_ key: LaneKey, _ ids: String...) -> RedisArgument {
            RedisArgument(ids.isEmpty ? store.keys.lane(lane, key, userID) : store.keys.lane(lane, key, userID, ids[0]))
        }
        let replies = try await store.pipeline([
            ["HGETALL", key(.userLengths)], ["HGETALL", key(.userAnalysed)], ["HKEYS", key(.userFailures)],
            ["HVALS", key(.userPlaylists)],
        ])
        var missing = replies[0].map ?? [:]
        if !force {
            for (id, mark) in replies[1].map ?? [:] where analyzers.isFresh(mark: mark.text ?? "") { missing[id] = nil }
            for id in replies[2].elements ?? [] { missing[id.text ?? ""] = nil }
        }
        guard !missing.isEmpty else { return [] }

        let playlists = try (replies[3].elements ?? []).map { try Playlist(stored: $0.bytes ?? []) }
            .sorted { (-$0.addedAtMs, $0.name, $0.id) < (-$1.addedAtMs, $1.name, $1.id) }
        let lists = try await store.pipeline(playlists.map { ["LRANGE", key(.playlistSongs, $0.id), 0, -1] })
        var songs: [(id: String, lengthMs: UInt64)] = []
        for id in lists.lazy.flatMap({ $0.elements ?? [] }).compactMap(\.text) {
            guard let length = missing.removeValue(forKey: id) else { continue }
            songs.append((id, UInt64(clamping: length.int ?? 0)))
        }
        return songs + missing.sorted { $0.key < $1.key }.map { ($0.key, UInt64(clamping: $0.value.int ?? 0)) }
    }
}
