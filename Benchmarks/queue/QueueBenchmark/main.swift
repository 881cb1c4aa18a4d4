// Measures a queue-service that runs in a process of its own: how many jobs a second it takes, hands out and records, and
// whether the answers take longer with a million jobs in line. Benchmarks/queue/run starts it and compares.
//
//     QueueBenchmark FOLDER PID     where FOLDER holds the queue's and Redis' sockets, queue.sock and redis.sock
//
// Prints a line for each figure: its name, a tab, the value.

import AnalysisAPI
import Foundation
import Logging
import NIOCore
import NIOPosix
import RPC
import Redis
import ServiceLifecycle
import Subprocess

let callers = 64
let jobs = 40_000
let many = 1_000
let userCount = 50
let answered = 2_000
let waitingJobs = (few: 1_000, many: 1_000_000)

let folder = CommandLine.arguments[1]
let processID = CommandLine.arguments[2]
let group = MultiThreadedEventLoopGroup.singleton
let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
let client = RPCClient(address: .unix(path: "\(folder)/queue.sock"), eventLoopGroup: group, logger: logger)
let redis = RedisClient(url: try RedisURL("unix:\(folder)/redis.sock"), eventLoopGroup: group, logger: logger)
let queue = QueueClient(client)

func report(_ name: String, _ value: Double) { print("\(name)\t\(value)") }

/// How often `body` ran a second, by as many tasks as there are callers.
func perSecond(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws -> Double {
    let start = ContinuousClock.now
    try await withThrowingDiscardingTaskGroup { tasks in
        for caller in 0..<callers {
            tasks.addTask(executorPreference: client.executor) {
                for number in stride(from: caller, to: count, by: callers) { try await body(number) }
            }
        }
    }
    return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
}

/// The median time of `body` in microseconds, one run after another.
func medianMicroseconds(_ count: Int = answered, _ body: () async throws -> Void) async throws -> Double {
    var times: [Double] = []
    for _ in 0..<count {
        let start = ContinuousClock.now
        try await body()
        times.append((ContinuousClock.now - start) / .microseconds(1))
    }
    return times.sorted()[count / 2]
}

func songID(_ number: Int) -> String { String(format: "%012d", number) }

func userID(_ number: Int) -> String { "user\(number)" }

/// Gives a user songs of three minutes.
func addSongs(_ numbers: Range<Int>, to user: String) async throws {
    for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 1000) {
        let some = start..<min(start + 1000, numbers.upperBound)
        let songs = some.map { Song(id: songID($0), title: "Song \($0)", durationMs: 180_000) }
        let root = "aq:{0}:user:\(user)"
        func argument(_ song: Song) -> RedisArgument {
            var buffer = ByteBuffer()
            song.encode(into: &buffer)
            return RedisArgument(Array(buffer.readableBytesView))
        }
        try await redis.send(
            ["HSET", RedisArgument("\(root):songs")] + songs.flatMap { [RedisArgument($0.id), argument($0)] })
        try await redis.send(
            ["HSET", RedisArgument("\(root):lengths")] + songs.flatMap { [RedisArgument($0.id), 180_000] })
    }
}

/// Plays the only worker, which keeps its lane for as long as `body` runs.
func withWorker(_ body: @escaping @Sendable (inout Worker) async throws -> Void) async throws {
    let analyzer = AnalyzerVersion(name: "audio", version: "1")
    try await WorkersClient(client).work { writer, commands in
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for sequence in UInt64(1)... {
                    try await writer.write(
                        WorkerMessage(workerID: Worker.id, analyzers: [analyzer], sequence: sequence))
                    try await Task.sleep(for: .seconds(1))
                }
            }
            var lease: [UInt8]?
            while lease == nil, case .some(let command) = try await commands.next() {
                if case .laneGranted(let granted) = command.command { lease = granted.lease }
            }
            var worker = Worker(lease: lease ?? [])
            tasks.addTask { for try await _ in commands {} }
            try await body(&worker)
            tasks.cancelAll()
        }
    }
}

struct Worker {
    static let id = "benchmark"
    let lease: [UInt8]
    var item: Assignment?

    /// Says that the item is analysed, and claims the next: one call.
    mutating func completeAndClaim() async throws {
        let results = [AnalysisResult(analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array("{}".utf8))]
        let report = item.map {
            ItemReport(
                jobID: $0.jobID, epoch: $0.epoch, claim: $0.claim, outcome: .analysed(Analysed(results: results)))
        }
        let request = ExchangeRequest(workerID: Self.id, lane: "0", lease: lease, item: report, claim: true)
        item = try await WorkersClient(client).exchange(request).assignment
    }
}

