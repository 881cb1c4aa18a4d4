// The names of all Redis keys of this service, each with its type and what it holds. They share a hash tag, so that one pipeline
// writes them in order on a Redis Cluster, too: cursors behind what they cover.

/// Which version of the keys and their values this is (`RedisSchema`).
enum Schema {
    static let version = 1
    static let needed = 1
}

struct Keys: Sendable {
    /// In front of every name.
    private let prefix: String

    init(prefix: String) {
        self.prefix = prefix + "{progress}:"
    }

    /// STRING, expires: the `ProgressView` of a job as it was last.
    func job(_ jobID: String) -> String { "\(prefix)job:\(jobID)" }

    /// SET of the ids of the jobs that had not ended.
    var liveJobs: String { "\(prefix)live" }

    /// STRING, expires: the estimates shown of a job that had not ended, in JSON.
    func estimates(_ jobID: String) -> String { "\(prefix)estimates:\(jobID)" }

    /// HASH, expires: name → what kept the jobs of a lane waiting, in JSON.
    func delays(_ lane: String) -> String { "\(prefix)delays:\(lane)" }

    /// HASH: day since 1970 → the errors of estimates of that day, in JSON; as many days as `AccuracyLog` keeps.
    var accuracy: String { "\(prefix)accuracy" }

    /// ZSET, expires: the ids of a user's jobs that ended, by version.
    func endedJobs(of userID: String) -> String { "\(prefix)ended:\(userID)" }

    /// HASH, expires: of a playlist or library, `view` (`ProgressView`) and `audio_ms`, the length of its songs.
    func context(_ key: ContextKey) -> String {
        switch key {
        case .job(let jobID): job(jobID)
        case .library(let userID): "\(prefix)library:\(userID)"
        // The length tells where the user's id ends, whatever characters it has.
        case .playlist(let userID, let playlistID):
            "\(prefix)playlist:\(userID.utf8.count):\(userID):\(playlistID)"
        }
    }

    /// HASH: lane → the cursor of the last event of it that all other keys reflect.
    var cursors: String { "\(prefix)cursors" }

    /// HASH: analyzers (`"audio@1"`) → what a song costs, as the numbers of `SongCost` with spaces between them.
    var costs: String { "\(prefix)costs" }

    /// ZSET (`RedisSchema`): which version the data is of.
    var schema: String { "\(prefix)schema" }

    /// STRING: the analyzers that ran last.
    var currentAnalyzers: String { "\(prefix)analyzers" }

    /// Redis' pattern of all these names.
    var pattern: String {
        prefix.reduce(into: "") { $0 += "*?[]\\^".contains($1) ? "\\\($1)" : "\($1)" } + "*"
    }

    /// Whom what is kept under a name is about.
    enum Kind: Equatable {
        case user(String)
        /// Of whom, its value tells.
        case job
        case other
    }

    func kind(of name: String) -> Kind {
        guard name.hasPrefix(prefix) else { return .other }
        let parts = name.dropFirst(prefix.count).split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return .other }
        switch parts[0] {
        case "job": return .job
        case "ended", "library": return .user(parts[1])
        case "playlist":
            let words = parts[1].split(separator: ":", maxSplits: 1)
            guard words.count == 2, let length = Int(words[0]), length <= words[1].utf8.count else { return .other }
            return .user(String(decoding: words[1].utf8.prefix(length), as: UTF8.self))
        default: return .other
        }
    }
}
