// Every Redis key of the queue, with its Redis type. Those of a lane share the lane's hash tag, so that one script may touch
// all of them on a Redis Cluster, too.

import AnalysisAPI
import Jobs
import Redis

/// The keys of a lane, below its root: `aq:{0}:ready`. The scripts are given the same patterns.
///
/// User ids contain no colon (`UserID`), and at most one other id follows, at the end: no two keys can be the same.
enum LaneKey: String, CaseIterable {
    /// ZSET job id → order: jobs that wait, the first to run first, but for those of `readyBackground`.
    case ready
    /// ZSET job id → order: jobs that wait, too, of background work that can be held back.
    case readyBackground = "ready_background"
    /// HASH reason, until_ms; expires with the lease: why no song of background work is begun.
    case gate
    /// STRING: a song of background work was begun; expires when the next one may be.
    case pace
    /// STRING: the last sequence number given to a job.
    case sequence
    /// STRING job id: whose item runs; there is none while the lane is idle.
    case running
    /// STRING: claim of the item that was reported last, so that the same report again is known.
    case reported
    /// HASH worker, token, lanes (how many there are); expires: who may run items of the lane.
    case lease
    /// HASH reason, by, paused_at_ms, until_ms, freezes: holds back all claims.
    case pause
    /// HASH analyzer → "<opened at, in ms> <next song at, in ms> <songs> <reason>": the circuit breakers that are open.
    case breakers
    /// HASH: jobs in each state, waiting jobs of each class, length of the songs that wait.
    case counts
    /// HASH event → how often, and audio_ms: the length of the songs analysed, of a day (since 1970, UTC); expires.
    case day = "day:%s"
    /// STREAM of events.
    case log
    /// ZSET job id → order: jobs that have not ended.
    case live
    /// ZSET job id → when it ended, in milliseconds.
    case ended
    /// ZSET job id → when it is due, in milliseconds: the scheduled jobs.
    case due
    /// ZSET job id → when it failed, in milliseconds: the dead letters.
    case dead
    /// HASH user id → "<number of the move> <coming, here or away>", of each user that was moved to the lane or from it.
    case moves
    /// ZSET hash of a user id → when its bar ends, in milliseconds: of each user who was removed a moment ago; expires.
    case barred

    /// HASH: a job (`JobField`).
    case job = "job:%s"
    /// LIST of "<length in ms> <song id>": the songs of a playlist's or background job, in order.
    case jobSongs = "job:%s:songs"
    /// LIST: ids of songs of a job that failed, each followed by why.
    case jobFailures = "job:%s:failures"

    /// ZSET "<length in ms> <song id>" → when it is due, in milliseconds, 0 once it was begun: songs of a job that failed and are
    /// tried again.
    case jobAside = "job:%s:aside"
    /// HASH song id → failed attempts, of the songs that are tried again.
    case jobAttempts = "job:%s:attempts"
    /// SET of "<user id> <song id>": the songs that failed in an analyzer since one passed it.
    case breakerSongs = "breaker:%s:songs"

    /// ZSET job id → order: the user's jobs that have not ended.
    case userJobs = "user:%s:jobs"
    /// ZSET job id → when it ended, in milliseconds.
    case userEnded = "user:%s:ended"
    /// ZSET job id → when it failed, in milliseconds: the user's dead letters.
    case userDead = "user:%s:dead"
    /// HASH "<type>:<force>:<target>" → id of the live job that fulfils it.
    case userWishes = "user:%s:wishes"
    /// LIST of "<length in ms> <song id>": what background work has left to do after the batch that is queued.
    case userBacklog = "user:%s:backlog"

    /// HASH message (`Preferences`), allowed, interval_ms, reason, until_ms: what the user has set about background work, and
    /// why no song of it may be begun (empty: one may), which holds until then (0: for ever).
    case userPreferences = "user:%s:preferences"

    /// STRING: a song of the user's background work was begun; expires when the next one may be.
    case userPace = "user:%s:pace"

    /// LIST: what a request with this idempotency key asked for, in words, each followed by the id of its job; expires.
    case userRequest = "user:%s:request:%s"

