// Reads jobs without changing them: by id, as lists, as counts. None of it walks over all jobs.

import AnalysisAPI
import Jobs
import Redis

/// What can be read of one lane's jobs.
struct JobReader: Sendable {
    let lane: String
    let store: Store

    /// For so many failures a message has room.
    private static let failureBytes = 2 << 20

    /// A job with its failures; of very many, the first.
    ///
    /// - Parameter userID: whose it must be; empty: anybody's.
    func job(_ id: String, userID: String) async throws -> Job {
        let replies = try await store.pipeline([
            ["HGETALL", key(.job, id)],
            ["LRANGE", key(.jobFailures, id), 0, -1],
        ])
        guard let fields = replies[0].map, !fields.isEmpty else { throw QueueError.notFound("there is no job \(id)") }
        var job = try JobRecord(fields: fields, lane: lane).job
        guard userID.isEmpty || job.userID == userID else { throw QueueError.notFound("there is no job \(id)") }
        let failures = replies[1].elements?.compactMap(\.text) ?? []
        var room = Self.failureBytes
        for index in stride(from: 0, to: failures.count - 1, by: 2) {
            room -= failures[index].utf8.count + failures[index + 1].utf8.count
            guard room >= 0 else { break }
            job.failures.append(SongFailure(songID: failures[index], reason: failures[index + 1]))
        }
        return job
    }

    /// Those of the jobs that exist, in the order given.
    func jobs(ids: [String]) async throws -> [Job] {
        let replies = try await store.pipeline(ids.map { ["HGETALL", key(.job, $0)] })
        return try replies.compactMap { reply in
            guard let fields = reply.map, !fields.isEmpty else { return nil }
            return try JobRecord(fields: fields, lane: lane).job
        }
    }

    /// Where a job stands in line; by ranks and counters, whatever the length of the line.
    ///
    /// - Parameter userID: whose it must be; empty: anybody's.
    func position(of id: String, userID: String) async throws -> JobPosition {
        let reply = try await store.run(\.position, lane: lane, [RedisArgument(userID), RedisArgument(id)])
        let parts = reply.elements ?? []
        guard parts.count == 4, let ahead = parts[1].elements?.compactMap(\.int).map({ UInt64(clamping: $0) }),
            ahead.count == Priority.known.count, let rank = parts[2].int, let running = parts[3].text
        else { throw QueueError.corrupt("the reply of position is not understood") }
        let job = try JobRecord(pairs: parts[0], lane: lane).job
        return JobPosition(
            job: job, aheadHigh: ahead[0], aheadMedium: ahead[1], aheadLow: ahead[2],
            runningPriority: Priority(rank: Int(rank)) ?? .unspecified, runningJobID: running, pause: try await pause(),
            hold: try await hold(of: job), breakers: breakers(try await store.send("HGETALL", key(.breakers))))
    }

    /// What holds back all claims; nil where nothing does.
    func pause() async throws -> QueuePause? {
        try await QueuePause(fields: store.send(["HGETALL", key(.pause)]).map ?? [:])
    }

    /// What holds back a job of background work; nil where nothing does.
    private func hold(of job: Job) async throws -> BackgroundHold? {
        guard job.type == .background else { return nil }
        guard job.waitsFor.isEmpty else { return BackgroundHold(reason: job.waitsFor, untilMs: job.dueAtMs) }
        let replies = try await store.pipeline([["HGETALL", key(.gate)], ["PTTL", key(.pace)]])
        return BackgroundHold(gate: replies[0].map ?? [:], pace: replies[1].int ?? 0)
    }

    /// Adds the lane to a status.
    ///
    /// - Parameter userID: who may see the running job, if it is theirs; empty: an operator.
    func add(to status: inout QueueStatus, userID: String) async throws {
        let replies = try await store.pipeline([
            ["HGETALL", key(.counts)], ["GET", key(.running)], ["HGETALL", key(.pause)],
            ["HGETALL", key(.gate)], ["PTTL", key(.pace)], ["HGETALL", key(.breakers)],
        ])
        let counts = replies[0].map ?? [:]
        func count(_ name: String) -> UInt64 { UInt64(clamping: counts[name]?.int ?? 0) }
        status.pending += count(JobState.pending.name) + count(JobState.interrupted.name)
        status.inProgress += count(JobState.inProgress.name)
        status.completed += count(JobState.completed.name)
        status.failed += count(JobState.failed.name)
        status.cancelled += count(JobState.cancelled.name)
        status.paused += count(JobState.paused.name)
        status.scheduled += count(JobState.scheduled.name)
        status.waitingHigh += count("waiting_\(Priority.high.name)")
        status.waitingMedium += count("waiting_\(Priority.medium.name)")
        status.waitingLow += count("waiting_\(Priority.low.name)")
        status.audioMsWaiting += count("audio_ms_waiting")
        status.pause = status.pause ?? QueuePause(fields: replies[2].map ?? [:])
        status.hold = status.hold ?? BackgroundHold(gate: replies[3].map ?? [:], pace: replies[4].int ?? 0)
        status.breakers += breakers(replies[5])
        guard let id = replies[1].text, let job = try await jobs(ids: [id]).first, job.state == .inProgress else {
            return
        }
        if userID.isEmpty || job.userID == userID { status.running.append(job) }
    }

    private func breakers(_ stored: RedisValue) -> [CircuitBreaker] {
        (stored.map ?? [:]).compactMap { CircuitBreaker(analyzer: $0, lane: lane, stored: $1.text ?? "") }
            .sorted { $0.analyzer < $1.analyzer }
    }

    private func key(_ key: LaneKey) -> RedisArgument { RedisArgument(store.keys.lane(lane, key)) }

    private func key(_ key: LaneKey, _ id: String) -> RedisArgument { RedisArgument(store.keys.lane(lane, key, id)) }
}

extension QueuePause {
    /// What is stored of a pause; nil where it is none, or has had its time.
    fileprivate init?(fields: [String: RedisValue]) {
        guard let until = fields["until_ms"]?.int, until == 0 || until > .now else { return nil }
        self.init(
            reason: fields["reason"]?.text ?? "", by: fields["by"]?.text ?? "",
            pausedAtMs: fields["paused_at_ms"]?.int ?? 0, untilMs: until, freeze: fields["freezes"]?.int == 1)
    }
}

extension CircuitBreaker {
    /// What the scripts store of a breaker that is open; nil where it is not understood.
    fileprivate init?(analyzer: String, lane: String, stored: String) {
        let parts = stored.split(separator: " ", maxSplits: 3)
        guard parts.count == 4, let opened = Int64(parts[0]), let probe = Int64(parts[1]), let songs = UInt32(parts[2])
        else { return nil }
        self.init(
            analyzer: analyzer, lane: lane, openedAtMs: opened, probeAtMs: probe, songs: songs,
            reason: String(parts[3]))
    }
}

extension BackgroundHold {
    /// - Parameters:
    ///   - gate: what is stored of it; empty where there is none.
    ///   - pace: in how many milliseconds the next song may be begun; negative where that is at once.
    fileprivate init?(gate: [String: RedisValue], pace: Int64) {
        if let reason = gate["reason"]?.text {
            self.init(reason: reason, untilMs: gate["until_ms"]?.int ?? 0)
        } else if pace > 0 {
            self.init(reason: "songs an hour of the site", untilMs: .now + pace)
        } else {
            return nil
        }
    }
}
