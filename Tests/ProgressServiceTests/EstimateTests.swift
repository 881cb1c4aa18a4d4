import AnalysisAPI
import Testing

@testable import ProgressService

@Suite struct EstimateTests {
    @Test func theCostOfSongsIsLearnedWithItsFixedPart() {
        var costs = CostModel()
        var random = SeededRandom(state: 7)
        for _ in 0..<60 {
            let seconds = Double.random(in: 20...1200, using: &random)
            costs.learn(analyzers: "audio@1", audioMs: seconds * 1000, tookMs: 400 + seconds * 9)
        }
        let short = costs.workMs(songs: 1, audioMs: 20_000)
        let long = costs.workMs(songs: 1, audioMs: 1_200_000)
        #expect(abs(short - 580) < 60)
        #expect(abs(long - 11_200) < 600)
    }

    @Test func anOutlierHardlyMovesTheCostAndALastingChangeDoes() {
        var costs = CostModel()
        for _ in 0..<30 { costs.learn(analyzers: "audio@1", audioMs: 200_000, tookMs: 1_000) }
        costs.learn(analyzers: "audio@1", audioMs: 200_000, tookMs: 100_000)
        #expect(costs.workMs(songs: 1, audioMs: 200_000) < 1_150)
        for _ in 0..<40 { costs.learn(analyzers: "audio@1", audioMs: 200_000, tookMs: 3_000) }
        #expect(costs.workMs(songs: 1, audioMs: 200_000) > 2_200)
    }

    @Test func theFirstSongsTellMoreThanTheDefault() {
        var costs = CostModel()
        costs.learn(analyzers: "slow@1", audioMs: 200_000, tookMs: 60_000)
        #expect(abs(costs.workMs(songs: 1, audioMs: 100_000) - 30_000) < 3_000)
        #expect(abs(costs.workMs(songs: 1, audioMs: 200_000) - 60_000) < 3_000)
    }

    @Test func eachSetOfAnalyzersHasItsOwnCost() {
        var costs = CostModel()
        for _ in 0..<5 { costs.learn(analyzers: "audio@1", audioMs: 200_000, tookMs: 1_000) }
        for _ in 0..<5 { costs.learn(analyzers: "audio@1 mood@2", audioMs: 200_000, tookMs: 9_000) }
        #expect(costs.workMs(songs: 1, audioMs: 200_000, analyzers: "audio@1") < 1_100)
        #expect(costs.workMs(songs: 1, audioMs: 200_000) > 8_000)
    }

    @Test func unknownLengthsCountAsTheAverage() {
        var costs = CostModel()
        for _ in 0..<10 { costs.learn(analyzers: "audio@1", audioMs: 100_000, tookMs: 500) }
        #expect(abs(costs.workMs(songs: 4, audioMs: 0) - 2_000) < 100)
    }

    @Test func aSongWithoutLengthLeavesWhatWasLearned() {
        var costs = CostModel()
        for seconds in 1...60 {
            costs.learn(analyzers: "audio@1", audioMs: Double(seconds) * 1000, tookMs: Double(seconds) * 9)
        }
        let before = costs.workMs(songs: 1, audioMs: 200_000)
        costs.learn(analyzers: "audio@1", audioMs: 0, tookMs: 5)
        costs.learn(analyzers: "audio@1", audioMs: 60_000, tookMs: 540)
        #expect(abs(costs.workMs(songs: 1, audioMs: 200_000) - before) < 0.2 * before)
    }

    @Test func theCountdownGoesOnWhereTheClockIsSetBack() {
        var countdown = Countdown(estimateMs: 60_000, nowMs: 3_600_000)
        countdown.advance(estimateMs: 60_000, nowMs: 0)
        countdown.advance(estimateMs: 50_000, nowMs: 10_000)
        #expect(abs(countdown.shownMs - 50_000) < 1)
    }

