// The scripts that run inside Redis, as they are sent: flags, constants rendered from Swift, the prelude, the script.

import AnalysisAPI
import Jobs
import Redis

/// How much of what, and for how long.
struct QueueLimits: Sendable {
    /// How many songs a batch of background work has.
    var backgroundBatch = 100
    /// How many milliseconds pass at least between the beginnings of two songs of background work, for each lane that there is.
    var backgroundPaceMs: Int64 = 0
    /// How often in a row a job may take its worker down before it fails.
    var poisonLosses = 3
    /// How often a song is tried in all, where another attempt may end well.
    var songAttempts = 3
    /// The longest time until the second attempt; twice as long before each that follows, up to the cap.
    var retryBase = Duration.seconds(5)
    var retryCap = Duration.seconds(300)
    /// After how many songs in a row that failed in an analyzer its circuit breaker opens; 0: never.
    var breakerSongs = 10
    /// How long after one song the next is tried while a breaker is open.
    var breakerProbe = Duration.seconds(30)
    /// How long ended jobs are kept, in seconds.
    var retentionSeconds = 7 * 24 * 3600
    /// How long the answer to a request with an idempotency key is kept, in seconds.
    var idempotencySeconds = 24 * 3600
    /// How many days statistics are kept.
    static let statisticsDays = 400
    /// How long the figures of a day are kept, from when they were last added to: the day itself is not over yet then.
    static let statisticsSeconds = (statisticsDays + 1) * 24 * 3600
    /// About how many events of a lane are kept; who follows from before them gets a snapshot.
    var logLength = 20_000
    /// How long a lane is a worker's after its last message.
    var lease = Duration.seconds(4)
}

/// One for each `.lua` file but those of the prelude. All but the making of an account may be repeated when a reply was lost.
struct Scripts: Sendable {
    let enqueue, exchange, change, changeAll, rate, position, pause, preferences, hold, release, snapshot, upsert,
        remove,
        expire, scan, tally, recount, verify, expireResults, depart, bring, arrive, forget, bar, createAccount,
        moveAccount, copy, restore, alertBook, takeLease, put, changeAccount, removeAccount: RedisScript

    init(analyzers: Analyzers, limits: QueueLimits) {
        let preamble = Self.preamble(analyzers: analyzers, limits: limits)
        func script(_ name: String, _ bytes: [UInt8]) -> RedisScript {
            RedisScript(
                name: name, source: Self.assemble(String(decoding: bytes, as: UTF8.self), after: preamble),
                isIdempotent: true, derivesKeys: true)
        }
        enqueue = script("enqueue", PackageResources.enqueue_lua)
        exchange = script("exchange", PackageResources.exchange_lua)
        change = script("change", PackageResources.change_lua)
        changeAll = script("change_all", PackageResources.change_all_lua)
        rate = script("rate", PackageResources.rate_lua)
        position = script("position", PackageResources.position_lua)
        pause = script("pause", PackageResources.pause_lua)
        preferences = script("preferences", PackageResources.preferences_lua)
        hold = script("hold", PackageResources.hold_lua)
        release = script("release", PackageResources.release_lua)
        snapshot = script("snapshot", PackageResources.snapshot_lua)
        upsert = script("upsert", PackageResources.upsert_lua)
        remove = script("remove", PackageResources.remove_lua)
        expire = script("expire", PackageResources.expire_lua)
        scan = script("scan", PackageResources.scan_lua)
        tally = script("tally", PackageResources.tally_lua)
        recount = script("recount", PackageResources.recount_lua)
        verify = script("verify", PackageResources.verify_lua)
        expireResults = script("expire_results", PackageResources.expire_results_lua)
        depart = script("depart", PackageResources.depart_lua)
        bring = script("bring", PackageResources.bring_lua)
        arrive = script("arrive", PackageResources.arrive_lua)
        forget = script("forget", PackageResources.forget_lua)
        bar = script("bar", PackageResources.bar_lua)
        createAccount = RedisScript(
            name: "create_account", source: String(decoding: PackageResources.create_account_lua, as: UTF8.self))
        alertBook = RedisScript(
            name: "alert_book", source: String(decoding: PackageResources.alert_book_lua, as: UTF8.self),
            derivesKeys: true)
        takeLease = RedisScript(
            name: "take_lease", source: String(decoding: PackageResources.take_lease_lua, as: UTF8.self),
            isIdempotent: true)
        changeAccount = RedisScript(
            name: "change_account", source: String(decoding: PackageResources.change_account_lua, as: UTF8.self),
            isIdempotent: true)
        removeAccount = RedisScript(
            name: "remove_account", source: String(decoding: PackageResources.remove_account_lua, as: UTF8.self),
            isIdempotent: true)
        put = RedisScript(
            name: "put", source: String(decoding: PackageResources.put_lua, as: UTF8.self), isIdempotent: true)
        copy = RedisScript(
            name: "copy", source: String(decoding: PackageResources.copy_lua, as: UTF8.self), derivesKeys: true)
        restore = RedisScript(
            name: "restore", source: String(decoding: PackageResources.restore_lua, as: UTF8.self), derivesKeys: true)
        moveAccount = RedisScript(
            name: "move_account", source: String(decoding: PackageResources.move_account_lua, as: UTF8.self),
            isIdempotent: true)
    }

