// What is left of a user elsewhere than among their jobs and in their library, found and removed.

import AnalysisAPI
import Jobs
import Redis

struct Erasure: Sendable {
    let analyzers: Analyzers
    let lanes: Lanes
    let store: Store
    let alerts: AlertDesk
    let audit: AuditLog

    /// How many keys, or entries of a log, are looked at in one step.
    private static let page = 500

    /// Forgets whose files are known by their content. Comes before the library goes, which tells what they are.
    func forgetFiles(of userID: String, lane: String) async throws {
        let contents = try await store.send("HGETALL", store.keys.lane(lane, .userContents, userID)).map ?? [:]
        let keys = contents.compactMap { field, content -> String? in
            let words = (content.text ?? "").split(separator: " ", omittingEmptySubsequences: false)
            guard let name = field.split(separator: " ").first, words.count > 1, !words[1].isEmpty else { return nil }
            let analyzer = AnalyzerVersion(name: String(name), version: String(words[0]))
            return store.keys.result(of: analyzer, fileHash: String(words[1]))
        }
        for batch in keys.batches(of: Self.page) { try await remove(Array(batch), holding: "\(userID):") }
    }

    /// Removes all that names the user, in whatever lane, and says so to those who follow the log.
    ///
    /// - Parameter alias: what stands in the audit log in place of the user's name.
    func forgetTraces(of userID: String, lane: String, alias: String) async throws {
        try await sweepNames(of: userID)
        for lane in lanes.ids {
            try await sweep(lane, of: userID)
            try await forgetEvents(of: userID, lane: lane)
        }
        try await alerts.forget(userID: userID, alias: alias)
        try await audit.rename(userID, to: alias)
        try await store.send(
            "XADD", store.keys.lane(lane, .log), "*", "event", "user_removed", "event_user_hash", userHash(userID))
    }

    /// Sessions, and files that are known by their content: neither tells in its name whose it is.
    private func sweepNames(of userID: String) async throws {
        for (kind, start) in [(store.keys.session(hash: ""), "\(userID) "), (store.keys.filesPrefix, "\(userID):")] {
            try await store.scan(Keys.pattern(kind), count: Self.page) { names in
                try await remove(names.map { String(decoding: $0, as: UTF8.self) }, holding: start)
            }
        }
    }

    /// Removes those of the keys whose text begins with `start`.
    private func remove(_ keys: [String], holding start: String) async throws {
        for key in keys where try await store.send("GET", key).text?.hasPrefix(start) == true {
            try await store.send("UNLINK", key)
        }
    }

    /// Keys of the user that jobs and library have left: what expires by itself, what a move has left behind.
    private func sweep(_ lane: String, of userID: String) async throws {
        let pattern = Keys.pattern("user:\(userID):")
        var cursor = "0"
        repeat {
            let reply = try await store.run(
                \.scan, lane: lane, [RedisArgument(cursor), RedisArgument(Self.page), RedisArgument(pattern)])
            guard let parts = reply.elements, parts.count == 2, let next = parts[0].text else {
                throw QueueError.corrupt("the reply of scan is not understood")
            }
            cursor = next
            for suffix in parts[1].elements?.compactMap(\.text) ?? [] {
                try await store.send("UNLINK", "\(store.keys.root(lane: lane)):\(suffix)")
            }
        } while cursor != "0"
        for analyzer in analyzers.enabled {
            let key = store.keys.lane(lane, .breakerSongs, analyzer.name)
            let songs = try await store.send("SMEMBERS", key).elements?.compactMap(\.text) ?? []
            for song in songs where song.hasPrefix("\(userID) ") { try await store.send("SREM", key, song) }
        }
    }

    private func forgetEvents(of userID: String, lane: String) async throws {
        let key = RedisArgument(store.keys.lane(lane, .log))
        var after = "-"
        while true {
            let entries =
                try await store.send(["XRANGE", key, RedisArgument(after), "+", "COUNT", RedisArgument(Self.page)])
                .elements ?? []
            var last: String?
            var theirs: [RedisArgument] = []
            for entry in entries {
                guard let parts = entry.elements, parts.count == 2, let id = parts[0].text, let fields = parts[1].map
                else {
                    continue
                }
                last = id
                if [fields[JobField.userID.rawValue], fields["event_user_id"]].contains(where: { $0?.text == userID }) {
                    theirs.append(RedisArgument(id))
                }
            }
            if !theirs.isEmpty { _ = try await store.send(["XDEL", key] + theirs) }
            guard entries.count == Self.page, let last else { return }
            after = "(\(last)"
        }
    }
}
