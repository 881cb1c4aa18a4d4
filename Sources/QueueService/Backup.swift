// Writes down the whole store while everything goes on: a copy of every key, during which Redis tells which keys change; then those
// that have changed, again and again, until nothing has changed but what one script has copied.
//
// A script copies what is on one server. Each server of a cluster is copied as of an instant of its own, some milliseconds apart, and
// a lane is on one of them. What lanes have in common must stand still from the first of these instants to the last, so no user is
// half here and half there.

import AnalysisAPI
import RPC
import Redis

struct Backup: Sendable {
    let store: Store

    /// How many keys Redis looks at, and how many are copied, at once.
    private static let page = 500
    /// More keys than these are not copied by one script, which everybody waits for.
    private static let atOneInstant = 2000
    /// How often what has changed is copied before giving up.
    private static let attempts = 500

    /// One of the servers, and what has changed on it since it was copied.
    private struct Server {
        let master: RedisClient.Master
        let changes: RedisChanges
        var changed: Set<[UInt8]> = []
    }

    /// - Throws: `QueueError.unavailable` where the store changes faster than it can be followed, or a server was lost.
    func run(to parts: RPCWriter<BackupPart>) async throws {
        var servers: [Server] = []
        for master in try await store.translated({ try await store.redis.masters() }) {
            let changes = try await store.translated {
                try await store.redis.changes(of: store.keys.prefix, at: master)
            }
            servers.append(Server(master: master, changes: changes))
        }
        var file = BackupWriter(to: parts)
        for index in servers.indices {
            try await store.scan(store.keys.pattern, at: [servers[index].master], count: Self.page) { names in
                try await copy(Set(names).filter(store.keys.isBackedUp), to: &file)
            }
            servers[index].changed = try await changes(on: servers[index])
        }
        for _ in 0..<Self.attempts {
            guard servers.reduce(0, { $0 + $1.changed.count }) <= Self.atOneInstant else {
                for index in servers.indices {
                    try await copy(servers[index].changed, to: &file)
                    servers[index].changed = try await changes(on: servers[index])
                }
                continue
            }
            let takenAtMs = Int64.now
            guard try await copyChanges(on: &servers, to: &file) else { continue }
            return try await file.finish(takenAtMs: takenAtMs)
        }
        throw QueueError.unavailable("the queue changes faster than it can be copied; pause it meanwhile")
    }

    /// Copies of each server what has changed there, at one instant.
    ///
    /// - Returns: whether the file now has each server as it was at that instant, and all of them the same of what lanes have in
    ///   common; else `changed` has what is still to be copied.
    private func copyChanges(on servers: inout [Server], to file: inout BackupWriter) async throws -> Bool {
        var isWhole = true
        for index in servers.indices {
            let server = servers[index]
            let mark = mark(server.master)
            try await copy(server.changed, markedBy: mark, to: &file)
            servers[index].changed = try await names(server.changes, until: mark)
            // What changed since `changed` was known had all been copied after it changed: it was one instant.
            if !servers[index].changed.isSubset(of: server.changed) { isWhole = false }
        }
        guard servers.count > 1 else { return isWhole }
        for index in servers.indices { servers[index].changed.formUnion(try await changes(on: servers[index])) }
        return isWhole && !servers.contains { $0.changed.contains(where: store.keys.isCommon) }
    }

    /// What has changed until now of that which belongs in a backup.
    private func changes(on server: Server) async throws -> Set<[UInt8]> {
        let mark = mark(server.master)
        _ = try await store.run(\.copy, key: mark, [])
        return try await names(server.changes, until: mark)
    }

    private func names(_ changes: RedisChanges, until mark: String) async throws -> Set<[UInt8]> {
        try await store.translated { try await changes.names(until: mark) }.filter(store.keys.isBackedUp)
    }

    /// The name of a key of its own, on this server.
    private func mark(_ master: RedisClient.Master) -> String {
        store.keys.backupMark(master.hashTag + randomBytes(8).hexadecimal)
    }

    /// Copies keys of one server as they stand now; with a mark, all of them at the instant at which it is set.
    private func copy(_ names: Set<[UInt8]>, markedBy mark: String? = nil, to file: inout BackupWriter) async throws {
        for batch in mark == nil ? Array(names).batches(of: Self.page) : [Array(names)[...]] {
            let keys = batch.map { RedisArgument($0) }
            let copies =
                if let mark {
                    try await store.run(\.copy, key: mark, keys).elements ?? []
                } else {
                    try await store.pipeline(keys.flatMap { [["DUMP", $0], ["PTTL", $0]] })
                }
            guard copies.count == 2 * keys.count else {
                throw QueueError.corrupt("the reply of copy is not understood")
            }
            let now = Int64.now
            for (index, name) in batch.enumerated() {
                let ttl = copies[2 * index + 1].int ?? -1
                try await file.write(
                    StoredKey(
                        name: Array(name.dropFirst(store.keys.prefix.utf8.count)),
                        value: copies[2 * index].bytes ?? [], expiresAtMs: ttl >= 0 ? now + ttl : 0))
            }
        }
    }
}