    /// Redis wants a script's flags in its first line, so what goes before a script goes after that.
    static func assemble(_ script: String, after preamble: String) -> String {
        let parts = script.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        return """
            \(parts[0])
            \(preamble)
            local function run()
            \(parts.count > 1 ? parts[1] : "")
            end
            local reply = run()
            store_counts()
            return reply
            """
    }

    /// What goes before each script of a lane.
    static func preamble(analyzers: Analyzers, limits: QueueLimits) -> String {
        let files = [
            PackageResources.prelude_lua, PackageResources.prelude_moves_lua, PackageResources.prelude_sounds_lua,
            PackageResources.prelude_songs_lua, PackageResources.prelude_lane_lua,
        ]
        return constants(analyzers: analyzers, limits: limits)
            + files.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
    }

    /// What Swift and Lua must agree on, written in Swift alone.
    private static func constants(analyzers: Analyzers, limits: QueueLimits) -> String {
        let transitions = JobState.known.map { state in
            let rows = JobEvent.allCases.compactMap { event in
                state.after(event).map { "\(event.rawValue) = \(quoted($0.name))" }
            }
            return "\(state.name) = {\(rows.joined(separator: ", "))}"
        }
        let ranks = JobType.known.compactMap { type in type.priority.rank.map { "\(type.name) = \($0)" } }
        return """
            local key_starts = {\(keyParts { $0[0] })}
            local key_middles = {\(keyParts { $0.count > 2 ? $0[1] : nil })}
            local key_ends = {\(keyParts { $0.count > 1 ? $0[$0.count - 1] : nil })}
            local fields = {\(JobField.allCases.map { quoted($0.rawValue) }.joined(separator: ", "))}
            local blanks = {\(JobField.allCases.map { $0.isNumber ? "0" : quoted("") }.joined(separator: ", "))}
            local transitions = {\(transitions.joined(separator: ", "))}
            local ranks = {\(ranks.joined(separator: ", "))}
            local rank_names = {\(Priority.known.map { quoted($0.name) }.joined(separator: ", "))}
            local class_width = \(JobOrder.classWidth)
            local analyzers = {\(analyzers.enabled.map { quoted($0.word) }.joined(separator: ", "))}
            local background_batch = \(limits.backgroundBatch)
            local pace_ms = \(limits.backgroundPaceMs)
            local poison_losses = \(limits.poisonLosses)
            local song_attempts = \(limits.songAttempts)
            local retry_base_ms = \(limits.retryBase.milliseconds)
            local retry_cap_ms = \(limits.retryCap.milliseconds)
            local breaker_songs = \(limits.breakerSongs)
            local breaker_probe_ms = \(limits.breakerProbe.milliseconds)
            local retention_seconds = \(limits.retentionSeconds)
            local idempotency_seconds = \(limits.idempotencySeconds)
            local statistics_seconds = \(QueueLimits.statisticsSeconds)
            local log_length = \(limits.logLength)

            """
    }

    /// One of the parts that stand around the ids of each key, below the lane's root, where it has that part. A table of each
    /// is made faster than a table of tables, and every run of a script makes them.
    private static func keyParts(_ part: ([Substring]) -> Substring?) -> String {
        LaneKey.allCases.compactMap { key in
            part(":\(key.rawValue)".split(separator: "%s", omittingEmptySubsequences: false))
                .flatMap { $0.isEmpty ? nil : "\(key.scriptName) = \(quoted(String($0)))" }
        }.joined(separator: ", ")
    }

    private static func quoted(_ text: String) -> String { "'\(text)'" }
}
