// Compares the Redis client with redis-benchmark on the same socket in the same run. Rounds of both alternate, so that a busy
// machine slows both; each figure is the median of its rounds. Prints the lines that Benchmarks/table reads.

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

/// The median time of one SET after another in microseconds.
func sequentialSets(_ client: RedisClient, on executor: (any TaskExecutor)?) async throws -> Double {
    try await withTaskExecutorPreference(executor) {
        var times: [Double] = []
        for _ in 0..<sequentialCommands {
            let start = ContinuousClock.now
            try await client.send(["SET", "key", "0123456789abcdef"])
            times.append((ContinuousClock.now - start).seconds * 1_000_000)
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

/// - Parameter bound: of ours to the peer's, with the direction in which it holds; none where nothing is promised.
func report(_ what: String, _ ours: Double, _ peer: Double, _ bound: (direction: String, ratio: Double)?) {
    print("Redis, \(what)\t\(ours)\t\(peer)\t\(bound?.direction ?? ">=")\t\(bound?.ratio ?? 0)")
}

try await server.withClient { client in
    var (concurrent, sequential, ofDefault): ([Double], [Double], [Double]) = ([], [], [])
    var (pipelined, ofOneConnection, unpipelined): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<rounds {
        concurrent.append(try await concurrentSets(client, on: client.executor))
        ofDefault.append(try await concurrentSets(client, on: nil))
        pipelined.append(try await redisBenchmark("-n", "1000000", "-P", "64").perSecond)
        ofOneConnection.append(try await redisBenchmark("-n", "1000000", "-P", "64", "-c", "1").perSecond)
        sequential.append(try await sequentialSets(client, on: client.executor))
        unpipelined.append(
            try await redisBenchmark("-n", "20000", "-c", "1", "-P", "1", "--precision", "3").medianMs * 1000)
    }
    report("SET/s by \(callers) tasks to redis-benchmark -P 64", concurrent.median, pipelined.median, (">=", 0.6))
    report("the same, to -c 1 -P 64: one connection, too", concurrent.median, ofOneConnection.median, nil)
    report("the same tasks on the default executor", ofDefault.median, ofOneConnection.median, nil)
    report("one caller's SET, µs, to -c 1 -P 1", sequential.median, unpipelined.median, ("<=", 1.3))
}
