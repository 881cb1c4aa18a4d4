// Estimates that were shown are compared with what then came.

import AnalysisAPI
import RPC
import Testing

@testable import ProgressService

@Suite struct AccuracyTests {
    private static let job = Job(id: "0-5", lane: "0", userID: "ann", priority: .low, sequence: 5)

    @Test func eachMomentOfDelayCountsOnceAndOnlyWhereItBeganLater() {
        var delays = LaneDelays()
        let click = LaneDelays.Delay.Cause.run(jobID: "0-6", priority: 1, sequence: 6)
        delays.add(.init(cause: .held(jobID: "0-5"), beganAtMs: 1_500, fromMs: 1_500, toMs: 3_000))
        delays.add(.init(cause: click, beganAtMs: 500, fromMs: 1_000, toMs: 2_000))
        delays.add(.init(cause: .queuePause, beganAtMs: 5_000, fromMs: 5_000, toMs: 5_100))
        #expect(delays.delayMs(of: Self.job, after: 100) == 2_100)
        #expect(delays.delayMs(of: Self.job, after: 600) == 1_600)
        #expect(delays.delayMs(of: Self.job, after: 2_500) == 100)
        var ahead = Self.job
        (ahead.id, ahead.priority) = ("0-4", .high)
        (ahead.sequence, ahead.lane) = (4, "0")
        #expect(delays.delayMs(of: ahead, after: 100) == 100)
        delays.forget(before: 4_000)
        #expect(delays.delayMs(of: Self.job, after: 100) == 100)
    }

    @Test func songsOfOneJobInARowAreOneDelay() {
        var delays = LaneDelays()
        let playlist = LaneDelays.Delay.Cause.run(jobID: "0-6", priority: 2, sequence: 6)
        for start in stride(from: Int64(1_000), to: 100_000, by: 1_000) {
            delays.add(.init(cause: playlist, beganAtMs: 500, fromMs: start, toMs: start + 990))
        }
        #expect(delays.delays.count == 1 && delays.delays[0].toMs == 99_990)
    }

    @Test func quantilesOfErrorsAreNearTheTruth() {
        var histogram = ErrorHistogram()
        for percent in -20...80 {
            histogram.note(EstimateError(etaMs: 100_000 + 1_000 * Double(percent), takenMs: 100_000))
        }
        let errors = histogram.errors
        #expect(histogram.count == 101 && abs(errors.median - 0.30) < 0.03)
        #expect(abs(errors.medianAbsolute - 0.30) < 0.03 && abs(errors.p90Absolute - 0.70) < 0.06)
        #expect(errors.withinTarget == 41.0 / 101)
        #expect(ErrorHistogram().errors == EstimateErrors())
    }

