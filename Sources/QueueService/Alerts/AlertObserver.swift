// Looks at the queue and at Redis for what can be wrong with them.

import AnalysisAPI
import Jobs
import Redis

struct AlertObserver: Sendable {
    let analyzers: Analyzers
    let lanes: Lanes
    let store: Store
    let dispatcher: Dispatcher

    /// How many jobs at the head of a line are looked at: those that were begun already say nothing about waiting.
    private static let heads = 20
    /// How many events are read at once.
    private static let batch = 1000

    func observe(atMs: Int64) async throws -> AlertObservation {
        var observation = AlertObservation(atMs: atMs, workers: try await dispatcher.registeredWorkers())
        for lane in lanes.ids {
            var status = QueueStatus()
            try await JobReader(lane: lane, store: store).add(to: &status, userID: "")
            observation.waiting += status.pending
            observation.isPaused = observation.isPaused || status.pause != nil
            observation.breakers += status.breakers
            try await addHeads(of: lane, holdsBackground: status.hold != nil, to: &observation)
            try await addFailures(of: lane, to: &observation)
        }
        observation.memory = try await memory()
        return observation
    }

    /// Counts what the log has told since it was counted last. A lane's log that was never read is read from its end on.
    func count(into tally: inout FailureTally, atMs: Int64) async throws {
        for lane in lanes.ids {
            let key = RedisArgument(store.keys.lane(lane, .log))
            guard let start = tally.cursors[lane] else {
                let last = try await store.send(["XREVRANGE", key, "+", "-", "COUNT", 1])
                tally.cursors[lane] = last.elements?.first?.elements?.first?.text ?? "0-0"
                continue
            }
            var cursor = start
            var isMore = true
            while isMore {
                let entries =
                    try await store.send(
                        ["XRANGE", key, RedisArgument("(\(cursor)"), "+", "COUNT", RedisArgument(Self.batch)]
                    ).elements ?? []
                for entry in entries {
                    guard let parts = entry.elements, parts.count == 2, let id = parts[0].text,
                        let place = LogCursor(id), let fields = parts[1].map
                    else { continue }
                    tally.note(
                        fields["event"]?.text ?? "", userID: fields[JobField.userID.rawValue]?.text ?? "",
                        songID: fields["event_song_id"]?.text ?? "", reason: fields["event_reason"]?.text ?? "",
                        atMs: Int64(clamping: place.milliseconds))
                    cursor = id
                }
                isMore = entries.count == Self.batch
            }
            tally.cursors[lane] = cursor
        }
        tally.prune(atMs: atMs)
    }

    private func addHeads(of lane: String, holdsBackground: Bool, to observation: inout AlertObservation) async throws {
        for priority in Priority.known {
            guard let rank = priority.rank else { continue }
            let range = [
                RedisArgument(JobOrder.score(rank: rank, sequence: 0)),
                RedisArgument("(\(UInt64(rank + 1) * JobOrder.classWidth)"), "BYSCORE", "LIMIT", 0,
                RedisArgument(Self.heads),
            ]
            // What a quiet hour holds back waits as it should.
            let lines: [LaneKey] = holdsBackground ? [.ready] : [.ready, .readyBackground]
            let replies = try await store.pipeline(
                lines.map { ["ZRANGE", RedisArgument(store.keys.lane(lane, $0))] + range })
            let jobs = try await JobReader(lane: lane, store: store)
                .jobs(ids: replies.flatMap { $0.elements ?? [] }.compactMap(\.text))
            for job in jobs where job.epoch == 0 && job.createdAtMs > 0 {
                observation.oldestMs[priority] = min(observation.oldestMs[priority] ?? .max, job.createdAtMs)
            }
        }
    }

    private func addFailures(of lane: String, to observation: inout AlertObservation) async throws {
        let names = analyzers.enabled.map(\.name)
        let replies = try await store.pipeline(
            names.map { ["SCARD", RedisArgument(store.keys.lane(lane, .breakerSongs, $0))] })
        for (name, reply) in zip(names, replies) {
            observation.failingSongs[name] = max(observation.failingSongs[name] ?? 0, Int(reply.int ?? 0))
        }
    }

    /// Of a cluster, that of one node.
    private func memory() async throws -> (used: Double, limit: Double)? {
        let info = try await store.send("INFO", "memory").text ?? ""
        var fields: [Substring: Double] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = Double(parts[1]) }
        }
        guard let used = fields["used_memory"] else { return nil }
        let limit = fields["maxmemory"].flatMap { $0 > 0 ? $0 : nil } ?? fields["total_system_memory"] ?? 0
        return (used, limit)
    }
}
