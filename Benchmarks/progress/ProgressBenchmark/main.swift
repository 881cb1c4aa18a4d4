// Measures a progress-service that runs in a process of its own: how many updates a second it takes in, and how long it is
// from an update of a job until a thousand watchers of that job have it. Benchmarks/progress/run starts it.
//
//     ProgressBenchmark FOLDER     where FOLDER holds the services' sockets, queue.sock and progress.sock
//
// Prints a line for each figure: its name, a tab, the value.

import AnalysisAPI
import Foundation
import Logging
import NIOPosix
import RPC
import Synchronization

let updates = 200_000
let streams = 4
let watcherCount = 1_000
let connectionCount = 10
let watchedUpdates = 200
let interval: Duration = .milliseconds(100)

let folder = CommandLine.arguments[1]
let group = MultiThreadedEventLoopGroup.singleton
let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
let queueClient = RPCClient(address: .unix(path: "\(folder)/queue.sock"), eventLoopGroup: group, logger: logger)
let clients = (0..<connectionCount).map { _ in
    RPCClient(address: .unix(path: "\(folder)/progress.sock"), eventLoopGroup: group, logger: logger)
}
let progress = ProgressClient(clients[0])
let userID = "benchmark"
let analyzer = AnalyzerVersion(name: "audio", version: "1")

func report(_ name: String, _ value: Double) { print("\(name)\t\(value)") }

/// Has a song analysed by a worker that does nothing, for as long as `body` runs.
func withRunningSong(_ body: @escaping @Sendable (Assignment) async throws -> Void) async throws {
    let catalog = CatalogClient(queueClient)
    _ = try await catalog.createUser(
        CreateUserRequest(id: userID, password: "benchmark password", role: .listener))
    _ = try await catalog.upsertLibrary(
        UpsertLibraryRequest(userID: userID, songs: [Song(id: "song", title: "Song", durationMs: 180_000)]))
    _ = try await QueueClient(queueClient).enqueue(EnqueueRequest(userID: userID, type: .song, targetID: "song"))
    let workers = WorkersClient(queueClient)
    try await workers.work { writer, commands in
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for sequence in UInt64(1)... {
                    try await writer.write(WorkerMessage(workerID: "w", analyzers: [analyzer], sequence: sequence))
                    try await Task.sleep(for: .seconds(1))
                }
            }
            var item: Assignment?
            while item == nil, let command = try await commands.next() {
                guard case .laneGranted(let granted) = command.command else { continue }
                let request = ExchangeRequest(workerID: "w", lane: "0", lease: granted.lease, claim: true)
                item = try await workers.exchange(request).assignment
            }
            guard let item else { throw RPCError(.aborted, "the queue gave no song") }
            tasks.addTask { for try await _ in commands {} }
            try await body(item)
            tasks.cancelAll()
        }
    }
}

func update(_ item: Assignment, _ fraction: Double) -> ProgressReport {
    ProgressReport(
        workerID: "w", lane: "0", jobID: item.jobID, epoch: item.epoch, songID: item.song?.id ?? "",
        fraction: fraction, stage: "decode", runningMs: 1_000, analyzers: [analyzer])
}

func watchRequest(_ item: Assignment) -> WatchRequest {
    WatchRequest(userID: userID, contexts: [ProgressContext(context: .jobID(item.jobID))])
}

/// All streams together; a stream has its reply when the service has taken in all of it. Fractions stay below a half.
func measureIngestion(_ item: Assignment) async throws {
    // The log has told of the item.
    for try await view in progress.watch(watchRequest(item)) where view.inProgress == 1 { break }
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        for stream in 0..<streams {
            tasks.addTask {
                _ = try await ProgressClient(clients[stream]).report { writer in
                    for number in 0..<updates / streams {
                        try await writer.write(update(item, 0.5 * Double(number) / Double(updates / streams)))
                    }
                }
            }
        }
        try await tasks.waitForAll()
    }
    report("updates", Double(updates) / ((ContinuousClock.now - start) / .seconds(1)))
    for try await view in progress.watch(watchRequest(item)) where view.songFraction > 0.49 { break }
}

final class Times: Sendable {
    /// When each update was sent.
    let sent = Mutex<[ContinuousClock.Instant]>([])
    /// Milliseconds until a watcher had it.
    let taken = Mutex<[Double]>([])
}

/// Each update raises the fraction, by which a watcher knows which one, or a later one, has come.
///
/// - Parameter isReady: told once, with the first view.
@Sendable func watch(_ item: Assignment, on client: RPCClient, _ times: Times, isReady: @Sendable () -> Void)
    async throws
{
    var next = 0
    var isFirst = true
    var taken: [Double] = []
    for try await view in ProgressClient(client).watch(watchRequest(item)) {
        let now = ContinuousClock.now
        if isFirst { isReady() }
        isFirst = false
        let latest = Int(((view.songFraction - 0.5) * 2 * Double(watchedUpdates)).rounded()) - 1
        guard latest >= next else { continue }
        // Of updates that came together, the oldest has waited longest.
        taken.append((now - times.sent.withLock { $0[next] }) / .milliseconds(1))
        next = latest + 1
        if next == watchedUpdates { break }
    }
    times.taken.withLock { $0 += taken }
}

func measureWatchers(_ item: Assignment) async throws {
    let times = Times()
    let (ready, isReady) = AsyncStream<Void>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        for watcher in 0..<watcherCount {
            let client = clients[watcher % connectionCount]
            tasks.addTask(executorPreference: client.executor) {
                try await watch(item, on: client, times) { isReady.yield() }
            }
        }
        var count = 0
        for await _ in ready {
            count += 1
            if count == watcherCount { break }
        }
        _ = try await progress.report { writer in
            for number in 1...watchedUpdates {
                times.sent.withLock { $0.append(.now) }
                try await writer.write(update(item, 0.5 + 0.5 * Double(number) / Double(watchedUpdates)))
                try await Task.sleep(for: interval)
            }
        }
        try await tasks.waitForAll()
    }
    let taken = times.taken.withLock { $0 }.sorted()
    report("watchers median ms", taken[taken.count / 2])
    report("watchers p99 ms", taken[taken.count * 99 / 100])
    report("watchers worst ms", taken[taken.count - 1])
}

try await withThrowingTaskGroup(of: Void.self) { tasks in
    for client in clients + [queueClient] { tasks.addTask { try await client.run() } }
    try await withRunningSong { item in
        try await measureIngestion(item)
        try await measureWatchers(item)
    }
    tasks.cancelAll()
}
