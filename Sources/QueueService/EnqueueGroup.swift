// Gathers what many callers ask of a lane at the same time: while Redis runs one script, the next takes all that has come
// meanwhile, as databases commit in groups. It costs Redis half of what a script for each would.

import Jobs
import RPC
import Redis
import Synchronization

final class EnqueueGroup: Sendable {
    private typealias Reply = CheckedContinuation<[LaneQueue.Enqueued], any Error>

    private struct State {
        var waiting: [(id: UInt64, request: LaneQueue.Request)] = []
        /// Of all callers, until they have been answered or have gone.
        var replies: [UInt64: Reply] = [:]
        var lastID: UInt64 = 0
        var runners = 0
    }

    /// While one script runs, the next is on its way.
    private static let scriptsAtOnce = 2
    /// How many jobs and songs one script takes, if it takes more than one request: Redis answers nobody else meanwhile.
    private static let sizeLimit = 32

    private let queue: LaneQueue
    private let state = Mutex(State())

    init(queue: LaneQueue) {
        self.queue = queue
    }

    /// As `LaneQueue.enqueue`, for one request. Who is cancelled waits no longer; the request may be carried out all the same.
    func enqueue(_ request: LaneQueue.Request) async throws -> [LaneQueue.Enqueued] {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reply in
                let isCancelled = Task.isCancelled
                let starts = state.withLock { state in
                    guard !isCancelled else { return false }
                    state.waiting.append((id, request))
                    state.replies[id] = reply
                    guard state.runners < Self.scriptsAtOnce else { return false }
                    state.runners += 1
                    return true
                }
                if isCancelled { reply.resume(throwing: CancellationError()) }
                if starts { start() }
            }
        } onCancel: {
            let reply = state.withLock { state in
                state.waiting.removeAll { $0.id == id }
                return state.replies.removeValue(forKey: id)
            }
            reply?.resume(throwing: CancellationError())
        }
    }

    private func start() {
        Task(executorPreference: queue.store.redis.executor) {
            // A caller's deadline is its own: it stops waiting, and the others get their answers.
            await Deadline.$current.withValue(nil) {
                while let requests = self.next() { await self.run(requests) }
            }
        }
    }

    /// What the next script takes; nil where nobody waits, and the runner ends.
    private func next() -> [(id: UInt64, request: LaneQueue.Request)]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.runners -= 1
                return nil
            }
            var size = 0
            let count = state.waiting.prefix { waiting in
                defer { size += waiting.request.size }
                return size == 0 || size + waiting.request.size <= Self.sizeLimit
            }.count
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
    }

    private func run(_ requests: [(id: UInt64, request: LaneQueue.Request)]) async {
        let results: [Result<[LaneQueue.Enqueued], any Error>]
        do {
            results = try await queue.enqueue(requests.map(\.request)).map { $0.mapError { $0 } }
        } catch {
            results = requests.map { _ in .failure(error) }
        }
        let replies = state.withLock { state in requests.map { state.replies.removeValue(forKey: $0.id) } }
        for (reply, result) in zip(replies, results) { reply?.resume(with: result) }
    }
}
