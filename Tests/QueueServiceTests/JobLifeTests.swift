// What the scripts promise about a job from its wish to its end.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct JobLifeTests {
    @Test func sameWorkIsDoneOnce() async throws {
        try await withLane { lane in
            try await lane.hold()
            let first = try await lane.enqueue(.playlist, "p")
            let waiting = try await lane.enqueue(.playlist, "p")
            _ = try await lane.exchange()
            let running = try await lane.enqueue(.playlist, "p")
            #expect(!first.existing && waiting.existing && running.existing)
            #expect(Set([first.job?.id, waiting.job?.id, running.job?.id]).count == 1)
            let forced = try await lane.enqueue(.playlist, "p", force: true)
            #expect(!forced.existing)
            #expect(try await lane.enqueue(.playlist, "p").job?.id == forced.job?.id)
            _ = try await lane.drain()
            #expect(try await lane.enqueue(.playlist, "p", force: true).existing == false)
        }
    }

    @Test func aFreshSongCompletesAtOnce() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1")
            _ = try await lane.drain()
            let again = try await lane.enqueue(.song, "s1")
            #expect(again.queued == 0 && again.job?.state == .completed && again.job?.skipped == 1)
            #expect(try await lane.enqueue(.song, "s1", force: true).job?.state == .pending)
        }
    }

    @Test func whatIsAllFreshIsNoJob() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            _ = try await lane.drain()
            let again = try await lane.enqueue(.playlist, "p")
            #expect(again.job == nil && again.queued == 0)
            #expect(try await lane.status().pending == 0)
        }
    }

    @Test func unknownTargetsAreRefused() async throws {
        try await withLane { lane in
            await #expect(throws: QueueError.notFound("there is no song nope")) {
                try await lane.enqueue(.song, "nope")
            }
            await #expect(throws: QueueError.notFound("there is no playlist nope")) {
                try await lane.enqueue(.playlist, "nope")
            }
            await #expect(throws: QueueError.notFound("there is no song s1")) {
                try await lane.enqueue(.song, "s1", user: "v")
            }
            let status = try await lane.status()
            #expect(status == QueueStatus())
        }
    }

    @Test func backgroundBatchesOfUsersTakeTurns() async throws {
        try await withLane(limits: QueueLimits(backgroundBatch: 4)) { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            _ = try await lane.enqueue(.background)
            _ = try await lane.enqueue(.background, user: "v")
            #expect(try await lane.enqueue(.background).existing)
            let done = try await lane.drain()
            #expect(done.count == 20)
            let users = try await lane.events().filter { $0.kind == .completed }.compactMap { $0.job?.userID }
            #expect(users == ["u", "v", "u", "v", "u", "v"])
        }
    }

    @Test func cancellingBackgroundWorkCancelsWhatIsLeftOfIt() async throws {
        try await withLane(limits: QueueLimits(backgroundBatch: 4)) { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.background).job)
            _ = try await lane.queue.change(jobID: job.id, userID: "u", event: .cancelled)
            #expect(try await lane.exchange() == nil)
            #expect(try await lane.status().pending == 0)
        }
    }

    @Test func aListWithSomeFailuresCompletesAndOneWithOnlyFailuresFails() async throws {
        try await withLane { lane in
            try await lane.hold()
            let some = try #require(try await lane.enqueue(.playlist, "p").job)
            let first = try #require(try await lane.exchange())
            let failure = ItemReport.Outcome.failed(Failed(reason: "no such file", kind: .missing))
            _ = try await lane.drain(from: try await lane.exchange(first, failure))
            let ended = try await lane.job(some.id)
            #expect(ended.state == .completed && ended.failed == 1 && ended.analysed == 4 && ended.error.isEmpty)
            #expect(ended.failures == [SongFailure(songID: "s0", reason: "no such file")])

            let all = try #require(try await lane.enqueue(.song, "s9").job)
            _ = try await lane.exchange(try await lane.exchange(), failure)
            let failed = try await lane.job(all.id)
            #expect(failed.state == .failed && failed.error == "no such file")
            #expect(try await lane.enqueue(.song, "s9").existing == false)
        }
    }

    @Test func aSongThatLeftTheLibraryIsPassedOver() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            try await lane.store.send("HDEL", lane.store.keys.lane("0", .userSongs, "u"), "s0")
            #expect(try await lane.drain().count == 4)
            let ended = try await lane.job(job.id)
            #expect(ended.state == .completed && ended.failures.isEmpty && ended.skipped == 1)
        }
    }

    @Test func cancellingARunningJobKeepsItsLaneUntilTheWorkerReports() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            let (job, hint) = try await lane.queue.change(jobID: item.job.id, userID: "u", event: .cancelled)
            #expect(job.state == .cancelled && hint.kind == .discard && hint.jobID == job.id)
            #expect(try await lane.enqueue(.song, "s9").hint.kind == .discard)
            let next = try #require(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))))
            #expect(next.song.id == "s9")
            #expect(try await lane.job(job.id).analysed == 0)
        }
    }

    @Test func aPausedJobWaitsUntilItIsResumed() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            let (job, hint) = try await lane.queue.change(jobID: item.job.id, userID: "u", event: .paused)
            #expect(job.state == .paused && hint.kind == .pause)
            #expect(try await lane.exchange(item, .suspended(Suspended())) == nil)
            #expect(try await lane.status().paused == 1)
            let (resumed, wake) = try await lane.queue.change(jobID: job.id, userID: "u", event: .resumed)
            #expect(resumed.state == .interrupted && wake.kind == .wake)
            #expect(try await lane.exchange()?.song == item.song)
        }
    }

    @Test func aPausedJobWhoseLastSongEndedFirstIsComplete() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            let item = try #require(try await lane.exchange())
            _ = try await lane.queue.change(jobID: job.id, userID: "u", event: .paused)
            _ = try await lane.exchange(item, .analysed(Analysed(results: TestLane.results)))
            #expect(try await lane.job(job.id).state == .completed)
        }
    }

    @Test func pendingJobsAreCancelledPausedAndResumed() async throws {
        try await withLane { lane in
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            for (event, state) in [
                (JobEvent.paused, JobState.paused), (.resumed, .interrupted), (.cancelled, .cancelled),
            ] {
                for _ in 1...2 {
                    #expect(try await lane.queue.change(jobID: job.id, userID: "u", event: event).job.state == state)
                }
            }
            await #expect(throws: QueueError.illegal("job \(job.id) is cancelled and cannot be paused")) {
                try await lane.queue.change(jobID: job.id, userID: "u", event: .paused)
            }
            await #expect(throws: QueueError.notFound("there is no job \(job.id)")) {
                try await lane.queue.change(jobID: job.id, userID: "v", event: .cancelled)
            }
        }
    }

    @Test func countersAreRightAfterEverything() async throws {
        try await withLane(limits: QueueLimits(backgroundBatch: 3)) { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.background)
            _ = try await lane.enqueue(.playlist, "p")
            #expect(try await lane.status().audioMsWaiting == 8000)
            let item = try #require(try await lane.exchange())
            _ = try await lane.enqueue(.song, "s9")
            #expect(try await lane.status().waitingHigh == 1)
            let click = try #require(try await lane.exchange(item, .suspended(Suspended())))
            let status = try await lane.status()
            #expect(
                status.inProgress == 1 && status.pending == 2 && status.waitingMedium == 1 && status.waitingLow == 1)
            #expect(status.running.map(\.id) == [click.job.id])
            _ = try await lane.drain(from: click)
            let end = try await lane.status()
            #expect(end == QueueStatus(completed: end.completed))
            #expect(end.completed == 6)
        }
    }
}
