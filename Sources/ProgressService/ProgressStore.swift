// Keeps what the book holds in Redis: changes are written in one pipeline at a time, at most four a second, the cursors
// behind what they cover. What is lost with a crash is told again by the log.

import AnalysisAPI
import Logging
import NIOCore
import RPC
import Redis
import ServiceLifecycle

struct ProgressStore: Service {
    let redis: RedisClient
    let keys: Keys
    let hub: ProgressHub
    let logger: Logger

    /// How long what has ended is kept, and a context that nobody asks for.
    static let retention: Duration = .seconds(24 * 3600)
    /// As long nobody is shown what was forgotten: longer than queues keep jobs, as a rule.
    static let forgottenFor: Duration = .seconds(30 * 24 * 3600)
    /// Between two writes.
    private static let interval: Duration = .milliseconds(250)
    /// What is written covers what is shown until the next write, which may take its time.
    private static let aheadMs = 500.0
    private static let retryInterval: Duration = .seconds(1)
    /// How many jobs of a user are found again by the version of their end.
    private static let maxEnded = 10_000
    /// Jobs read at a time.
    static let batchSize = 500

    /// What is kept of the last run.
    func load() async throws -> ProgressBook.Kept {
        let cursors = try await redis.send("HGETALL", keys.cursors).map ?? [:]
        let costs = try await redis.send("HGETALL", keys.costs).map ?? [:]
        let current = try await redis.send("GET", keys.currentAnalyzers).text ?? ""
        let jobs = try await jobs(try await redis.send("SMEMBERS", keys.liveJobs))
        let sets = costs.compactMapValues { $0.text.flatMap(SongCost.init(text:)) }
        var kept = ProgressBook.Kept(
            jobs: jobs, estimates: try await estimates(of: jobs.compactMap(\.job?.id)),
            cursors: cursors.compactMapValues(\.text), costs: CostModel(sets: sets, current: current),
            accuracy: try await accuracy())
        for lane in kept.cursors.keys { kept.delays[lane] = try await delays(ofLane: lane) }
        return kept
    }

    /// A job that ended, or was seen last, within the retention.
    ///
    /// - Throws: `RPCError` with `.unavailable` while Redis is away.
    func job(_ jobID: String) async throws -> ProgressView? {
        Self.view(try await reading { try await redis.send("GET", keys.job(jobID)) })
    }

    /// Leaves a mark in the place of a job, which keeps it from being shown as the queue knows it.
    ///
    /// - Throws: `RPCError` with `.unavailable` while Redis is away.
    func forget(_ jobID: String, of userID: String) async throws {
        let mark = ProgressView(context: ProgressContext(context: .jobID(jobID)), ended: true)
        _ = try await reading {
            try await redis.pipeline(
                [
                    [
                        "SET", RedisArgument(keys.job(jobID)), RedisArgument(mark.bytes), "EX",
                        RedisArgument(Self.forgottenFor.components.seconds),
                    ],
                    ["ZREM", RedisArgument(keys.endedJobs(of: userID)), RedisArgument(jobID)],
                ], isIdempotent: true)
        }
    }

    /// The jobs of a user that ended after a version, within the retention.
    ///
    /// - Throws: `RPCError` with `.unavailable` while Redis is away.
    func jobsEnded(of userID: String, since version: UInt64) async throws -> [ProgressView] {
        try await reading {
            try await jobs(try await redis.send("ZRANGEBYSCORE", keys.endedJobs(of: userID), "(\(version)", "+inf"))
        }
    }

    /// What is kept of the jobs whose ids Redis has answered.
    private func jobs(_ ids: RedisValue) async throws -> [ProgressView] {
        var ids = (ids.elements ?? []).compactMap(\.text)[...]
        var jobs: [ProgressView] = []
        while !ids.isEmpty {
            let replies = try await redis.pipeline(
                ids.prefix(Self.batchSize).map { ["GET", RedisArgument(keys.job($0))] })
            jobs += replies.compactMap(Self.view)
            ids = ids.dropFirst(Self.batchSize)
        }
        return jobs
    }

    /// A playlist or library as it was last asked about within the retention.
    ///
    /// - Throws: `RPCError` with `.unavailable` while Redis is away.
    func context(_ key: ContextKey) async throws -> (view: ProgressView, audioMs: UInt64)? {
        let fields = try await reading { try await redis.send("HGETALL", keys.context(key)) }.map ?? [:]
        guard let view = fields["view"].flatMap(Self.view), let audioMs = fields["audio_ms"]?.int else { return nil }
        return (view, UInt64(clamping: audioMs))
    }