/// How often a second redis-benchmark runs the script that the service enqueues a song's job with, with as many songs to choose
/// from that most have no job yet.
func bareScriptPerSecond() async throws -> Double {
    let user = "bare"
    let songs = 1_000_000
    _ = try await CatalogClient(client).createUser(
        CreateUserRequest(id: user, password: "benchmark password", role: .listener))
    try await addSongs(0..<songs, to: user)
    try await redis.send(["CONFIG", "SET", "slowlog-log-slower-than", "0"])
    _ = try await queue.enqueue(EnqueueRequest(userID: user, type: .song, targetID: songID(0)))
    let logged = try await redis.send(["SLOWLOG", "GET", "32"]).elements ?? []
    try await redis.send(["CONFIG", "SET", "slowlog-log-slower-than", "10000"])
    let commands = logged.compactMap { $0.elements?[3].elements?.compactMap(\.text) }
    guard let script = commands.first(where: { $0.first == "EVALSHA" && $0.contains(songID(0)) }) else {
        throw MeasurementFailed(reason: "no script has enqueued the job of \(user)")
    }
    let command = script.map { $0 == songID(0) ? "__rand_int__" : $0 }
    let result = try await run(
        .name("redis-benchmark"),
        arguments: Arguments(
            ["-s", "\(folder)/redis.sock", "-P", "128", "-n", "100000", "-r", "\(songs)", "--csv"] + command),
        output: .string(limit: 65536))
    let line = result.standardOutput.split(separator: "\n").last ?? ""
    let rate = line.split(separator: "\"").compactMap { Double($0) }.first
    guard let rate else { throw MeasurementFailed(reason: "redis-benchmark said: \(line)") }
    _ = try await queue.clearJobs(JobFilter(userID: user))
    return rate
}

struct MeasurementFailed: Error { let reason: String }

func measure() async throws {
    _ = try await CatalogClient(client).createUser(
        CreateUserRequest(id: userID(0), password: "benchmark password", role: .listener))
    try await addSongs(0..<jobs, to: userID(0))

    let enqueued = try await perSecond(jobs) { number in
        _ = try await queue.enqueue(EnqueueRequest(userID: userID(0), type: .song, targetID: songID(number)))
    }
    report("enqueue", enqueued)
    report("bare script", try await bareScriptPerSecond())

    try await withWorker { worker in
        let start = ContinuousClock.now
        for _ in 0..<jobs { try await worker.completeAndClaim() }
        report("no-op jobs", Double(jobs) / ((ContinuousClock.now - start) / .seconds(1)))

        // The users' songs have the same ids, and each user's job for one is another.
        for user in 1...userCount {
            _ = try await CatalogClient(client).createUser(
                CreateUserRequest(id: userID(user), password: "benchmark password", role: .listener))
            try await addSongs(0..<waitingJobs.many / userCount, to: userID(user))
        }
        var line = Line()
        _ = try await line.add(waitingJobs.few + answered)
        try await measureAnswers("few", line, &worker)
        report("enqueue many", try await line.add(waitingJobs.many - waitingJobs.few - answered))
        try await measureAnswers("many", line, &worker)
    }
    let statm = try String(contentsOfFile: "/proc/\(processID)/statm", encoding: .utf8).split(separator: " ")
    report("resident MB", (Double(statm[1]) ?? .nan) * 4096 / 1e6)
}

/// Enqueues jobs, one caller a thousand at a time, the users in turn.
struct Line {
    private var turn = 0
    /// By user: of how many songs there is a job.
    private var asked = [Int](repeating: 0, count: userCount + 1)
    private(set) var lastJobID = ""

    /// Returns how many jobs a second.
    mutating func add(_ count: Int) async throws -> Double {
        let start = ContinuousClock.now
        for first in stride(from: 0, to: count, by: many) {
            let user = 1 + turn % userCount
            let songs = asked[user]..<asked[user] + min(many, count - first)
            (turn, asked[user]) = (turn + 1, songs.upperBound)
            let reply = try await queue.enqueueMany(
                EnqueueManyRequest(
                    userID: userID(user), targets: songs.map { EnqueueTarget(type: .song, targetID: songID($0)) }))
            lastJobID = reply.replies.last?.job?.id ?? ""
        }
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }
}

func measureAnswers(_ waiting: String, _ line: Line, _ worker: inout Worker) async throws {
    let status = try await medianMicroseconds { _ = try await queue.getStatus(QueueStatusRequest(userID: "")) }
    let position = try await medianMicroseconds {
        _ = try await queue.getPosition(JobRequest(userID: "", jobID: line.lastJobID))
    }
    let claim = try await medianMicroseconds { try await worker.completeAndClaim() }
    report("status with \(waiting)", status)
    report("position with \(waiting)", position)
    report("claim with \(waiting)", claim)
}

try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await client.run() }
    tasks.addTask { try await redis.run() }
    try await measure()
    tasks.cancelAll()
}
