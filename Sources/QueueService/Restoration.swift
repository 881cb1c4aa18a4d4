// Puts back what a backup holds. Its keys are staged under names of their own while the file comes in; once it has come in whole, one
// script puts them in their places. Where it ends before, nothing has changed.

import AnalysisAPI
import RPC
import Redis

struct Restoration: Sendable {
    let store: Store

    /// How long nothing may come before another restoration takes over.
    private static let patience = Duration.seconds(60)
    /// How many keys are staged or removed at once.
    private static let page = 500

    /// - Throws: `QueueError.illegal` where users or jobs would be lost, or another restoration is under way; `RPCError` with
    ///   `.invalidArgument` where the file is no backup, damaged or incomplete.
    func run(_ parts: RPCStream<RestorePart>) async throws -> RestoreReply {
        let id = randomBytes(8).hexadecimal
        try await begin(id)
        do {
            let reply = try await stage(parts, id)
            try await clean()
            return reply
        } catch {
            // Not with the call's own task, which may have been cancelled.
            try? await Task { try await clean() }.value
            throw error
        }
    }

    private func stage(_ parts: RPCStream<RestorePart>, _ id: String) async throws -> RestoreReply {
        var reader = BackupReader()
        var replaces: Bool?
        for try await part in parts {
            if replaces == nil {
                replaces = part.replace
                _ = try await put(id: "", replaces: part.replace)
            }
            for batch in try reader.read(part.data).batches(of: Self.page) { try await stage(batch, id) }
            try await store.send(
                "PEXPIRE", store.keys.restoring, Self.patience.milliseconds)
        }
        guard let takenAtMs = reader.takenAtMs else { throw BackupReader.damaged("it ends too early") }
        try await checkSchema(id)
        return RestoreReply(keys: try await put(id: id, replaces: replaces == true), takenAtMs: takenAtMs)
    }

    /// Refuses what a newer queue-service has stored and this one would misread.
    private func checkSchema(_ id: String) async throws {
        do {
            try await store.translated { try await store.schema.check(Keys(prefix: store.keys.staged(id)).schema) }
        } catch let error as RedisSchemaError {
            throw QueueError.illegal("\(error)")
        }
    }

    private func stage(_ keys: some Collection<StoredKey>, _ id: String) async throws {
        let prefix = Array(store.keys.staged(id).utf8)
        let now = Int64.now
        let commands = keys.map { key in
            let name = RedisArgument(prefix + key.name)
            let isGone = key.value.isEmpty || (key.expiresAtMs != 0 && key.expiresAtMs <= now)
            return isGone
                ? ["UNLINK", name]
                : ["RESTORE", name, RedisArgument(key.expiresAtMs), RedisArgument(key.value), "REPLACE", "ABSTTL"]
        }
        do {
            try await store.pipeline(commands)
        } catch QueueError.corrupt(let why) {
            throw BackupReader.damaged("\(why); is this Redis older than that of which it was made?")
        }
    }

    /// - Parameter id: empty: only looks whether it could be done.
    /// - Returns: how many keys were put in their places.
    private func put(id: String, replaces: Bool) async throws -> UInt64 {
        let staged = id.isEmpty ? "" : store.keys.staged(id)
        let arguments =
            [
                RedisArgument(staged), RedisArgument(replaces ? 1 : 0), RedisArgument(store.keys.pattern),
                RedisArgument(Keys.pattern(staged)),
            ] + Keys.notBackedUp.map { RedisArgument($0) }
        let reply = try await store.translated {
            try await store.redis.run(
                store.scripts.restore, keys: [store.keys.prefix], arguments: arguments, timeout: Self.patience)
        }
        return UInt64(clamping: reply.int ?? 0)
    }

    // MARK: One at a time

    private func begin(_ id: String) async throws {
        let reply = try await store.send(
            "SET", store.keys.restoring, id, "NX", "PX", Self.patience.milliseconds)
        guard !reply.isNull else { throw QueueError.illegal("another backup is being put back; wait for its end") }
        try await removeStaged()
    }

    private func clean() async throws {
        try await removeStaged()
        try await store.send("DEL", store.keys.restoring)
    }

    /// Removes what this one, or one that broke off, has staged and not put in its place.
    private func removeStaged() async throws {
        var cursor = "0"
        repeat {
            let reply = try await store.send(
                "SCAN", cursor, "MATCH", Keys.pattern(store.keys.restoring + ":"), "COUNT", Self.page)
            guard let page = reply.elements, page.count == 2, let next = page[0].text, let names = page[1].elements
            else { throw QueueError.corrupt("the reply of SCAN is not understood") }
            cursor = next
            if !names.isEmpty {
                _ = try await store.send(["UNLINK"] + names.compactMap { $0.bytes.map { RedisArgument($0) } })
            }
        } while cursor != "0"
    }
}
