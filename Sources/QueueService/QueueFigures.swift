// The figures of the queue that are only known by looking: recorded just before somebody is told the metrics.

import AnalysisAPI
import Jobs
import Logging
import Metrics
import Redis
import Synchronization

/// Counters and heads of lines, whatever their length. All replicas see the same.
final class QueueFigures: Sendable {
    private let lanes: Lanes
    private let store: Store
    private let dispatcher: Dispatcher
    private let users: UserCounts
    private let logger: Logger
    /// The workers of whom something was told last.
    private let told = Mutex<[String: Gauge]>([:])

    init(lanes: Lanes, store: Store, dispatcher: Dispatcher, users: UserCounts, logger: Logger) {
        self.lanes = lanes
        self.store = store
        self.dispatcher = dispatcher
        self.users = users
        self.logger = logger
    }

    /// What cannot be found out stays as it was told last.
    func record() async {
        do {
            try await recordJobs()
            try await recordOldest()
            recordWorkers(try await dispatcher.registeredWorkers())
            try await recordMemory()
            let users = try await users.current()
            Gauge(label: "analysis_users").record(users.all)
            Gauge(label: "analysis_users_with_background_analysis").record(users.withBackgroundAnalysis)
        } catch {
            logger.debug("cannot look at the queue", metadata: ["error": "\(error)"])
        }
    }

    private func recordJobs() async throws {
        var status = QueueStatus()
        for lane in lanes.ids { try await JobReader(lane: lane, store: store).add(to: &status, userID: "") }
        for (state, count) in [
            (JobState.pending, status.pending), (.inProgress, status.inProgress), (.paused, status.paused),
            (.scheduled, status.scheduled),
        ] { Gauge(label: "analysis_queue_jobs", dimensions: [("state", state.name)]).record(count) }
        for (priority, count) in [
            (Priority.high, status.waitingHigh), (.medium, status.waitingMedium), (.low, status.waitingLow),
        ] { Gauge(label: "analysis_queue_waiting_jobs", dimensions: [("class", priority.name)]).record(count) }
        Gauge(label: "analysis_queue_waiting_audio_seconds").record(Double(status.audioMsWaiting) / 1000)
        Gauge(label: "analysis_queue_paused").record(status.pause == nil ? 0 : 1)
        Gauge(label: "analysis_queue_open_breakers").record(status.breakers.count)
    }

    /// Of each class, since when the first in line waits: the one that was asked for first.
    private func recordOldest() async throws {
        var oldest: [Priority: Int64] = [:]
        for lane in lanes.ids {
            for job in try await heads(of: lane) {
                oldest[job.priority] = min(oldest[job.priority] ?? .max, job.createdAtMs)
            }
        }
        for priority in Priority.known {
            let seconds = oldest[priority].map { Double(max(Int64.now - $0, 0)) / 1000 } ?? 0
            Gauge(label: "analysis_queue_oldest_waiting_seconds", dimensions: [("class", priority.name)]).record(
                seconds)
        }
    }

    private func heads(of lane: String) async throws -> [Job] {
        let replies = try await store.pipeline(
            [LaneKey.ready, .readyBackground].flatMap { line in
                Priority.known.indices.map { rank in
                    [
                        "ZRANGE", RedisArgument(store.keys.lane(lane, line)),
                        RedisArgument(Int64(JobOrder.score(rank: rank, sequence: 0))),
                        RedisArgument("(\(Int64(JobOrder.score(rank: rank + 1, sequence: 0)))"), "BYSCORE", "LIMIT", 0,
                        1,
                    ]
                }
            })
        return try await JobReader(lane: lane, store: store)
            .jobs(ids: replies.compactMap { $0.elements?.first?.text })
    }

    private func recordWorkers(_ workers: [WorkerStatus]) {
        Gauge(label: "analysis_workers").record(workers.count)
        told.withLock { told in
            for id in told.keys where !workers.contains(where: { $0.id == id }) {
                told.removeValue(forKey: id)?.destroy()
            }
            for worker in workers {
                let gauge =
                    told[worker.id]
                    ?? Gauge(label: "analysis_worker_heartbeat_age_seconds", dimensions: [("worker", worker.id)])
                gauge.record(Double(max(Int64.now - worker.heartbeatAtMs, 0)) / 1000)
                told[worker.id] = gauge
            }
        }
    }

    private func recordMemory() async throws {
        let fields = try await store.send("INFO", "memory").text?.infoFields ?? [:]
        for (field, label) in [
            ("used_memory", "analysis_redis_memory_used_bytes"), ("maxmemory", "analysis_redis_memory_limit_bytes"),
        ] {
            if let bytes = fields[field].flatMap({ Int64($0) }) { Gauge(label: label).record(bytes) }
        }
    }
}

/// How many users there are, counted anew now and then: it takes a look at each.
actor UserCounts {
    struct Counts: Sendable {
        var all: UInt64 = 0
        var withBackgroundAnalysis: UInt64 = 0
    }

    private let accounts: Accounts
    private let age: Duration
    private var counted: (counts: Counts, at: ContinuousClock.Instant)?

    /// - Parameter age: how old an answer may be.
    init(accounts: Accounts, age: Duration = .seconds(60)) {
        self.accounts = accounts
        self.age = age
    }

    func current() async throws -> Counts {
        if let counted, counted.counts.all > 0, counted.at + age > .now { return counted.counts }
        var counts = Counts()
        var request = ListUsersRequest(limit: 1000)
        repeat {
            let page = try await accounts.list(request)
            counts.all += UInt64(page.users.count)
            counts.withBackgroundAnalysis += UInt64(page.users.count { $0.autoAnalysis })
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
        counted = (counts, .now)
        return counts
    }
}
