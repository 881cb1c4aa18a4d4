// What the scripts promise about who runs what, one lane at a time.

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

    @Test func scriptsOrderJobsAsTheRulesSay() async throws {
        try await withLane { lane in
            for (type, target) in [(JobType.background, ""), (.playlist, "p"), (.song, "s1")] {
                let job = try #require(try await lane.enqueue(type, target).job)
                let line = lane.store.keys.lane("0", type == .background ? .readyBackground : .ready)
                let score = try await lane.store.send("ZSCORE", line, job.id).double
                #expect(score == JobOrder.score(rank: type.priority.rank ?? -1, sequence: job.sequence))
            }
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
            // Times are in milliseconds: what was analysed in this one would count as analysed after it.
            try await Task.sleep(for: .milliseconds(5))
            let forced = try await lane.enqueue(.playlist, "p", force: true)
            #expect(forced.queued == 5)
            try await Task.sleep(for: .milliseconds(5))
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
}
