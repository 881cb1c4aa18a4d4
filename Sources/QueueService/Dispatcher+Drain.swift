// Taking workers out of service. Redis knows which ones, for all replicas; each looks every second.

import AnalysisAPI
import Logging
import RPC
import Redis
import Synchronization

extension Dispatcher {
    /// After how long a worker that has gone is forgotten.
    private static let drainedAge = Duration.seconds(3600)

    /// Whether the worker begins no song any more.
    func isDrained(_ workerID: String) -> Bool {
        connections.withLock { $0.state.drained.contains(workerID) }
    }

    /// Takes a worker out of service, or back in; one that is so already stays so.
    ///
    /// - Throws: `.notFound` where it is connected to no replica.
    func drain(_ workerID: String, undo: Bool) async throws -> WorkerStatus {
        guard var status = try await registeredWorkers().first(where: { $0.id == workerID }) else {
            throw RPCError(.notFound, "there is no worker '\(workerID)' that is connected")
        }
        if undo {
            try await store.send("ZREM", store.keys.drainedWorkers, workerID)
        } else {
            try await store.send("ZADD", store.keys.drainedWorkers, "\(Int64.now)", workerID)
        }
        try await refreshDrained()
        logger.notice("taken out of service", metadata: ["worker": "\(workerID)", "undo": "\(undo)"])
        status.draining = !undo
        return status
    }

    func refreshDrained() async throws {
        let key = store.keys.drainedWorkers
        let gone = Int64.now - Self.drainedAge.milliseconds
        let replies = try await store.pipeline([
            ["ZREMRANGEBYSCORE", RedisArgument(key), "-inf", RedisArgument(gone)],
            ["ZRANGE", RedisArgument(key), "0", "-1"],
        ])
        let drained = Set((replies[1].elements ?? []).compactMap(\.text))
        connections.withLock { $0.state.drain(drained) }
    }
}
