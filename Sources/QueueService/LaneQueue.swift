// The typed callers of the scripts that move jobs: one lane's queue.

import AnalysisAPI
import Instrumentation
import Jobs
import RPC
import Redis

/// The jobs of one lane.
struct LaneQueue: Sendable {
    let lane: String
    let store: Store

    /// How many jobs one script cancels or replays.
    private static let changesAtOnce = 200

    struct Enqueued: Sendable {
        /// Nil: there was nothing to analyse.
        let job: Job?
        let queued: UInt32
        let existing: Bool
        let hint: Hint
    }

    /// One wish of a request.
    struct Target: Sendable {
        let type: JobType
        let id: String
        let force: Bool
        /// Unspecified: that of the type.
        let priority: Priority
        /// For background work, the songs to analyse in order, with their lengths.
        var songs: [(id: String, lengthMs: UInt64)] = []

        fileprivate var arguments: [RedisArgument] {
            [
                RedisArgument(type.name), RedisArgument(id), RedisArgument(force ? 1 : 0),
                RedisArgument(priority.rank.map { "\($0)" } ?? ""), RedisArgument(songs.count),
            ] + songs.map { RedisArgument("\($0.lengthMs) \($0.id)") }
        }
    }

    /// What one caller asks for.
    struct Request: Sendable {
        let userID: String
        /// Names the request; empty: nothing does.
        let idempotencyKey: String
        let targets: [Target]
        /// Stays with the jobs that it makes.
        var traceparent = ServiceContext.traceparent

        /// How many jobs and songs it has.
        var size: Int { targets.reduce(0) { $0 + 1 + $1.songs.count } }

        fileprivate var arguments: [RedisArgument] {
            [
                RedisArgument(userID), RedisArgument(idempotencyKey), RedisArgument(traceparent),
                RedisArgument(targets.count),
            ]
                + targets.flatMap(\.arguments)
        }
    }

    /// Makes a job of each target, or finds the one that does the same already; of all targets of a request or, where it is
    /// refused, of none.
    ///
    /// - Returns: for each request what became of its targets, in order, each with the lane's hint after all of them.
    func enqueue(_ requests: [Request]) async throws -> [Result<[Enqueued], QueueError>] {
        let reply = try await store.run(\.enqueue, lane: lane, requests.flatMap(\.arguments))
        let parts = reply.elements ?? []
        guard parts.count == requests.count + 1 else {
            throw QueueError.corrupt("the reply of enqueue is not understood")
        }
        let hint = try Hint(lane: lane, reply: parts[0])
        return try parts.dropFirst().map { part in
            if let refusal = part.text { return .failure(QueueError(refusal: refusal)) }
            return .success(
                try (part.elements ?? []).map { part in
                    guard let values = part.elements, values.count >= 2, let queued = values[0].int,
                        let existing = values[1].int
                    else { throw QueueError.corrupt("the reply of enqueue is not understood") }
                    return Enqueued(
                        job: values.count > 2 ? try JobRecord(pairs: values[2], lane: lane).job : nil,
                        queued: UInt32(clamping: queued), existing: existing != 0, hint: hint)
                })
        }
    }

    /// The same for one request.
    func enqueue(_ targets: [Target], userID: String, idempotencyKey: String) async throws -> [Enqueued] {
        let request = Request(userID: userID, idempotencyKey: idempotencyKey, targets: targets)
        return try await enqueue([request])[0].get()
    }

    /// Makes a job, or finds the one that does the same already.
    ///
    /// - Parameter songs: for background work, the songs to analyse in order, with their lengths.
    func enqueue(_ request: EnqueueRequest, songs: [(id: String, lengthMs: UInt64)] = []) async throws -> Enqueued {
        let enqueued = try await enqueue(
            [Target(request, songs: songs)], userID: request.userID, idempotencyKey: request.idempotencyKey)
        guard let first = enqueued.first else { throw QueueError.corrupt("the reply of enqueue is not understood") }
        return first
    }

    /// Cancels, pauses or resumes a job.
    ///
    /// - Parameter userID: whose it must be; empty: anybody's.
    func change(jobID: String, userID: String, event: JobEvent) async throws -> (job: Job, hint: Hint) {
        try await change([RedisArgument(userID), RedisArgument(jobID), RedisArgument(event.rawValue)])
    }

    /// Replays a job that failed; has the songs of another one that failed tried again at once.
    func retry(jobID: String, userID: String) async throws -> (job: Job, hint: Hint) {
        try await change([RedisArgument(userID), RedisArgument(jobID), "retried"])
    }

