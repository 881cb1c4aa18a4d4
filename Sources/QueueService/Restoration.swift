// Puts back what a backup holds. Its keys are staged under names of their own while the file comes in; once it has come in whole, one
// script puts them in their places, on each server of a cluster one. Where it ends before, nothing has changed.

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
        let duty = Duty(key: store.keys.restoring, term: Self.patience, store: store, token: randomBytes(8).hexadecimal)
        guard try await duty.take() else {
            throw QueueError.illegal("another backup is being put back; wait for its end")
        }
        do {
            // What one that broke off has left.
            try await remove(store.keys.restoring + ":")
            let reply = try await stage(parts, duty)
            try await end(duty)
            return reply
        } catch {
            // Not with the call's own task, which may have been cancelled.
            try? await Task { try await end(duty) }.value
            throw error
        }
    }

    private func stage(_ parts: RPCStream<RestorePart>, _ duty: Duty) async throws -> RestoreReply {
        let id = duty.token
        let masters = try await store.translated { try await store.redis.masters() }
        var reader = BackupReader()
        var replaces: Bool?
        for try await part in parts {
            if replaces == nil {
                replaces = part.replace
                if !part.replace { try await checkNothingIsLost() }
            }
            try await prolong(duty)
            for batch in try reader.read(part.data).batches(of: Self.page) { try await stage(batch, id, at: masters) }
        }
        guard let takenAtMs = reader.takenAtMs else { throw BackupReader.damaged("it ends too early") }
        try await checkSchema(id)
        try await prolong(duty)
        return RestoreReply(keys: try await put(id, replaces: replaces == true, at: masters), takenAtMs: takenAtMs)
    }

    private func checkNothingIsLost() async throws {
        let users = try await store.send("ZCARD", store.keys.users).int ?? 0
        var jobs: Int64 = 0
        for lane in 0..<max(1, Int(try await store.send("ZSCORE", store.keys.lanes, "count").double ?? 1)) {
            for index in [LaneKey.live, .ended] {
                jobs += try await store.send("ZCARD", store.keys.lane(String(lane), index)).int ?? 0
            }
        }
        guard users + jobs == 0 else {
            throw QueueError.illegal(
                "there are \(users) users and \(jobs) jobs already, which would be lost; back them up, then allow them to be replaced"
            )
        }
    }

    /// Refuses what a newer queue-service has stored and this one would misread.
    private func checkSchema(_ id: String) async throws {
        let name = store.keys.schema.dropFirst(store.keys.prefix.count)
        let staged = String(decoding: store.keys.staged(id, Array(name.utf8)), as: UTF8.self)
        do {
            try await store.translated { try await store.schema.check(staged) }
        } catch let error as RedisSchemaError {
            throw QueueError.illegal("\(error)")
        }
    }

    private func stage(
        _ keys: some Collection<StoredKey>, _ id: String, at masters: [RedisClient.Master]
    ) async throws {
        let now = Int64.now
        let staged = keys.map { (name: store.keys.staged(id, $0.name), key: $0) }
        for master in masters {
            let commands = staged.filter { master.serves($0.name) }.map { name, key in
                let isGone = key.value.isEmpty || (key.expiresAtMs != 0 && key.expiresAtMs <= now)
                return isGone
                    ? ["UNLINK", RedisArgument(name)]
                    : [
                        "RESTORE", RedisArgument(name), RedisArgument(key.expiresAtMs), RedisArgument(key.value),
                        "REPLACE",
                        "ABSTTL",
                    ]
            }
            do {
                try await store.pipeline(commands)
            } catch QueueError.corrupt(let why) {
                throw BackupReader.damaged("\(why); is this Redis older than that of which it was made?")
            }
        }
    }

    /// Puts all that is staged in its places: at once, but for a cluster, where it is one server after the other.
    ///
    /// - Returns: how many keys there were.
    private func put(_ id: String, replaces: Bool, at masters: [RedisClient.Master]) async throws -> UInt64 {
        let staged = store.keys.staged(id)
        let arguments =
            [
                RedisArgument(store.keys.prefix), RedisArgument(staged), RedisArgument(store.keys.pattern),
                RedisArgument(Keys.pattern(staged)), RedisArgument(replaces ? 1 : 0),
            ] + Keys.notBackedUp.map { RedisArgument($0) }
        var count: Int64 = 0
        for (done, master) in masters.enumerated() {
            do {
                count +=
                    try await store.translated {
                        try await store.redis.run(
                            store.scripts.restore, keys: [staged + master.hashTag], arguments: arguments,
                            timeout: Self.patience)
                    }.int ?? 0
            } catch {
                guard done > 0 else { throw error }
                throw RPCError(
                    .dataLoss,
                    """
                    \(done) of the cluster's \(masters.count) servers have what the backup holds, and the others have not: \(error); \
                    put it back once more, and allow what is there to be replaced
                    """)
            }
        }
        return UInt64(clamping: count)
    }

    // MARK: One at a time

    /// - Throws: `QueueError.illegal` where nothing came for so long that another one may have begun, and removed what was staged.
    private func prolong(_ duty: Duty) async throws {
        guard try await duty.prolong() else {
            throw QueueError.illegal(
                "nothing of the backup has come for \(Self.patience); nothing was put back, do it again")
        }
    }

    private func end(_ duty: Duty) async throws {
        try await remove(store.keys.staged(duty.token))
        try await duty.resign()
    }

    /// Removes what is staged under names that begin so.
    private func remove(_ start: String) async throws {
        try await store.scan(Keys.pattern(start), count: Self.page) { names in
            try await store.pipeline(names.map { ["UNLINK", RedisArgument($0)] })
        }
    }
}
