// The typed callers of the scripts that move jobs: one lane's queue.

import AnalysisAPI
import Jobs
import RPC
import Redis

/// What the worker that holds a lane should be told.
struct Hint: Hashable, Sendable {
    enum Kind: String {
        case none
        /// The lane is idle and has jobs that wait.
        case wake
        /// A job of a higher class waits.
        case preempt
        /// The running job was paused.
        case pause
        /// The running job was cancelled.
        case discard
    }

    let lane: String
    let kind: Kind
    /// Who holds the lane; empty: nobody.
    let worker: String
    /// What runs there; empty unless the hint is about it.
    let jobID: String
    let epoch: UInt64

    init(lane: String, reply: RedisValue?) throws {
        guard let reply = reply?.elements, reply.count == 4, let kind = Kind(rawValue: reply[0].text ?? ""),
            let worker = reply[1].text, let jobID = reply[2].text, let epoch = reply[3].int
        else { throw QueueError.corrupt("a script's hint is not understood") }
        (self.lane, self.kind, self.worker, self.jobID, self.epoch) = (
            lane, kind, worker, jobID, UInt64(clamping: epoch)
        )
    }

    var command: WorkerCommand? {
        switch kind {
        case .none: nil
        case .wake: WorkerCommand(command: .wake(Wake(lane: lane)))
        case .preempt: WorkerCommand(command: .preempt(Preempt(lane: lane, epoch: epoch, jobID: jobID)))
        case .pause: WorkerCommand(command: .preempt(Preempt(lane: lane, epoch: epoch, pause: true, jobID: jobID)))
        case .discard: WorkerCommand(command: .discard(Discard(lane: lane, jobID: jobID, epoch: epoch)))
        }
    }
}

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

        /// How many jobs and songs it has.
        var size: Int { targets.reduce(0) { $0 + 1 + $1.songs.count } }

        fileprivate var arguments: [RedisArgument] {
            [RedisArgument(userID), RedisArgument(idempotencyKey), RedisArgument(targets.count)]
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

    enum Exchanged: Sendable {
        case idle
        /// The claim passed many songs that need no analysis; it goes on with another call.
        case again
        /// The same, once `PreferenceStore.refresh` was told.
        case stale(userID: String, preferences: [UInt8])
        /// - Parameter mark: the analyzers whose results of the song are stored.
        case run(JobRecord, song: Song, mark: String)
    }

    /// Records what became of the item that a worker ran, and claims the next one.
    ///
    /// - Parameters:
    ///   - highlights: one for each result of the report, in order.
    ///   - sound: what the song sounds like, where the report tells; nil: what was known stays.
    ///   - nextClaim: what names the next item; nil: takes none.
    ///   - jitter: the share of its longest delay after which a song that failed is tried again; nil: any.
    /// - Throws: `QueueError.stale` where the worker does not hold the lane, or not the item.
    func exchange(
        worker: String, lease: [UInt8], item: ItemReport?, highlights: [[UInt8]], sound: SongSound? = nil,
        nextClaim: [UInt8]?, jitter: Double? = nil
    ) async throws -> Exchanged {
        var outcome = "none"
        var failure = Failed()
        var results: [AnalysisResult] = []
        switch item?.outcome {
        case .analysed(let analysed):
            results = analysed.results
            outcome = !results.isEmpty && results.allSatisfy { item?.credits($0) == true } ? "credited" : "analysed"
        case .failed(let failed): (outcome, failure, results) = ("failed", failed, failed.results)
        case .suspended: outcome = "suspended"
        case .released: outcome = "released"
        case nil: break
        }
        var arguments: [RedisArgument] = [
            RedisArgument(worker), RedisArgument(lease), RedisArgument(outcome), RedisArgument(item?.jobID ?? ""),
            RedisArgument(item?.epoch ?? 0), RedisArgument(item?.claim ?? []), RedisArgument(nextClaim ?? []),
            RedisArgument(failure.reason), RedisArgument(failure.kind.mayPass ? 1 : 0),
            RedisArgument(failure.kind.isOfTheAnalyzer ? failure.analyzer : ""),
            RedisArgument(failure.kind.mayPass ? "\(jitter ?? .random(in: 0..<1))" : "1"),
            RedisArgument(results.map(\.createdAtMs).min() ?? 0),
            RedisArgument(sound?.landmarks ?? "-"), RedisArgument(sound?.twins.count ?? 0),
        ]
        for twin in sound?.twins ?? [] {
            arguments += [RedisArgument("\(twin.bitErrorRate)"), RedisArgument(twin.songID)]
        }
        for (result, highlights) in zip(results, highlights) {
            arguments += [
                RedisArgument(result.analyzer?.name ?? ""), RedisArgument(result.analyzer?.version ?? ""),
                RedisArgument(result.stored), RedisArgument(highlights),
                RedisArgument(result.identity?.fileHash.hexadecimal ?? ""),
                RedisArgument(result.identity?.audioHash.hexadecimal ?? ""),
                RedisArgument(item?.credits(result) == true ? 1 : 0),
            ]
        }
        let parts = try await store.run(\.exchange, lane: lane, arguments).elements ?? []
        switch parts.first?.text {
        case "idle": return .idle
        case "again": return .again
        case "stale" where parts.count == 3:
            return .stale(userID: parts[1].text ?? "", preferences: parts[2].bytes ?? [])
        case "run" where parts.count == 4:
            return .run(
                try JobRecord(pairs: parts[1], lane: lane), song: try Song(stored: parts[2].bytes ?? []),
                mark: parts[3].text ?? ""
            )
        default: throw QueueError.corrupt("the reply of exchange is not understood")
        }
    }

    /// The song that an item is about; nil where it does not run any more.
    func song(of item: ItemReport) async throws -> SongName? {
        let key = store.keys.lane(lane, .job, item.jobID)
        let values = try await store.send("HMGET", key, "claim", "user_id", "song_id").elements ?? []
        guard values.count == 3, values[0].bytes == item.claim, let userID = values[1].text, let songID = values[2].text
        else { return nil }
        return SongName(userID: userID, songID: songID)
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

    enum Held: Sendable {
        /// Another worker holds the lane.
        case taken
        /// - Parameters:
        ///   - isNew: false where the worker held the lane with this lease already.
        ///   - kept: the items that the worker goes on with; it drops the others.
        case held(isNew: Bool, hint: Hint, kept: [HeldItem])
    }

    /// Gives the lane to a worker for a while, or more time to the worker that holds it.
    ///
    /// - Parameters:
    ///   - lanes: how many there are, which share the site's songs an hour.
    ///   - background: what holds back the background work of the lane for that time; nil: nothing.
    func hold(
        worker: String, lease: [UInt8], length: Duration, items: [HeldItem], lanes: Int = 1,
        background: BackgroundHold? = nil
    ) async throws -> Held {
        let reply = try await store.run(
            \.hold, lane: lane,
            [
                RedisArgument(worker), RedisArgument(lease), RedisArgument(length.milliseconds),
                RedisArgument(background?.reason ?? ""), RedisArgument(background?.untilMs ?? 0),
                RedisArgument(lanes),
            ]
                + items.flatMap { [RedisArgument($0.jobID), RedisArgument($0.epoch), RedisArgument($0.claim)] })
        let parts = reply.elements ?? []
        if parts.first?.text == "taken" { return .taken }
        guard parts.count == 3, let kept = parts[2].elements else {
            throw QueueError.corrupt("the reply of hold is not understood")
        }
        let ordinals = kept.compactMap(\.int).map { Int($0) - 1 }
        return .held(
            isNew: parts[0].text == "granted", hint: try Hint(lane: lane, reply: parts[1]),
            kept: ordinals.filter(items.indices.contains).map { items[$0] })
    }

    /// Ends a worker's lease, if it is still its.
    func release(worker: String, lease: [UInt8]) async throws -> Hint {
        try Hint(
            lane: lane,
            reply: try await store.run(\.release, lane: lane, [RedisArgument(worker), RedisArgument(lease)]))
    }

    /// Puts the running item back in line where the lease of the lane has expired.
    func sweep() async throws -> Hint {
        try await release(worker: "", lease: [])
    }
}

extension LaneQueue.Target {
    init(_ request: EnqueueRequest, songs: [(id: String, lengthMs: UInt64)]) {
        self.init(
            type: request.type, id: request.targetID, force: request.force, priority: request.priority, songs: songs)
    }
}

/// A song of a user.
struct SongName: Hashable, Sendable {
    let userID: String
    let songID: String
}

extension ItemReport {
    /// Whether the result was found with an identical file.
    fileprivate func credits(_ result: AnalysisResult) -> Bool { credited.contains(result.analyzer?.name ?? "") }
}

extension FailureKind {
    /// Whether another attempt may end well.
    fileprivate var mayPass: Bool { self == .crashed || self == .timedOut }

    /// Whether it may say more about the analyzer than about the song.
    fileprivate var isOfTheAnalyzer: Bool { self == .crashed || self == .timedOut || self == .limit }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
