// Compares the Redis client with redis-benchmark on the same socket in the same run, and prints ratios. Rounds of both alternate,
// so that a busy machine slows both; each figure is the median of its rounds.
//
//     swift run -c release redis-benchmark-ratios

import Foundation
import Redis
import Subprocess
import TestSupport

let rounds = 5
let callers = 256
let commands = 400_000
let sequentialCommands = 20_000

let server = try await RedisServer.start()

struct PeerFailed: Error {}

/// What redis-benchmark says about SET: commands a second, and the median time of one in milliseconds.
func redisBenchmark(_ arguments: String...) async throws -> (perSecond: Double, medianMs: Double) {
    let result = try await run(
        .name("redis-benchmark"),
        arguments: Arguments(["-s", server.socketPath, "-t", "set", "-d", "16", "--csv"] + arguments),
        output: .string(limit: 65536))
    let fields = result.standardOutput.split(separator: "\n").last?.split(separator: ",").map {
        Double($0.trimmingCharacters(in: CharacterSet(charactersIn: "\""))) ?? .nan
    }
    guard let fields, fields.count == 8 else { throw PeerFailed() }
    return (fields[1], fields[4])
}

/// SETs by concurrent tasks, as commands a second.
func concurrentSets(_ client: RedisClient, on executor: (any TaskExecutor)?) async throws -> Double {
    let start = ContinuousClock.now
    try await withThrowingDiscardingTaskGroup { group in
        for caller in 0..<callers {
            group.addTask(executorPreference: executor) {
                let key = RedisArgument("key:\(caller)")
                for _ in 0..<(commands / callers) { try await client.send(["SET", key, "0123456789abcdef"]) }
            }
        }
    }
    return Double(commands) / (ContinuousClock.now - start).seconds
}

/// The median time of one SET after another in milliseconds.
func sequentialSets(_ client: RedisClient, on executor: (any TaskExecutor)?) async throws -> Double {
    try await withTaskExecutorPreference(executor) {
        var times: [Double] = []
        for _ in 0..<sequentialCommands {
            let start = ContinuousClock.now
            try await client.send(["SET", "key", "0123456789abcdef"])
            times.append((ContinuousClock.now - start).seconds * 1000)
        }
        return times.median
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}

extension [Double] {
    var median: Double { sorted()[count / 2] }
}

func report(_ what: String, _ own: Double, _ peer: Double, _ unit: String, _ target: String) {
    print(
        String(
            format: "%@: %.*f %@, redis-benchmark %.*f %@: ratio %.2f (%@)", what, unit == "ms" ? 4 : 0, own, unit,
            unit == "ms" ? 4 : 0, peer, unit, own / peer, target))
}

try await server.withClient { client in
    for (name, executor) in [("default executor", nil), ("client's event loop", client.executor)]
        as [(String, (any TaskExecutor)?)]
    {
        var (own, peer, ownMs, peerMs): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for _ in 0..<rounds {
            own.append(try await concurrentSets(client, on: executor))
            peer.append(try await redisBenchmark("-n", "1000000", "-P", "64").perSecond)
            ownMs.append(try await sequentialSets(client, on: executor))
            peerMs.append(try await redisBenchmark("-n", "20000", "-c", "1", "-P", "1", "--precision", "3").medianMs)
        }
        print("Callers on: \(name)")
        report("  SET by \(callers) tasks", own.median, peer.median, "commands/s", "-P 64, at least 0.60")
        report("  one caller's SET", ownMs.median, peerMs.median, "ms", "-c 1 -P 1, at most 1.30")
    }
}