    /// HASH song id → `Song`.
    case userSongs = "user:%s:songs"
    /// HASH song id → length in ms, 0 where it is not known.
    case userLengths = "user:%s:lengths"
    /// HASH song id → its mark, such as "audio@1 lyrics@3": the analyzers whose results are stored.
    case userAnalysed = "user:%s:analysed"
    /// HASH song id → when it was analysed last, in milliseconds; of one that failed, when it did, if it has results all the same.
    case userAnalysedAt = "user:%s:analysed_at"
    /// HASH song id → why its last analysis failed.
    case userFailures = "user:%s:failures"
    /// HASH "<analyzer> <song id>" → JSON object of the figures that lists show.
    case userHighlights = "user:%s:highlights"
    /// HASH "<analyzer> <song id>" → "<version> <hash of the file> <hash of the decoded audio>", either empty where it is not known:
    /// what a result is about.
    case userContents = "user:%s:contents"
    /// ZSET "<analyzer>@<version> <hash> <song id>" → 0: the songs by what their results are about.
    case userIdentical = "user:%s:identical"
    /// HASH song id → sub-fingerprints in hexadecimal, with spaces between them: those that the song is found by.
    case userLandmarks = "user:%s:landmarks"
    /// HASH sub-fingerprint → ids of songs that are found by it, a line feed after each.
    case userLandmarkSongs = "user:%s:landmark_songs"
    /// HASH playlist id → `Playlist`, its counts left out.
    case userPlaylists = "user:%s:playlists"
    /// LIST of song ids.
    case playlistSongs = "user:%s:playlist:%s"
    /// HASH analyzer → `AnalysisResult`.
    case songResults = "user:%s:result:%s"
    /// ZSET song id → bit-error rate: the song's acoustic twins.
    case songTwins = "user:%s:twins:%s"

    /// What key of a lane has `suffix` after the lane's root and a colon, and the ids in it; nil where none is made so.
    static func parse(_ suffix: String) -> (key: LaneKey, ids: [String])? {
        let words = suffix.split(separator: ":", omittingEmptySubsequences: false)
        for key in allCases {
            let pattern = key.rawValue.split(separator: ":")
            // Only a second id may contain colons.
            guard words.count == pattern.count || (words.count > pattern.count && pattern.count == 4),
                zip(pattern, words).allSatisfy({ $0 == "%s" || $0 == $1 })
            else { continue }
            let parts = words[..<(pattern.count - 1)] + [words[(pattern.count - 1)...].joined(separator: ":")[...]]
            return (key, zip(pattern, parts).filter { $0.0 == "%s" }.map { String($0.1) })
        }
        return nil
    }

    /// What stands in the key after the lane's root and a colon.
    func suffix(_ ids: String...) -> String { suffix(ids) }

    func suffix(_ ids: [String]) -> String {
        var ids = ids[...]
        return rawValue.split(separator: ":").map { $0 == "%s" ? ids.popFirst() ?? "" : String($0) }
            .joined(separator: ":")
    }

    /// The name by which scripts call the key, such as `user_analysed_at`.
    var scriptName: String {
        "\(self)".reduce(into: "") { name, letter in
            name += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
        }
    }
}

/// Which version of the keys and their values this is (`RedisSchema`).
enum Schema {
    static let version = 1
    static let needed = 1
}

/// Makes the names of keys.
struct Keys: Sendable {
    /// What all keys begin with; the isolation between tests that share a Redis.
    let prefix: String

    init(prefix: String = "aq:") {
        self.prefix = prefix
    }

    /// What the keys of a lane begin with, and what scripts are given.
    func root(lane: String) -> String { "\(prefix){\(lane)}" }

    func lane(_ lane: String, _ key: LaneKey, _ ids: String...) -> String { self.lane(lane, key, ids) }

    func lane(_ lane: String, _ key: LaneKey, _ ids: [String]) -> String {
        "\(root(lane: lane)):\(key.suffix(ids))"
    }

