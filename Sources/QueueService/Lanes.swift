// Which lanes there are. Their number is stored in Redis, so that they can be added while everything runs.

import Logging
import NIOCore
import Redis
import ServiceLifecycle
import Synchronization

/// The lanes, each with what this process keeps of it. They are numbered from 0 on, and there are never fewer again.
final class Lanes: Service, Sendable {
    /// How many there may be.
    static let limit = 1024
    /// How often is looked whether another replica has added some.
    private static let interval = Duration.seconds(1)

    private struct State {
        var lanes: [(id: String, log: LaneLog, group: EnqueueGroup)] = []
        var waiting: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let store: Store
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameter count: how many there are at least.
    init(atLeast count: Int, store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
        state = Mutex(State())
        grow(to: count)
    }

    /// Those that are known here. One that was just added elsewhere becomes known within a second, or by `contains`.
    var ids: [String] { state.withLock { $0.lanes.map(\.id) } }

    /// What has just been asked of the lane by many; nil: there is no such lane.
    func group(of lane: String) -> EnqueueGroup? { find(lane)?.group }

    func log(of lane: String) -> LaneLog? { find(lane)?.log }

    /// Whether there is such a lane, also where it was added a moment ago.
    func contains(_ lane: String) async throws -> Bool {
        if find(lane) != nil { return true }
        try await refresh()
        return find(lane) != nil
    }

    /// Adds lanes until there are `count`; where there are as many already, nothing happens.
    func add(until count: Int) async throws {
        grow(to: count)
        try await refresh()
    }

    /// Lets `body` follow the log of each lane, until the task is cancelled. Where it fails, that is told, and it begins anew.
    func followLogs(
        or problem: Logger.Message, _ logger: Logger, _ body: @escaping @Sendable (LaneLog) async throws -> Void
    ) async {
        await each { lane in
            while !Task.isCancelled {
                do {
                    guard let log = self.log(of: lane) else { return }
                    try await log.followed { try await body(log) }
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning(problem, metadata: ["lane": "\(lane)", "error": "\(error)"])
                    try? await Task.sleep(for: Self.interval)
                }
            }
        }
    }

    /// Lets `body` look after each lane at once, those that are added later included, until the task is cancelled.
    func each(_ body: @escaping @Sendable (String) async -> Void) async {
        await withDiscardingTaskGroup { group in
            var known = 0
            while let ids = try? await more(than: known) {
                for id in ids[known...] { group.addTask { await body(id) } }
                known = ids.count
            }
        }
    }

    /// Waits until there are more lanes than `count`.
    ///
    /// - Returns: all of them.
    /// - Throws: `CancellationError`.
    func more(than count: Int) async throws -> [String] {
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            state.waiting[state.nextWaiter] = arrival
            return state.nextWaiter
        }
        defer { state.withLock { $0.waiting[waiter] = nil } }
        while true {
            let ids = ids
            if ids.count > count { return ids }
            for await _ in arrivals { break }
            try Task.checkCancellation()
        }
    }

    /// Looks for lanes that others add, and lets the logs of all be read, until the service stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepUp() }
                await self.each { try? await self.log(of: $0)?.run() }
                group.cancelAll()
            }
        }
    }

    private func keepUp() async {
        while !Task.isCancelled {
            do {
                try await refresh()
            } catch {
                logger.warning("cannot look for new lanes", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Tells Redis how many are known here, and learns how many there are.
    func refresh() async throws {
        let stored = try await store.send("ZSCORE", store.keys.lanes, "count").double.flatMap { Int(exactly: $0) } ?? 0
        grow(to: min(stored, Self.limit))
        let known = ids.count
        // Only where there is something to tell: a full Redis takes no write.
        if known > stored { try await store.send("ZADD", store.keys.lanes, "GT", known, "count") }
    }

    private func grow(to count: Int) {
        state.withLock { state in
            guard count > state.lanes.count else { return }
            for number in state.lanes.count..<count {
                let id = String(number)
                state.lanes.append(
                    (
                        id, LaneLog(lane: id, store: store, logger: logger),
                        EnqueueGroup(queue: LaneQueue(lane: id, store: store))
                    ))
            }
            for waiter in state.waiting.values { waiter.yield() }
        }
    }

    private func find(_ lane: String) -> (id: String, log: LaneLog, group: EnqueueGroup)? {
        guard let number = Int(lane) else { return nil }
        return state.withLock { state in
            state.lanes.indices.contains(number) && state.lanes[number].id == lane ? state.lanes[number] : nil
        }
    }
}
