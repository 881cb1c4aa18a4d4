// How many songs failed lately, and which of them again and again, as the event log tells it.

import AnalysisAPI

struct FailureTally: Codable, Equatable, Sendable {
    /// Lane → the last entry of its log that is counted.
    var cursors: [String: String]
    /// Minute since 1970 → songs that ended in it.
    private var minutes: [Int64: Ended] = [:]
    private(set) var songs: [SongKey: Trouble] = [:]

    init(cursors: [String: String] = [:]) {
        self.cursors = cursors
    }

    struct Ended: Codable, Equatable, Sendable {
        var analysed = 0
        var failed = 0
    }

    struct SongKey: Hashable, Codable, Sendable {
        let userID: String
        let songID: String
    }

    /// A song that has failed and was not analysed since.
    struct Trouble: Codable, Equatable, Sendable {
        var failures = 0
        var lastMs: Int64 = 0
        var reason = ""
    }

    /// How far back it counts.
    static let longestMinutes = 240
    /// A song that has not failed for so long is not failing any more.
    private static let troubleMs: Int64 = 86_400_000
    /// How many songs are remembered; of more, those that failed last.
    private static let maxSongs = 1000

    mutating func note(_ event: String, userID: String, songID: String, reason: String, atMs: Int64) {
        let key = SongKey(userID: userID, songID: songID)
        switch event {
        case "song_analysed":
            minutes[atMs / 60_000, default: Ended()].analysed += 1
            songs[key] = nil
        case "song_failed":
            minutes[atMs / 60_000, default: Ended()].failed += 1
            songs[key, default: Trouble()].failures += 1
            songs[key]?.lastMs = atMs
            songs[key]?.reason = reason
        default: break
        }
    }

    /// Lets go of what is too old to count.
    mutating func prune(atMs: Int64) {
        minutes = minutes.filter { $0.key > atMs / 60_000 - Int64(Self.longestMinutes) }
        songs = songs.filter { $0.value.lastMs > atMs - Self.troubleMs }
        guard songs.count > Self.maxSongs else { return }
        let latest = songs.sorted { $0.value.lastMs > $1.value.lastMs }.prefix(Self.maxSongs)
        songs = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
    }

    /// The songs that ended within the last time.
    func ended(within window: Duration, atMs: Int64) -> Ended {
        let first = (atMs - window.milliseconds) / 60_000
        return minutes.filter { $0.key > first }.values.reduce(into: Ended()) {
            $0.analysed += $1.analysed
            $0.failed += $1.failed
        }
    }

    /// Forgets the songs of some users.
    mutating func forget(where isGone: (String) -> Bool) {
        songs = songs.filter { !isGone($0.key.userID) }
    }
}
