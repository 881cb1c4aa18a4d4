// A queue's keys in the Redis that the tests share, without the services around them.

import AnalysisAPI
import Jobs
import Redis
import TestSupport
import Testing

@testable import QueueService

/// Lends a store with keys of its own.
func withStore(
    on redis: RedisKind = .standard, limits: QueueLimits = QueueLimits(),
    _ body: @Sendable (Store) async throws -> Void
) async throws {
    try await redis.shared().withClient { redis in
        try await body(
            Store(
                redis: redis, keys: Keys(prefix: RedisServer.uniquePrefix()),
                scripts: Scripts(analyzers: .builtIn, limits: limits)))
    }
}

/// The first lane, with user `u`, whose playlist `p` has the songs s0 to s4 of s0 to s9, each a second long.
func withLane(
    on redis: RedisKind = .standard, limits: QueueLimits = QueueLimits(),
    _ body: @Sendable (TestLane) async throws -> Void
) async throws {
    try await withStore(on: redis, limits: limits) { store in
        let lane = TestLane(queue: LaneQueue(lane: "0", store: store))
        try await lane.fill(user: "u")
        try await body(lane)
    }
}

/// One lane with a worker that does as the test says.
struct TestLane: Sendable {
    let queue: LaneQueue
    let lease: [UInt8] = Array("lease".utf8)

    var store: Store { queue.store }
    static let songs = (0..<10).map { "s\($0)" }
    static let results = [
        AnalysisResult(analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array("{}".utf8))
    ]

    func fill(user: String) async throws {
        var arguments: [RedisArgument] = [RedisArgument(user), RedisArgument(Self.songs.count)]
        for id in Self.songs {
            arguments += [RedisArgument(id), 1000, RedisArgument(Song(id: id, title: id, durationMs: 1000).stored), 0]
        }
        arguments +=
            ["p", RedisArgument(Playlist(id: "p", name: "P").stored), 5] + Self.songs[..<5].map { RedisArgument($0) }
        _ = try await store.run(\.upsert, lane: queue.lane, arguments)
    }

    func enqueue(
        _ type: JobType, _ target: String = "", force: Bool = false, user: String = "u",
        priority: Priority = .unspecified,
        key: String = ""
    ) async throws -> LaneQueue.Enqueued {
        try await queue.enqueue(
            EnqueueRequest(
                userID: user, type: type, targetID: target, force: force, priority: priority, idempotencyKey: key),
            songs: type == .background ? Self.songs.map { ($0, 1000) } : [])
    }

    @discardableResult
    func hold(
        _ worker: String = "w", items: [HeldItem] = [], background: BackgroundHold? = nil
    ) async throws -> LaneQueue.Held {
        try await queue.hold(
            worker: worker, lease: lease, length: .seconds(60), items: items, background: background)
    }

    /// Reports an item and claims the next; nil where there is none.
    func exchange(
        _ item: Item? = nil, _ outcome: ItemReport.Outcome? = nil, credited: [String] = [], sound: SongSound? = nil,
        claims: Bool = true, jitter: Double = 0.5
    ) async throws -> Item? {
        let report = item.map {
            ItemReport(
                jobID: $0.job.id, epoch: $0.job.epoch, claim: $0.claim, outcome: outcome, credited: credited)
        }
        let exchanged = try await queue.exchange(
            worker: "w", lease: lease, item: report,
            highlights: Array(repeating: Array("{}".utf8), count: report?.results.count ?? 0), sound: sound,
            nextClaim: claims ? randomBytes(16) : nil, jitter: jitter)
        guard case .run(let record, let song, _) = exchanged else { return nil }
        return Item(job: record.job, claim: record.claim, song: song)
    }

    /// Analyses until nothing waits.
    ///
    /// - Returns: the songs analysed, in order, each with its job.
    func drain(from item: Item? = nil) async throws -> [String] {
        var done: [String] = []
        var next = item
        if next == nil { next = try await exchange() }
        while let item = next {
            done.append("\(item.job.id) \(item.song.id)")
            next = try await exchange(item, .analysed(Analysed(results: Self.results)))
        }
        return done
    }

    func job(_ id: String) async throws -> Job { try await JobReader(lane: "0", store: store).job(id, userID: "") }

    func list(_ request: ListJobsRequest) async throws -> ListJobsReply {
        try await JobList(request: request, lanes: ["0"], store: store).page()
    }

    func status() async throws -> QueueStatus {
        var status = QueueStatus()
        try await JobReader(lane: "0", store: store).add(to: &status, userID: "")
        return status
    }

    func events() async throws -> [Event] {
        try await (store.send("XRANGE", store.keys.lane("0", .log), "-", "+").elements ?? []).map {
            try Event(lane: "0", entry: $0)
        }
    }
}

struct Item: Equatable, Sendable {
    let job: Job
    let claim: [UInt8]
    let song: Song

    var held: HeldItem { HeldItem(lane: "0", jobID: job.id, epoch: job.epoch, claim: claim, running: true) }
}
