// The part of the store that lets estimates be compared with what came, over restarts: in JSON, for operators may want to read it.

import Foundation
import Redis

extension ProgressStore {
    func estimates(of jobIDs: [String]) async throws -> [String: ShownEstimates] {
        var estimates: [String: ShownEstimates] = [:]
        var rest = jobIDs[...]
        while !rest.isEmpty {
            let ids = rest.prefix(Self.batchSize)
            let replies = try await redis.pipeline(ids.map { ["GET", RedisArgument(keys.estimates($0))] })
            for (id, reply) in zip(ids, replies) {
                estimates[id] = reply.json([ShownEstimates.Estimate].self).map(ShownEstimates.init)
            }
            rest = rest.dropFirst(ids.count)
        }
        return estimates
    }

    func delays(ofLane lane: String) async throws -> LaneDelays {
        let delays = try await redis.send("HGETALL", keys.delays(lane)).map ?? [:]
        return LaneDelays(delays.values.compactMap { $0.json(LaneDelays.Delay.self) })
    }

    func accuracy() async throws -> AccuracyLog {
        var days: [Int64: DayAccuracy] = [:]
        for (day, value) in try await redis.send("HGETALL", keys.accuracy).map ?? [:] {
            if let day = Int64(day) { days[day] = value.json(DayAccuracy.self) }
        }
        return AccuracyLog(days: days)
    }

    func accuracyCommands(_ batch: ProgressHub.Batch) -> [[RedisArgument]] {
        let seconds = RedisArgument(Self.retention.components.seconds)
        var commands: [[RedisArgument]] = []
        for (jobID, shown) in batch.estimates {
            let name = RedisArgument(keys.estimates(jobID))
            commands.append(
                shown.estimates.isEmpty
                    ? ["DEL", name] : ["SET", name, RedisArgument(json: shown.estimates), "EX", seconds])
        }
        for (lane, changes) in batch.delays {
            let name = RedisArgument(keys.delays(lane))
            for delay in changes.written {
                commands.append(["HSET", name, RedisArgument(delay.name), RedisArgument(json: delay)])
            }
            for delay in changes.removed { commands.append(["HDEL", name, RedisArgument(delay.name)]) }
            if !changes.written.isEmpty { commands.append(["EXPIRE", name, seconds]) }
        }
        if let accuracy = batch.accuracy {
            let name = RedisArgument(keys.accuracy)
            for (day, errors) in accuracy.latest {
                commands.append(["HSET", name, RedisArgument(day), RedisArgument(json: errors)])
            }
            for day in accuracy.expired { commands.append(["HDEL", name, RedisArgument(day)]) }
        }
        return commands
    }
}

extension RedisArgument {
    fileprivate init(json value: some Encodable) {
        // Nothing of what is kept has numbers or keys that JSON cannot say.
        self.init((try? JSONEncoder().encode(value)).map { Array($0) } ?? [])
    }
}

extension RedisValue {
    /// What was kept as JSON; `nil` where it is not that, any more.
    fileprivate func json<Value: Decodable>(_ type: Value.Type) -> Value? {
        bytes.flatMap { try? JSONDecoder().decode(type, from: Data($0)) }
    }
}
