// Counts and measures what happens in the queue, as its event logs tell it. Every replica has such a watch; one of them is on duty.

import AnalysisAPI
import Foundation
import Jobs
import Logging
import Metrics
import Redis
import ServiceLifecycle
import Synchronization

/// Follows all lanes while it is on duty, and counts what happens from then on: metrics of this process, and figures of the day.
///
/// What happens while the duty goes from one replica to another is not counted.
struct QueueWatch: Service {
    let lanes: Lanes
    let store: Store
    let dispatcher: Dispatcher
    let logger: Logger

    /// How long the duty is held without being renewed.
    private static let term = Duration.seconds(6)
    private static let interval = Duration.seconds(2)
    /// How often what waits is counted anew.
    private static let recount = Duration.seconds(60)

    func run() async throws {
        await Duty(key: store.keys.watch, term: Self.term, store: store).serve(every: Self.interval) {
            await withDiscardingTaskGroup { group in
                group.addTask { await attend() }
                await lanes.followLogs(or: "cannot watch a lane", logger) { try await follow($0) }
            }
        }
    }

    /// Counts workers that begin, and the time in which there is one.
    private func attend() async {
        var attendance = Attendance(known: (try? await dispatcher.registeredWorkers().map(\.id)) ?? [])
        var last = ContinuousClock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard let workers = try? await dispatcher.registeredWorkers().map(\.id) else { continue }
            let now = ContinuousClock.now
            let noted = attendance.note(workers, elapsed: now - last)
            last = now
            Counter(label: "analysis_worker_starts_total").increment(by: noted.started)
            guard let lane = lanes.ids.first else { continue }
            let figures = [("workers_started", Int64(noted.started)), ("attended_ms", noted.attendedMs)]
            try? await store.addToDay(figures, lane: lane)
        }
    }

    private func follow(_ log: LaneLog) async throws {
        var (cursor, standing) = try await standing(of: log.lane)
        var watch = LaneWatch(standing)
        var counted = ContinuousClock.now
        var correction: (at: LogCursor, LaneWatch.Standing)?
        while true {
            guard let entries = try await log.entries(after: cursor) else {
                // So much happened meanwhile that the log does not reach back.
                (cursor, standing) = try await self.standing(of: log.lane)
                watch = LaneWatch(standing)
                continue
            }
            var figures: [(String, Int64)] = []
            for entry in entries {
                if let due = correction, due.at < entry.cursor {
                    watch.correct(due.1)
                    correction = nil
                }
                for finding in watch.apply(entry.event, from: entry.from) {
                    finding.record()
                    figures += finding.figures
                }
                cursor = entry.cursor
            }
            try await store.addToDay(figures, lane: log.lane)
            if ContinuousClock.now - counted > Self.recount {
                correction = try await self.standing(of: log.lane)
                counted = .now
            }
            // Nobody waits for it.
            if entries.count < LaneLog.batch { try await Task.sleep(for: LaneLog.pause) }
        }
    }

    /// What waits and runs, and the last event before that.
    private func standing(of lane: String) async throws -> (LogCursor, LaneWatch.Standing) {
        func key(_ key: LaneKey) -> RedisArgument { RedisArgument(store.keys.lane(lane, key)) }
        let replies = try await store.pipeline([
            ["MULTI"], ["XREVRANGE", key(.log), "+", "-", "COUNT", 1], ["HGETALL", key(.counts)],
            ["GET", key(.running)], ["EXISTS", key(.pause)], ["HKEYS", key(.breakers)], ["EXEC"],
        ])
        guard let read = replies.last?.elements, read.count == 5 else {
            throw QueueError.corrupt("EXEC has no replies")
        }
        let counts = read[1].map ?? [:]
        var standing = LaneWatch.Standing(
            isPaused: read[3].int == 1, openBreakers: Set((read[4].elements ?? []).compactMap(\.text)))
        for priority in Priority.known {
            standing.waiting[priority] = Int(counts["waiting_\(priority.name)"]?.int ?? 0)
        }
        if let id = read[2].text {
            standing.running = try await JobReader(lane: lane, store: store).jobs(ids: [id]).first
        }
        return (LaneLog.cursor(ofFirst: read[0]), standing)
    }
}

/// Which workers have been seen, and whether there was one.
struct Attendance: Hashable, Sendable {
    private var known: Set<String>

    /// - Parameter known: those that are no news.
    init(known: [String]) { self.known = Set(known) }

    /// - Parameter elapsed: since the last look.
    mutating func note(_ workers: [String], elapsed: Duration) -> (started: Int, attendedMs: Int64) {
        let started = Set(workers).subtracting(known)
        // Ids are random, so one that has gone does not come back.
        known = Set(workers)
        return (started.count, workers.isEmpty ? 0 : elapsed.milliseconds)
    }
}

extension LaneWatch.Finding {
    /// What the finding adds to the figures of the day.
    var figures: [(String, Int64)] {
        switch self {
        case .clicked(let ms):
            [("clicks", 1)] + (ms <= LaneWatch.promptMs ? [("clicks_in_time", 1)] : [])
        case .recovered(let ms): [("recoveries", 1), ("recovery_ms", ms)]
        default: []
        }
    }

    func record() {
        switch self {
        case .claimed(let priority):
            Counter(label: "analysis_queue_claims_total", dimensions: priority.label).increment()
        case .waited(let priority, let ms):
            Timer(label: "analysis_queue_wait_duration_seconds", dimensions: priority.label).recordMilliseconds(ms)
        case .clicked(let ms): Timer(label: "analysis_queue_click_duration_seconds").recordMilliseconds(ms)
        case .preempted(let priority, let ms):
            Counter(label: "analysis_queue_preemptions_total", dimensions: priority.label).increment()
            if let ms { Timer(label: "analysis_queue_preemption_duration_seconds").recordMilliseconds(ms) }
        case .inverted(let ms):
            FloatingPointCounter(label: "analysis_queue_priority_inversion_seconds_total")
                .increment(by: Double(ms) / 1000)
        case .ended(let type, let state, let ms):
            Counter(
                label: "analysis_queue_jobs_ended_total", dimensions: [("type", type.name), ("outcome", state.name)]
            ).increment()
            if let ms {
                Timer(label: "analysis_queue_job_duration_seconds", dimensions: [("type", type.name)])
                    .recordMilliseconds(ms)
            }
        case .songs(let outcome, let count):
            Counter(label: "analysis_queue_songs_total", dimensions: [("outcome", outcome.rawValue)])
                .increment(by: count)
        case .rated(let thumb):
            guard let name = thumb.name else { return }
            Counter(label: "analysis_ratings_total", dimensions: [("thumb", name)]).increment()
        case .workerLost: Counter(label: "analysis_queue_workers_lost_total").increment()
        case .recovered(let ms): Timer(label: "analysis_queue_recovery_duration_seconds").recordMilliseconds(ms)
        }
    }
}

extension Priority {
    fileprivate var label: [(String, String)] { [("class", name)] }
}
