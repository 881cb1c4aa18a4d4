// Writes down the whole store as it stands at one instant, while everything goes on: a copy of every key, during which Redis tells
// which keys change; then those that have changed, again and again, until nothing has changed but what one transaction has copied.

import AnalysisAPI
import RPC
import Redis

struct Backup: Sendable {
    let store: Store

    /// How many keys Redis looks at, and how many are copied, at once.
    private static let page = 500
    /// More keys than these are not copied in one transaction, which everybody waits for.
    private static let transaction = 2000
    /// How often what has changed is copied before giving up.
    private static let attempts = 500

    /// - Throws: `QueueError.unavailable` where the store changes faster than it can be followed.
    func run(to parts: RPCWriter<BackupPart>) async throws {
        guard try await store.send("INFO", "cluster").text?.contains("cluster_enabled:1") != true else {
            throw RPCError(
                .unimplemented, "Redis is a cluster, of which there is no one instant; use the snapshots of its nodes")
        }
        let changes = try await store.translated { try await store.redis.changes(of: store.keys.prefix) }
        var file = BackupWriter(to: parts)
        var cursor = "0"
        repeat {
            let reply = try await store.send(
                "SCAN", cursor, "MATCH", store.keys.pattern, "COUNT", Self.page)
            guard let page = reply.elements, page.count == 2, let next = page[0].text, let names = page[1].elements
            else { throw QueueError.corrupt("the reply of SCAN is not understood") }
            cursor = next
            try await copy(Set(names.compactMap(\.bytes)).filter(store.keys.isBackedUp), to: &file)
        } while cursor != "0"

        var late = try await names(changes, until: try await mark())
        for _ in 0..<Self.attempts {
            let changed = late
            guard changed.count <= Self.transaction else {
                try await copy(changed, to: &file)
                late = try await names(changes, until: try await mark())
                continue
            }
            let mark = store.keys.backupMark(randomBytes(8).hexadecimal)
            let takenAtMs = Int64.now
            try await copy(changed, markedBy: mark, to: &file)
            late = try await names(changes, until: mark)
            // What changed since `changed` was known had all been copied after it changed: it was one instant.
            if late.isSubset(of: changed) { return try await file.finish(takenAtMs: takenAtMs) }
        }
        throw QueueError.unavailable("the queue changes faster than it can be copied; pause it meanwhile")
    }

    /// What has changed of that which belongs in a backup.
    private func names(_ changes: RedisChanges, until mark: String) async throws -> Set<[UInt8]> {
        try await store.translated { try await changes.names(until: mark) }.filter(store.keys.isBackedUp)
    }

    /// Changes a key of its own.
    private func mark() async throws -> String {
        let mark = store.keys.backupMark(randomBytes(8).hexadecimal)
        _ = try await store.send(Self.setting(mark))
        return mark
    }

    private static func setting(_ mark: String) -> [RedisArgument] { ["SET", RedisArgument(mark), "", "PX", 1000] }

    /// Copies keys as they stand now; with a mark, all of them at the instant at which it is set.
    private func copy(_ names: Set<[UInt8]>, markedBy mark: String? = nil, to file: inout BackupWriter) async throws {
        for batch in mark == nil ? Array(names).batches(of: Self.page) : [Array(names)[...]] {
            var commands: [[RedisArgument]] = batch.flatMap { name in
                [["DUMP", RedisArgument(name)], ["PTTL", RedisArgument(name)]]
            }
            if let mark { commands = [["MULTI"]] + commands + [Self.setting(mark), ["EXEC"]] }
            var replies = try await store.pipeline(commands)
            if mark != nil {
                guard let results = replies.last?.elements else { throw QueueError.corrupt("EXEC has no replies") }
                replies = results
            }
            let now = Int64.now
            for (index, name) in batch.enumerated() {
                let ttl = replies[2 * index + 1].int ?? -1
                try await file.write(
                    StoredKey(
                        name: Array(name.dropFirst(store.keys.prefix.utf8.count)),
                        value: replies[2 * index].bytes ?? [], expiresAtMs: ttl >= 0 ? now + ttl : 0))
            }
        }
    }
}
