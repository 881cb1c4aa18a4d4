// What the scripts promise about jobs and their order, one lane at a time.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct LaneQueueTests {
    @Test func orderIsByClassThenFirstComeFirstServed() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            let background = try #require(try await lane.enqueue(.background).job)
            let playlist = try #require(try await lane.enqueue(.playlist, "p").job)
            let first = try #require(try await lane.enqueue(.song, "s8").job)
            let second = try #require(try await lane.enqueue(.song, "s1").job)
            let other = try #require(try await lane.enqueue(.playlist, "p", user: "v").job)
            let done = try await lane.drain()
            #expect(done.prefix(2) == ["\(first.id) s8", "\(second.id) s1"])
            #expect(
                done[2..<6] == ["\(playlist.id) s0", "\(playlist.id) s2", "\(playlist.id) s3", "\(playlist.id) s4"])
            #expect(done[6..<11].allSatisfy { $0.hasPrefix("\(other.id) ") })
            #expect(
                done[11...] == [
                    "\(background.id) s5", "\(background.id) s6", "\(background.id) s7", "\(background.id) s9",
                ])
        }
    }

    @Test func highJobDisplacesARunningLowJob() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.background)
            let low = try #require(try await lane.exchange())
            let click = try await lane.enqueue(.song, "s7")
            #expect(click.hint.kind == .preempt && click.hint.jobID == low.job.id && click.hint.epoch == low.job.epoch)
            #expect(click.hint.worker == "w")

            let high = try #require(try await lane.exchange(low, .suspended(Suspended())))
            #expect(high.song.id == "s7" && high.job.id == click.job?.id)
            #expect(try await lane.job(low.job.id).state == .interrupted)
            let back = try #require(try await lane.exchange(high, .analysed(Analysed(results: TestLane.results))))
            #expect(back.job.id == low.job.id && back.song.id == low.song.id && back.job.epoch == low.job.epoch + 1)
        }
    }

    @Test func theSameClassDisplacesNothing() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1")
            _ = try await lane.exchange()
            #expect(try await lane.enqueue(.song, "s2").hint.kind == .none)
        }
    }

    @Test func anItemThatIsStillFirstComesBackToItsWorker() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            let click = try #require(try await lane.enqueue(.song, "s7").job)
            _ = try await lane.queue.change(jobID: click.id, userID: "u", event: .cancelled)
            let same = try #require(try await lane.exchange(item, .suspended(Suspended())))
            #expect(same.job.id == item.job.id && same.song == item.song && same.job.epoch > item.job.epoch)
            #expect(try await !lane.events().contains { $0.kind == .interrupted })
        }
    }

    @Test func anInterruptedJobKeepsItsPlace() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            let first = try #require(try await lane.enqueue(.playlist, "p").job)
            let item = try #require(try await lane.exchange())
            _ = try await lane.enqueue(.playlist, "p", user: "v")
            _ = try await lane.enqueue(.song, "s9")
            let click = try #require(try await lane.exchange(item, .suspended(Suspended())))
            let next = try #require(try await lane.exchange(click, .analysed(Analysed(results: TestLane.results))))
            #expect(next.job.id == first.id && next.job.cursor == 0)
        }
    }

    @Test func aClickOnTheRunningSongTakesItOverAndCreditsBoth() async throws {
        try await withLane { lane in
            try await lane.hold()
            let playlist = try #require(try await lane.enqueue(.playlist, "p").job)
            let item = try #require(try await lane.exchange())
            let click = try #require(try await lane.enqueue(.song, item.song.id).job)
            let taken = try #require(try await lane.exchange(item, .suspended(Suspended())))
            #expect(taken.job.id == click.id && taken.song == item.song)
            let done = try await lane.drain(from: taken)
            #expect(done.count == 5)
            let ended = try await lane.job(playlist.id)
            #expect(ended.state == .completed && ended.analysed == 4 && ended.skipped == 1)
        }
    }

    @Test func aForcedJobIsCreditedWithWhatWasAnalysedAfterItWasAskedFor() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            _ = try await lane.drain()
            #expect(try await lane.enqueue(.playlist, "p").job == nil)
            let forced = try await lane.enqueue(.playlist, "p", force: true)
            #expect(forced.queued == 5)
            let item = try #require(try await lane.exchange())
            let click = try #require(try await lane.enqueue(.song, "s3", force: true).job)
            let clicked = try #require(try await lane.exchange(item, .suspended(Suspended())))
            #expect(clicked.job.id == click.id)
            #expect(try await lane.drain(from: clicked).count == 5)
            #expect(try await lane.job(forced.job?.id ?? "").skipped == 1)
        }
    }

    @Test func aStaleItemIsRefusedAndChangesNothing() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1")
            let item = try #require(try await lane.exchange())
            let before = try await lane.events().count
            for (epoch, claim) in [(item.job.epoch + 1, item.claim), (item.job.epoch, [1, 2, 3])] {
                var job = item.job
                job.epoch = epoch
                await #expect(throws: QueueError.self) {
                    try await lane.exchange(
                        Item(job: job, claim: claim, song: item.song), .analysed(Analysed(results: TestLane.results)))
                }
            }
            _ = try await lane.queue.release(worker: "w", lease: lane.lease)
            try await lane.hold("another")
            await #expect(throws: QueueError.stale("the worker does not hold lane 0")) {
                try await lane.exchange(item, .analysed(Analysed(results: TestLane.results)))
            }
            #expect(try await lane.events().dropFirst(before).map(\.kind) == [.workerLost])
            #expect(try await lane.job(item.job.id).analysed == 0)
        }
    }

    @Test func aReportWhoseReplyWasLostIsRecordedOnce() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            let item = try #require(try await lane.exchange())
            let lost = try #require(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))))
            let again = try #require(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))))
            #expect(again.song == lost.song && again.job.epoch == lost.job.epoch + 1)
            #expect(try await lane.job(job.id).analysed == 1)
            await #expect(throws: QueueError.self) { try await lane.exchange(lost, .suspended(Suspended())) }
        }
    }

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

    @Test func aSongThatLeftTheLibraryFailsAndTheJobGoesOn() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            try await lane.store.send("HDEL", lane.store.keys.lane("0", .userSongs, "u"), "s0")
            #expect(try await lane.drain().count == 4)
            let ended = try await lane.job(job.id)
            #expect(ended.state == .completed && ended.failures.map(\.songID) == ["s0"])
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

    @Test func aLaneHasOneHolderAndALostItemGoesOnWithTheNext() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            let item = try #require(try await lane.exchange())
            guard case .taken = try await lane.hold("another") else { return #expect(Bool(false), "two holders") }
            guard case .held(false, _, let kept) = try await lane.hold(items: [item.held]) else {
                return #expect(Bool(false), "not renewed")
            }
            #expect(kept == [item.held])

            _ = try await lane.queue.release(worker: "w", lease: lane.lease)
            #expect(try await lane.job(job.id).state == .pending)
            try await lane.hold()
            #expect(try await lane.exchange()?.song == item.song)
        }
    }

    @Test func aWorkerThatComesBackKeepsWhatItRuns() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            let held = try await lane.queue.hold(worker: "w", lease: [9], length: .seconds(60), items: [item.held])
            guard case .held(true, _, let kept) = held else { return #expect(Bool(false), "not granted") }
            #expect(kept == [item.held])
            #expect(try await lane.job(item.job.id).state == .inProgress)
        }
    }

    @Test func aWorkerThatComesBackWithoutWhatItRanGivesItBack() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            _ = try await lane.queue.hold(worker: "w", lease: [9], length: .seconds(60), items: [])
            #expect(try await lane.job(item.job.id).state == .pending)
            let last = try await lane.events().last
            #expect(last?.kind == .workerLost && last?.songID == item.song.id)
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