    /// Stores what its user thinks of a job that has ended; nil: what was said is taken back.
    func rate(jobID: String, userID: String, thumb: String?, comment: String) async throws -> Job {
        let arguments = [userID, jobID, thumb ?? "", comment].map { RedisArgument($0) }
        return try JobRecord(pairs: try await store.run(\.rate, lane: lane, arguments), lane: lane).job
    }

    /// Moves a job to another class, where it has the place of its sequence.
    ///
    /// - Parameter rank: the class as a number (`Priority.rank`).
    func reprioritise(jobID: String, userID: String, rank: Int) async throws -> (job: Job, hint: Hint) {
        try await change([RedisArgument(userID), RedisArgument(jobID), "reprioritised", RedisArgument(rank)])
    }

    private func change(_ arguments: [RedisArgument]) async throws -> (job: Job, hint: Hint) {
        let parts = try await store.run(\.change, lane: lane, arguments).elements ?? []
        guard parts.count == 2 else { throw QueueError.corrupt("the reply of change is not understood") }
        return (try JobRecord(pairs: parts[0], lane: lane).job, try Hint(lane: lane, reply: parts[1]))
    }

    /// Cancels or replays all jobs that `event` is legal for, a few at a time, so that others are served meanwhile.
    ///
    /// - Parameters:
    ///   - userID: whose; empty: everybody's.
    ///   - type: unspecified: all.
    ///   - visit: is given the jobs changed, with the lane's hint, as they are.
    func changeAll(
        userID: String, type: JobType, event: JobEvent, visit: ([Job], Hint) -> Void
    ) async throws {
        var from = "-inf"
        var offset: Int64 = 0
        while !from.isEmpty {
            let reply = try await store.run(
                \.changeAll, lane: lane,
                [
                    RedisArgument(userID), RedisArgument(type == .unspecified ? "" : type.name),
                    RedisArgument(event.rawValue), RedisArgument(from), RedisArgument(offset),
                    RedisArgument(Self.changesAtOnce),
                ])
            guard let parts = reply.elements, parts.count == 4, let next = parts[1].text, let place = parts[2].int,
                let jobs = parts[3].elements
            else { throw QueueError.corrupt("the reply of change_all is not understood") }
            visit(try jobs.map { try JobRecord(pairs: $0, lane: lane).job }, try Hint(lane: lane, reply: parts[0]))
            (from, offset) = (next, place)
        }
    }

    /// Removes what a user has set about background work, and what of it has not been enqueued.
    func forgetBackground(of userID: String) async throws {
        for key in [LaneKey.userBacklog, .userPreferences, .userPace] {
            try await store.send("DEL", store.keys.lane(lane, key, userID))
        }
    }

    /// Removes all of a user's jobs that have ended.
    func forgetEnded(of userID: String) async throws {
        while try await expire(userID: userID) > 0 {}
    }

    /// Removes some of the jobs that ended, as long ago as is configured or, of one user, at any time.
    ///
    /// - Parameter userID: nil: everybody's.
    /// - Returns: how many; 0 where none is left.
    func expire(userID: String? = nil) async throws -> Int64 {
        let arguments = [RedisArgument(Self.changesAtOnce), RedisArgument(userID ?? "")]
        return try await store.run(\.expire, lane: lane, arguments).int ?? 0
    }

    /// Stops all claims, in place of a pause that there may be.
    ///
    /// - Parameter by: who asks for it, for people.
    func pause(_ request: PauseQueueRequest, by: String) async throws -> Hint {
        let arguments: [RedisArgument] = [
            1, RedisArgument(request.reason), RedisArgument(by), RedisArgument(request.seconds),
            RedisArgument(request.freeze ? 1 : 0),
        ]
        return try Hint(lane: lane, reply: try await store.run(\.pause, lane: lane, arguments))
    }

    /// Ends the pause of all claims, if there is one.
    func resume(reason: String) async throws -> Hint {
        try Hint(
            lane: lane, reply: try await store.run(\.pause, lane: lane, [0, RedisArgument(reason), "", 0, 0]))
    }
}

extension LaneQueue.Target {
    init(_ request: EnqueueRequest, songs: [(id: String, lengthMs: UInt64)]) {
        self.init(
            type: request.type, id: request.targetID, force: request.force, priority: request.priority, songs: songs)
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