    /// Writes what changes until it is stopped, and then what is left.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in hub.unsavedSignals {
                let interval = await save(aheadMs: Self.aheadMs) ? Self.interval : Self.retryInterval
                try? await Task.sleep(for: interval)
            }
        }
        hub.look { book, _ in book.keepAsShown() }
        _ = await save(aheadMs: 0)
    }

    private func save(aheadMs: Double) async -> Bool {
        let batch = hub.takeUnsaved(aheadMs: aheadMs)
        guard !batch.unsaved.isEmpty else { return true }
        do {
            if !batch.unsaved.removedUsers.isEmpty { try await remove(users: batch.unsaved.removedUsers) }
            // Writing the same twice leaves what writing it once leaves.
            try await redis.pipeline(commands(batch), isIdempotent: true)
            hub.prune()
            return true
        } catch {
            hub.putBack(batch)
            logger.warning("Progress is not saved for now", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func commands(_ batch: ProgressHub.Batch) -> [[RedisArgument]] {
        let seconds = RedisArgument(Self.retention.components.seconds)
        var ended: [String: [(jobID: String, version: UInt64)]] = [:]
        var commands: [[RedisArgument]] = []
        for (key, view) in batch.views {
            let name = RedisArgument(keys.context(key))
            if case .job(let jobID) = key {
                // What waits may wait for long without an event of its own.
                commands.append(["SET", name, RedisArgument(view.bytes)] + (view.ended ? ["EX", seconds] : []))
                commands.append([view.ended ? "SREM" : "SADD", RedisArgument(keys.liveJobs), RedisArgument(jobID)])
                if view.ended, let userID = view.job?.userID {
                    ended[userID, default: []].append((jobID, view.version))
                }
            } else {
                let audioMs = RedisArgument(batch.audioMs[key] ?? 0)
                commands.append(["HSET", name, "view", RedisArgument(view.bytes), "audio_ms", audioMs])
                commands.append(["EXPIRE", name, seconds])
            }
        }
        for (userID, jobs) in ended {
            let name = RedisArgument(keys.endedJobs(of: userID))
            for (jobID, version) in jobs {
                commands.append(["ZADD", name, RedisArgument(version), RedisArgument(jobID)])
            }
            commands.append(["ZREMRANGEBYRANK", name, "0", RedisArgument(-1 - Self.maxEnded)])
            commands.append(["EXPIRE", name, seconds])
        }
        for jobID in batch.forgottenJobs {
            commands.append(["DEL", RedisArgument(keys.job(jobID))])
            commands.append(["SREM", RedisArgument(keys.liveJobs), RedisArgument(jobID)])
        }
        if let costs = batch.costs {
            for (analyzers, cost) in costs.sets {
                commands.append(["HSET", RedisArgument(keys.costs), RedisArgument(analyzers), RedisArgument(cost.text)])
            }
            commands.append(["SET", RedisArgument(keys.currentAnalyzers), RedisArgument(costs.current)])
        }
        commands += accuracyCommands(batch)
        for (lane, cursor) in batch.cursors {
            commands.append(["HSET", RedisArgument(keys.cursors), RedisArgument(lane), RedisArgument(cursor)])
        }
        return commands
    }

    private func reading<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as RedisError {
            throw RPCError(.unavailable, "What is kept of earlier analyses cannot be read now: \(error)")
        }
    }

    private static func view(_ value: RedisValue) -> ProgressView? {
        value.bytes.flatMap { try? ProgressView(decoding: ByteBuffer(bytes: $0)) }
    }
}

extension ProgressView {
    fileprivate var bytes: [UInt8] {
        var buffer = ByteBuffer()
        encode(into: &buffer)
        return Array(buffer.readableBytesView)
    }
}

extension SongCost {
    fileprivate init?(text: String) {
        let numbers = text.split(separator: " ").compactMap { Double($0) }
        guard numbers.count == 6, numbers.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return nil }
        self.init(
            weight: numbers[0], audio: numbers[1], took: numbers[2], audioAudio: numbers[3], audioTook: numbers[4],
            averageAudioMs: numbers[5])
    }

    fileprivate var text: String {
        [weight, audio, took, audioAudio, audioTook, averageAudioMs].map { "\($0)" }.joined(separator: " ")
    }
}