    @Test func theCountdownNeverRisesNorJumpsAndMeetsTheEstimate() {
        for wrong in [0.4, 0.7, 1.5, 3.0] {
            // It shows `wrong` times what remains; from then on the estimate is right.
            var countdown = Countdown(estimateMs: 60_000 * wrong, nowMs: 0)
            var last = countdown.shownMs
            for now in stride(from: Int64(100), through: 50_000, by: 100) {
                countdown.advance(estimateMs: Double(60_000 - now), nowMs: now)
                #expect(countdown.shownMs <= last && countdown.shownMs > last * 0.9)
                last = countdown.shownMs
            }
            #expect(abs(last - 10_000) < 700, "\(wrong)")
        }
    }

    @Test func anEstimateCountsTheWorkAhead() throws {
        var lane = SimulatedLane()
        let first = lane.enqueue("ann", .background, .alike(20))
        lane.run { _ in }
        #expect(lane.view(.job(first))?.fraction == 1)
        let ahead = lane.enqueue("bob", .playlist, target: "x", .alike(5, "x"))
        let mine = lane.enqueue("ann", .playlist, target: "trip", .alike(5, "m"))
        let song = lane.enqueue("ann", .song, target: "q1", .alike(1, "q"))
        for (job, seconds) in [(song, 1.0), (ahead, 6.0), (mine, 11.0)] {
            let etaMs = Double(try #require(lane.view(.job(job))?.etaMs))
            #expect(abs(etaMs / 1000 - seconds) < 0.2 * seconds, "\(job)")
        }
    }

    @Test func frozenAndPausedTimeIsNotLearned() throws {
        var lane = SimulatedLane()
        let slow = lane.enqueue("ann", .playlist, target: "trip", .alike(2, tookMs: 4_000))
        lane.run(ms: 2_000)
        lane.pause(slow)
        lane.wait(ms: 3_600_000)
        lane.resume(slow)
        lane.run()
        #expect(abs(lane.book.costs.workMs(songs: 1, audioMs: 200_000) - 4_000) < 400)
    }

    @Test func aLibraryCountsWhatIsNotQueuedYet() throws {
        let library = ContextKey.library(userID: "ann")
        var lane = SimulatedLane()
        lane.book.open(library, kept: nil, nowMs: lane.nowMs)
        lane.learn(.alike(20))
        _ = lane.enqueue("ann", .background, .alike(10))
        let coverage = Coverage(total: 40, analysed: 0, audioMs: 40 * 200_000)
        let ticket = lane.book.ask(library) ?? 0
        _ = lane.book.learn(coverage, of: library, ticket: ticket, nowMs: lane.nowMs)
        let etaMs = Double(try #require(lane.view(library)?.etaMs))
        #expect(abs(etaMs - 40_000) < 4_000)
    }

    @Test func whatOthersWillHaveAnalysedIsNotCountedTwice() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20))
        let background = lane.enqueue("ann", .background, .alike(20))
        let playlist = lane.enqueue("ann", .playlist, target: "trip", Array([SimulatedSong].alike(20).suffix(8)))
        for (job, seconds) in [(playlist, 8.0), (background, 20.0)] {
            let etaMs = Double(try #require(lane.view(.job(job))?.etaMs))
            #expect(abs(etaMs / 1000 - seconds) < 0.05 * seconds, "\(job)")
        }
        lane.run(ms: 9_000)
        let etaMs = Double(try #require(lane.view(.job(background))?.etaMs))
        #expect(abs(etaMs - 11_000) < 600)
        lane.run()
        #expect(lane.view(.job(background))?.job?.skipped == 8 && lane.nowMs == 1_000_020_000)
    }

    @Test func aCountdownGoesOnOverARestart() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20, tookMs: 2_000))
        let job = lane.enqueue("ann", .background, .alike(20, tookMs: 2_000))
        lane.run(ms: 6_000) { _ = $0.show(.job(job)) }
        let before = Double(try #require(lane.show(.job(job))?.etaMs))
        lane.stopService()
        lane.run(ms: 1_500)
        lane.startService()
        let after = Double(try #require(lane.show(.job(job))?.etaMs))
        #expect(abs(before - 1_500 - after) < 0.1 * before)
    }
}
