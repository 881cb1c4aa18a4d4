// What is promised where two things happen at once: one of them comes first, and the other finds it so.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct RaceTests {
    private static let analysed = ItemReport.Outcome.analysed(Analysed(results: TestLane.results))

    /// Has `first` and `second` meet at a song that runs, again and again, sometimes with one of them a little ahead.
    private func meeting(
        _ body: @Sendable (TestLane, Job, Item, _ ahead: Duration) async throws -> Void
    ) async throws {
        try await withLane { lane in
            for round in 0..<30 {
                try await lane.hold()
                let job = try #require(try await lane.enqueue(.song, "s0", force: true).job)
                let item = try #require(try await lane.exchange())
                try await body(lane, job, item, .microseconds(round * 20 - 300))
                #expect(try await lane.verify() == [], "round \(round)")
                // Whatever came of it, the lane goes on.
                try await lane.hold()
                _ = try await lane.drain()
                #expect(try await lane.status().inProgress == 0)
            }
        }
    }

    @Test func aSongThatEndsAsItsLeaseRunsOutIsRecordedOrRunsAgain() async throws {
        try await meeting { lane, job, item, ahead in
            async let reported = Result {
                if ahead < .zero { try await Task.sleep(for: .zero - ahead) }
                return try await lane.exchange(item, Self.analysed, claims: false)
            }
            async let reaped: Void = {
                if ahead > .zero { try await Task.sleep(for: ahead) }
                try await lane.store.send("DEL", lane.store.keys.lane("0", .lease))
                _ = try await lane.queue.sweep()
            }()
            let failure = await reported.failure
            try await reaped
            let ended = try await lane.job(job.id)
            if let failure {
                guard case .stale = failure as? QueueError else { throw failure }
                #expect(ended.state == .pending || ended.state == .interrupted)
                #expect(ended.analysed == 0 && ended.cursor == 0)
            } else {
                #expect(ended.state == .completed && ended.analysed == 1)
            }
        }
    }

    @Test func aJobThatEndsAsItIsCancelledIsOneOfBoth() async throws {
        try await meeting { lane, job, item, ahead in
            async let reported = Result {
                if ahead < .zero { try await Task.sleep(for: .zero - ahead) }
                return try await lane.exchange(item, Self.analysed, claims: false)
            }
            async let cancelled = Result {
                if ahead > .zero { try await Task.sleep(for: ahead) }
                return try await lane.queue.change(jobID: job.id, userID: "u", event: .cancelled)
            }
            let failures = (await reported.failure, await cancelled.failure)
            let ended = try await lane.job(job.id)
            #expect(failures.0 == nil)
            if let refused = failures.1 {
                guard case .illegal = refused as? QueueError else { throw refused }
                #expect(ended.state == .completed && ended.analysed == 1)
            } else {
                #expect(ended.state == .cancelled && ended.analysed == 0)
            }
        }
    }

    @Test func aClaimThatNobodyHoldsIsTakenBackByOneSweep() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            _ = try await lane.exchange()
            try await lane.store.send("DEL", lane.store.keys.lane("0", .lease))
            let hint = try await lane.queue.sweep()
            #expect(hint.worker.isEmpty)
            #expect(try await lane.job(job.id).state == .pending)
            #expect(try await lane.store.send("EXISTS", lane.store.keys.lane("0", .running)).int == 0)
            #expect(try await lane.verify() == [])
        }
    }

    @Test func aHintThatWasLostComesWithTheWorkersNextMessage() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.playlist, "p")
                let item = try await worker.work()
                // Nobody tells the service of this.
                try await queue.withStore { store in
                    _ = try await TestLane(queue: LaneQueue(lane: "0", store: store)).enqueue(.song, "s9")
                }
                #expect(try await worker.preempted().epoch == item.epoch)
            }
        }
    }

    @Test func twoJanitorsRemoveEachJobOnce() async throws {
        try await withLane { lane in
            try await lane.hold()
            for id in TestLane.songs { _ = try await lane.enqueue(.song, id) }
            _ = try await lane.drain()
            let scripts = Scripts(analyzers: .builtIn, limits: QueueLimits(retentionSeconds: -1))
            let store = Store(redis: lane.store.redis, keys: lane.store.keys, scripts: scripts)
            async let first = Janitor(
                lanes: Lanes(atLeast: 1, store: store, logger: .quiet), store: store, logger: .quiet
            ).clean()
            async let second = Janitor(
                lanes: Lanes(atLeast: 1, store: store, logger: .quiet), store: store, logger: .quiet
            ).clean()
            let removed = try await (first, second)
            #expect(removed.0 + removed.1 == 10)
            #expect(try await lane.verify() == [])
        }
    }
}
