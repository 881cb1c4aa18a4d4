// What is promised about the log of what becomes of jobs.

import AnalysisAPI
import Logging
import Redis
import Synchronization
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct TransitionLogTests {
    /// "<event> <job> <from> <to>" of each line, and the trace of it.
    private final class Told: Sendable {
        private let entries = Mutex([(text: String, trace: String)]())
        let lines: AsyncStream<String>
        private let arrival: AsyncStream<String>.Continuation

        init() { (lines, arrival) = AsyncStream.makeStream(of: String.self) }

        var all: [String] { entries.withLock { $0.map(\.text) } }
        var traces: Set<String> { entries.withLock { Set($0.map(\.trace)) } }

        func logger(_ level: Logger.Level = .info) -> Logger {
            Logger(label: "jobs") { _ in Handler(told: self, logLevel: level) }
        }

        func tell(_ metadata: Logger.Metadata) {
            let words = ["event", "job_id", "from", "to"].map { metadata[$0]?.description ?? "-" }
            let text = words.joined(separator: " ")
            entries.withLock { $0.append((text, metadata["trace_id"]?.description ?? "")) }
            arrival.yield(text)
        }
    }

    private struct Handler: LogHandler {
        let told: Told
        var logLevel: Logger.Level
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { told.tell(event.metadata ?? [:]) }
    }

    /// Lets two services tell it, as two replicas do, while `body` runs.
    private func withReplicas(
        _ lane: TestLane, _ loggers: [Logger], _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for logger in loggers {
                let lanes = Lanes(atLeast: 1, store: lane.store, logger: .quiet)
                group.addTask { try await lanes.run() }
                group.addTask {
                    try await TransitionLog(lanes: lanes, store: lane.store, logger: logger).run()
                }
            }
            defer { group.cancelAll() }
            // From then on nothing is missed.
            while try await lane.store.send("HGET", lane.store.keys.told, "0").isNull {
                try await Task.sleep(for: .milliseconds(5))
            }
            try await body()
        }
    }

    @Test func eachChangeOfAJobIsToldOnceByTwoServices() async throws {
        try await withLane { lane in
            let told = Told()
            try await withReplicas(lane, [told.logger(), told.logger()]) {
                let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                let target = LaneQueue.Target(type: .playlist, id: "p", force: false, priority: .unspecified)
                let request = LaneQueue.Request(
                    userID: "u", idempotencyKey: "", targets: [target], traceparent: trace)
                let job = try #require(try await lane.queue.enqueue([request])[0].get().first?.job)
                _ = try await lane.enqueue(.playlist, "p", priority: .high)
                try await lane.hold()
                _ = try await lane.drain()
                for await line in told.lines where line.hasPrefix("completed") { break }
                #expect(
                    told.all.sorted() == [
                        "completed \(job.id) in_progress completed", "enqueued \(job.id) - pending",
                        "reprioritised \(job.id) medium high", "started \(job.id) pending in_progress",
                    ])
                #expect(told.traces == ["4bf92f3577b34da6a3ce929d0e0e4736"])
            }
            #expect(told.all.count == 4)
        }
    }

    @Test func whatHappensWhileNobodyTellsItIsToldLater() async throws {
        try await withLane { lane in
            let (first, second) = (Told(), Told())
            try await withReplicas(lane, [first.logger()]) {
                let job = try #require(try await lane.enqueue(.song, "s1").job)
                for await line in first.lines where line.hasPrefix("enqueued \(job.id)") { break }
            }
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            try await withReplicas(lane, [second.logger()]) {
                for await line in second.lines where line.hasPrefix("enqueued \(job.id)") { break }
            }
            #expect(second.all == ["enqueued \(job.id) - pending"])
        }
    }

    @Test func aServiceThatLogsLessLeavesItToTheOthers() async throws {
        try await withLane { lane in
            let (silent, telling) = (Told(), Told())
            try await withReplicas(lane, [silent.logger(.warning), telling.logger()]) {
                let job = try #require(try await lane.enqueue(.song, "s1").job)
                for await line in telling.lines where line.hasPrefix("enqueued \(job.id)") { break }
            }
            #expect(silent.all.isEmpty)
        }
    }
}