    /// HASH: a user's account (`Account`).
    func account(_ userID: String) -> String { "\(prefix)account:\(userID)" }
    /// ZSET "count" → how many lanes there are; it only ever rises.
    var lanes: String { "\(prefix)lanes" }
    /// HASH user id → when somebody was last at it, in milliseconds: moves to another lane, and removals, that have not ended.
    var moves: String { "\(prefix)moves" }
    /// ZSET (`RedisSchema`): which version the data is of.
    var schema: String { "\(prefix)schema" }
    /// ZSET user id → 0: whose accounts there are.
    var users: String { "\(prefix)users" }
    /// STRING "<user id> <sessions>", the latter as in the account when it was opened; expires.
    func session(hash: String) -> String { "\(prefix)session:\(hash)" }
    /// STRING "<user id>:<song id>"; expires: whose song has the analyzer's result of a file with this hash.
    func result(of analyzer: AnalyzerVersion, fileHash: String) -> String {
        "\(filesPrefix)\(analyzer.word):\(fileHash)"
    }
    /// What the names of the keys of known files begin with.
    var filesPrefix: String { "\(prefix)file:" }
    /// HASH worker id → `WorkerStatus`: the workers that are connected to any replica.
    var workers: String { "\(prefix)workers" }
    /// ZSET worker id → when it was last heard of, in milliseconds: the workers that were taken out of service.
    var drainedWorkers: String { "\(prefix)workers:drained" }
    /// STRING; expires: some replica's janitor does this round.
    var janitor: String { "\(prefix)janitor" }
    /// STRING; expires: some replica's janitor has gone through all results.
    var resultJanitor: String { "\(prefix)janitor:results" }
    /// STRING; expires: the replica that watches what happens.
    var watch: String { "\(prefix)janitor:watch" }
    /// STRING; expires: the replica whose log tells what becomes of jobs.
    var transitions: String { "\(prefix)janitor:transitions" }
    /// HASH lane → the last event of its log that has been told so.
    var told: String { "\(prefix)janitor:told" }
    /// Channel of `ProcessMetrics`: what each process has measured, now and then.
    var metrics: String { "\(prefix){all}:metrics" }
    /// Channel: there may be something to tell the worker that holds the lane.
    func hints(lane: String) -> String { "\(root(lane: lane)):hints" }

    /// ZSET `AuditEntry` → when, in milliseconds: what administrators did.
    var audit: String { "\(prefix)audit" }

    // MARK: Alerts

    /// What the keys about alerts begin with: they share a slot.
    var alerts: String { "\(prefix){alerts}" }
    /// HASH version, book (`AlertBook`, in JSON): the alerts that last, and what is to be sent.
    var alertBook: String { "\(alerts):book" }
    /// ZSET `Alert` → when it was over, in milliseconds; the latest 1000.
    var pastAlerts: String { "\(alerts):past" }
    /// STRING token; expires: which replica looks after the alerts.
    var alertLease: String { "\(alerts):lease" }

    // MARK: Backups

    /// STRING; expires: tells a backup that it has seen all that changed before. Its name stands behind all others.
    func backupMark(_ id: String) -> String { "\(prefix)~backup:\(id)" }
    /// STRING id; expires: a backup is being put back.
    var restoring: String { "\(prefix)restore" }
    /// What the names of the keys begin with that a backup holds, until all of them are there.
    func staged(_ id: String) -> String { "\(prefix)restore:\(id):" }

    /// Where a key of a backup is until then: in the slot of its place.
    ///
    /// - Parameter name: of its place, after the prefix.
    func staged(_ id: String, _ name: [UInt8]) -> [UInt8] {
        let tag = RedisClient.hashTag(of: Array(prefix.utf8) + name)
        return Array("\(staged(id)){".utf8) + tag + [UInt8(ascii: "}")] + name
    }

    /// Redis' pattern of all names that begin with the prefix.
    var pattern: String { Self.pattern(prefix) }

    static func pattern(_ prefix: String) -> String {
        prefix.reduce(into: "") { $0 += "*?[]\\^".contains($1) ? "\\\($1)" : "\($1)" } + "*"
    }

    /// What names begin with, after the prefix, that neither belong in a backup nor give way to one: of what is true of connected
    /// processes only, of the progress service, what was wrong with another system, and what administrators did, which no
    /// restoration may undo.
    static let notBackedUp = ["{progress}:", "{alerts}:", "audit", "~backup:", "restore", "janitor", "workers"]

    /// Whether a key belongs in a backup. A lease ends with the processes, too.
    func isBackedUp(_ name: [UInt8]) -> Bool {
        let name = name.dropFirst(prefix.utf8.count)
        return !Self.notBackedUp.contains { name.starts(with: $0.utf8) }
            && !(name.first == UInt8(ascii: "{") && name.reversed().starts(with: "}:lease".utf8.reversed()))
    }

    /// Whether a key is about what lanes have in common: who is there, and in which lane. Not a lane's own, nor what may be of
    /// another moment and does no harm: sessions and known files.
    func isCommon(_ name: [UInt8]) -> Bool {
        !["\(prefix){", session(hash: ""), filesPrefix].contains { name.starts(with: $0.utf8) }
    }
}
