// What the scripts promise about songs that fail and are tried again.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct RetryTests {
    static let crash = ItemReport.Outcome.failed(Failed(reason: "the analyzer crashed", kind: .crashed))
    static let analysed = ItemReport.Outcome.analysed(Analysed(results: TestLane.results))

    @Test func aSongThatFailedIsTriedAgainAfterTheOthersOfItsJob() async throws {
        try await withLane(limits: QueueLimits(retryBase: .zero)) { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            let first = try #require(try await lane.exchange())
            let done = try await lane.drain(from: try await lane.exchange(first, Self.crash))
            #expect(done == ["s1", "s2", "s3", "s4", "s0"].map { "\(job.id) \($0)" })
            let ended = try await lane.job(job.id)
            #expect(ended.state == .completed && ended.analysed == 5 && ended.failed == 0 && ended.cursor == 5)
            #expect(ended.audioDoneMs == 5000)
            let kinds = try await lane.events().map(\.kind)
            #expect(kinds.contains(.songRetry) && !kinds.contains(.songFailed))
        }
    }

    @Test func aSongFailsWithItsLastAttempt() async throws {
        try await withLane(limits: QueueLimits(retryBase: .zero)) { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            var item = try await lane.exchange()
            for _ in 1...3 { item = try await lane.exchange(item, Self.crash) }
            #expect(item == nil)
            let ended = try await lane.job(job.id)
            #expect(ended.state == .failed && ended.failed == 1)
            #expect(ended.failures == [SongFailure(songID: "s1", reason: "the analyzer crashed")])
            let kinds = try await lane.events().map(\.kind).filter { $0 == .songRetry || $0 == .songFailed }
            #expect(kinds == [.songRetry, .songRetry, .songFailed])
        }
    }

    @Test(arguments: [FailureKind.missing, .unreadable, .refused])
    func whatCannotPassIsNotTriedAgain(_ kind: FailureKind) async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            _ = try await lane.exchange(try await lane.exchange(), .failed(Failed(reason: "no", kind: kind)))
            #expect(try await lane.job(job.id).state == .failed)
        }
    }

    @Test func aClockThatIsSetBackDoesNotMakeATryWaitForThatLong() async throws {
        try await withLane(limits: QueueLimits(retryBase: .seconds(60), retryCap: .seconds(60))) { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            _ = try await lane.exchange(try await lane.exchange(), Self.crash)
            _ = try await lane.queue.sweep()
            #expect(try await lane.job(job.id).state == .scheduled)
            let (keys, later) = (lane.store.keys, Int64.now + 3_600_000)
            try await lane.store.send("ZADD", keys.lane("0", .due), later, job.id)
            try await lane.store.send("HSET", keys.lane("0", .job, job.id), "due_at_ms", later)
            try await lane.store.send("ZADD", keys.lane("0", .jobAside, job.id), later, "1000 s1")
            _ = try await lane.queue.sweep()
            #expect(try await lane.exchange()?.job.id == job.id)
        }
    }

    @Test func aJobWhoseSongsAreNotDueHoldsUpNobodyAndKeepsItsPlace() async throws {
        try await withLane(limits: QueueLimits(retryBase: .seconds(600), retryCap: .seconds(600))) { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            let item = try #require(try await lane.exchange())
            let before = Int64.now
            #expect(try await lane.exchange(item, Self.crash, jitter: 0.5) == nil)
            let scheduled = try await lane.job(job.id)
            #expect(scheduled.state == .scheduled && scheduled.sequence == job.sequence)
            #expect((before + 300_000...Int64.now + 300_000).contains(scheduled.dueAtMs))
            let status = try await lane.status()
            #expect(status == QueueStatus(scheduled: 1))

            let other = try #require(try await lane.enqueue(.song, "s2").job)
            #expect(try await lane.exchange()?.job.id == other.id)
            try await lane.makeDue(job.id, song: "s1")
            _ = try await lane.enqueue(.song, "s3")
            try await lane.hold()
            #expect(try await lane.job(job.id).state == .pending)
            // A worker that reports nothing gives its item back: both wait, and the first come goes first.
            #expect(try await lane.exchange()?.job.id == job.id)
        }
    }

    @Test func losingTheWorkerAndBeingDisplacedSpendNoAttempt() async throws {
        try await withLane(limits: QueueLimits(retryBase: .zero)) { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            for _ in 1...2 {
                _ = try #require(try await lane.exchange())
                try await lane.loseWorker()
                try await lane.hold()
            }
            for _ in 1...3 {
                let item = try #require(try await lane.exchange())
                _ = try await lane.exchange(item, .suspended(Suspended()), claims: false)
            }
            var item = try await lane.exchange()
            item = try await lane.exchange(item, Self.crash)
            #expect(try await lane.drain(from: item).count == 5)
            #expect(try await lane.job(job.id).analysed == 5)
        }
    }

    @Test func askedToTryAgainNowAJobWaitsNoLonger() async throws {
        try await withLane { lane in
            try await lane.hold()
            let id = try #require(try await lane.enqueue(.playlist, "p").job).id
            var item = try await lane.exchange()
            for _ in 0..<5 { item = try await lane.exchange(item, Self.crash) }
            #expect(item == nil)
            let scheduled = try await lane.job(id)
            #expect(scheduled.state == .scheduled && scheduled.retrying == 5 && scheduled.cursor == 0)

            await #expect(throws: QueueError.notFound("there is no job \(id)")) {
                try await lane.queue.retry(jobID: id, userID: "v")
            }
            let (retried, hint) = try await lane.queue.retry(jobID: id, userID: "u")
            #expect(retried.state == .pending && hint.kind == .wake)
            #expect(Set(try await lane.drain()) == Set(["s0", "s1", "s2", "s3", "s4"].map { "\(id) \($0)" }))
            let done = try await lane.job(id)
            #expect(done.state == .completed && done.retrying == 0)
            await #expect(throws: QueueError.illegal("job \(id) is completed and cannot be retried")) {
                try await lane.queue.retry(jobID: id, userID: "u")
            }
        }
    }

    @Test func aSongThatIsAnalysedElsewhereMeanwhileIsNotTriedAgain() async throws {
        try await withLane { lane in
            try await lane.hold()
            let playlist = try #require(try await lane.enqueue(.playlist, "p").job)
            var item = try await lane.exchange(try await lane.exchange(), Self.crash)
            let clicked = try #require(try await lane.enqueue(.song, "s0").job)
            item = try await lane.exchange(item, Self.analysed)
            #expect(item?.job.id == clicked.id)
            #expect(try await lane.drain(from: item).count == 4)
            let done = try await lane.job(playlist.id)
            #expect(done.state == .completed && done.skipped == 1 && done.analysed == 4)
        }
    }

    @Test func whatIsCancelledIsNotTriedAgain() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            _ = try await lane.exchange(try await lane.exchange(), Self.crash)
            _ = try await lane.queue.change(jobID: job.id, userID: "u", event: .cancelled)
            for key in [LaneKey.jobAside, .jobAttempts] {
                #expect(try await lane.store.send("EXISTS", lane.store.keys.lane("0", key, job.id)).int == 0)
            }
        }
    }
}

extension TestLane {
    /// Has the time of a song that was put aside come.
    func makeDue(_ job: String, song: String) async throws {
        try await store.send("ZADD", store.keys.lane("0", .jobAside, job), 1, "1000 \(song)")
        try await store.send("ZADD", store.keys.lane("0", .due), 1, job)
    }
}