    @Test func whatDisplacesOrPausesAJobLaterIsLeftOutOfItsAdjustedError() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20))
        let job = lane.enqueue("ann", .background, .alike(20))
        lane.watch(.job(job), ms: 5_000)
        lane.wait(ms: 1)
        _ = lane.enqueue("bob", .song, target: "x1", .alike(3, "x"))
        lane.watch(.job(job), ms: 8_000)
        lane.wait(ms: 1)
        lane.pause(job)
        lane.wait(ms: 4_000)
        lane.resume(job)
        lane.watch(.job(job), ms: 2_000)
        lane.wait(ms: 1)
        lane.freezeQueue(QueuePause(reason: "backup", pausedAtMs: lane.nowMs))
        lane.wait(ms: 6_000)
        lane.resumeQueue()
        lane.watch(.job(job))
        let accuracy = lane.book.accuracy.accuracy(days: 1, nowMs: lane.nowMs)
        let errors = try #require(accuracy.fromFirstTenth)
        #expect(errors.estimates > 80)
        let adjusted = try #require(errors.adjusted)
        #expect(adjusted.withinTarget == 1 && adjusted.medianAbsolute < 0.05)
        // It took longer than was said at first: by three seconds, four and six.
        let early = try #require(accuracy.byFraction[1].unadjusted)
        #expect(abs(early.median + 13.0 / (17 + 13)) < 0.05 && early.withinTarget == 0)
    }

    @Test func theWaitBehindWhatCameLaterIsLeftOutToo() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20))
        _ = lane.enqueue("bob", .playlist, target: "p", .alike(5, "p"))
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(5))
        _ = lane.show(.job(job))
        lane.wait(ms: 1)
        _ = lane.enqueue("bob", .song, target: "x1", .alike(4, "x"))
        lane.watch(.job(job))
        let first = lane.book.accuracy.accuracy(days: 1, nowMs: lane.nowMs).byFraction[0]
        let adjusted = try #require(first.adjusted)
        #expect(adjusted.p90Absolute < 0.05)
    }

    @Test func onlyJobsThatCompletedAreScored() {
        var lane = SimulatedLane()
        for (kind, state) in [(EventKind.cancelled, JobState.cancelled), (.failed, .failed)] {
            let job = lane.enqueue("ann", .playlist, target: "trip", .alike(5, "\(state)"))
            lane.watch(.job(job), ms: 3_000)
            lane.end(job, as: kind, state)
        }
        #expect(lane.book.accuracy.accuracy(days: 1, nowMs: lane.nowMs).byFraction.allSatisfy { $0.estimates == 0 })
    }

    /// A playlist that is asked for later analyses songs of the background work, which then skips them: that takes as long in all,
    /// and an estimate that did not know of the playlist was right.
    @Test func whatAnotherJobDoesOfItsSongsIsNoDelay() throws {
        var lane = SimulatedLane()
        let songs = [SimulatedSong].alike(40, tookMs: 2_000)
        lane.learn(songs)
        let job = lane.enqueue("ann", .background, songs)
        lane.watch(.job(job), ms: 16_000)
        _ = lane.enqueue("ann", .playlist, target: "p", Array(songs[20..<32]) + .alike(3, "others", tookMs: 2_000))
        lane.watch(.job(job))
        let errors = try #require(lane.book.accuracy.accuracy(days: 1, nowMs: lane.nowMs).fromFirstTenth)
        #expect(errors.estimates > 50 && errors.adjusted?.withinTarget == 1)
        #expect(try #require(errors.adjusted).p90Absolute < 0.1)
    }

    @Test func errorsAreKeptForNinetyDays() {
        var log = AccuracyLog()
        let dayMs: Int64 = 86_400_000
        let estimate = ScoredEstimate(fraction: 0.5, etaMs: 1_000, takenMs: 1_000, delayMs: 0)
        for day in 1...200 { log.note([estimate], nowMs: Int64(day) * dayMs) }
        #expect(log.days.count == 90 && log.days.keys.min() == 111 && log.expired == [110])
        #expect(log.accuracy(days: 7, nowMs: 200 * dayMs).byFraction[5].estimates == 7)
    }

    @Test func estimatesAreScoredOverRestartsAndErrorsKept() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            try await surroundings.withQueue {
                try await surroundings.withService { progress in
                    driver.publish(PlayedJob.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    try await progress.send([PlayedJob.report(0.9)])
                    _ = try await progress.job("0-1") { $0.fraction > 0.2 && $0.etaMs != nil }
                }
                let scored = try await surroundings.withService { progress in
                    var ended = PlayedJob.pending
                    (ended.state, ended.analysed, ended.endedAtMs) = (.completed, 4, 9_000_000_000_000)
                    driver.publish(Event(lane: "0", kind: .completed, job: ended))
                    _ = try await progress.job("0-1") { $0.ended }
                    return try await progress.getAccuracy(AccuracyRequest())
                }
                // The job ended a long time after it was said to.
                let tenth = scored.byFraction[2]
                #expect(tenth.estimates == 1 && tenth.adjusted?.withinTarget == 0)
                #expect(scored.fromFirstTenth?.estimates == 1 && (tenth.adjusted?.median ?? 0) < -0.9)
                try await surroundings.withService { progress in
                    // It has read what was kept before it follows the log.
                    driver.publish(Event(lane: "0", kind: .enqueued, job: Self.job))
                    _ = try await progress.job("0-5") { _ in true }
                    let again = try await progress.getAccuracy(AccuracyRequest(days: 1))
                    #expect(again == scored)
                    let error = await #expect(throws: RPCError.self) {
                        try await progress.getAccuracy(AccuracyRequest(days: 91))
                    }
                    #expect(error?.code == .invalidArgument && error?.detail.contains("90 days") == true)
                }
            }
        }
    }
}

extension AccuracyTests {
    /// Lets everybody call everything, for Ann alone where they say so.
    private struct OneUser: AccessPolicy {
        func admit(_ peer: PeerIdentity) throws {}

        func authorize(_ peer: PeerIdentity, method: String, metadata: Metadata) async throws -> Principal {
            metadata["user"].map { .users([$0]) } ?? .everyone
        }
    }

    @Test func whoActsForOneUserIsNotToldHowTrueTheEstimatesOfAllWere() async throws {
        try await withSurroundings { surroundings in
            try await surroundings.withQueue {
                try await surroundings.withService(access: OneUser()) { progress in
                    surroundings.driver.publish(PlayedJob.started())
                    _ = try await progress.job("0-1") { _ in true }
                    let ann = CallOptions(metadata: ["user": "ann"])
                    let error = await #expect(throws: RPCError.self) {
                        try await progress.getAccuracy(AccuracyRequest(), options: ann)
                    }
                    #expect(error?.code == .permissionDenied && error?.detail.contains("all users") == true)
                    #expect(try await progress.getAccuracy(AccuracyRequest()).byFraction.count == 10)
                }
            }
        }
    }
}

extension SimulatedLane {
    /// Lets time pass while somebody looks at a context.
    mutating func watch(_ key: ContextKey, ms: Int64 = .max) {
        run(ms: ms) { _ = $0.show(key) }
    }
}
