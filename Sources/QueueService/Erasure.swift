// Removes a user with everything that names them. Each step may be made again, so whoever comes after a crash does the rest.

import AnalysisAPI
import Jobs
import Redis

struct Erasure: Sendable {
    let analyzers: Analyzers
    let lanes: Lanes
    let store: Store
    let accounts: Accounts
    let dispatcher: Dispatcher
    let alerts: AlertDesk
    let audit: AuditLog

    /// How many keys, or entries of a log, are looked at in one step.
    private static let page = 500

    /// What stands in the audit log in place of a name.
    static func alias() -> String { "erased-\(randomBytes(8).hexadecimal)" }

    /// Removes the user, or does the rest of a removal that broke off.
    ///
    /// - Throws: `QueueError.notFound`; `QueueError.moving` while the user is on the way to another lane.
    func run(_ userID: String, alias: String) async throws -> RemoveUserReply {
        let lane = try await accounts.beginRemoval(of: userID)
        var reply = RemoveUserReply()
        let queue = LaneQueue(lane: lane, store: store)
        // What is left of the background work first, from which the end of a batch would make the next.
        try await queue.forgetBackground(of: userID)
        try await queue.changeAll(userID: userID, type: .unspecified, event: .cancelled) { jobs, hint in
            reply.cancelledJobs += UInt32(clamping: jobs.count)
            dispatcher.deliver(hint, cancelled: jobs)
        }
        try await forgetFiles(of: userID, lane: lane)
        _ = try await LibraryWriter(userID: userID, lane: lane, store: store).removeAll()
        try await queue.forgetEnded(of: userID)
        try await forgetTraces(of: userID, lane: lane, alias: alias)
        try await accounts.endRemoval(of: userID)
        return reply
    }

    /// Forgets whose files are known by their content. Comes before the library goes, which tells what they are.
    private func forgetFiles(of userID: String, lane: String) async throws {
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
    private func forgetTraces(of userID: String, lane: String, alias: String) async throws {
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
                try await accounts.touchMove(of: userID)
            }
        }
    }

    /// Removes those of the keys whose text begins with `start`.
    private func remove(_ keys: [String], holding start: String) async throws {
        let texts = try await store.pipeline(keys.map { ["GET", RedisArgument($0)] })
        for (key, text) in zip(keys, texts) where text.text?.hasPrefix(start) == true {
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
            try await accounts.touchMove(of: userID)
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
            try await accounts.touchMove(of: userID)
            guard entries.count == Self.page, let last else { return }
            after = "(\(last)"
        }
    }
}
