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

    /// Of the estimates from the first tenth of a job on, nine in ten are within a fifth or two seconds of the time then
    /// taken, less what displaced the job later; half within 7 %.
    @Test(arguments: [UInt64(1), 2, 3])
    func estimatesOfASimulatedQueueAreTrue(seed: UInt64) {
        var random = SeededRandom(state: seed)
        var lane = SimulatedLane()
        var estimates: [(jobID: String, atMs: Int64, etaMs: Double)] = []
        var nextClickMs = lane.nowMs + 8_000
        var clicks: [String] = []
        for round in 1...10 {
            _ = lane.enqueue("ann", .background, .mixed(12, "b\(round)-", msPerSecond: 9, &random))
            _ = lane.enqueue("bob", .playlist, target: "p\(round)", .mixed(6, "p\(round)-", msPerSecond: 9, &random))
            lane.run { lane in
                for (jobID, simulated) in lane.jobs where simulated.endedAtMs == nil {
                    guard let view = lane.show(.job(jobID)), let etaMs = view.etaMs, view.fraction >= 0.1 else {
                        continue
                    }
                    estimates.append((jobID, lane.nowMs, Double(etaMs)))
                }
                if lane.nowMs > nextClickMs {
                    let songs = [SimulatedSong].mixed(1, "c\(clicks.count)-", msPerSecond: 9, &random)
                    clicks.append(lane.enqueue("ann", .song, target: songs[0].id, songs))
                    nextClickMs += 8_000 + Int64.random(in: 0...20_000, using: &random)
                    if clicks.count == 10 { lane.book = lane.book.restarted(nowMs: lane.nowMs) }
                }
            }
        }
        let errors = estimates.compactMap { estimate -> (relative: Double, isClose: Bool)? in
            guard let endedAtMs = lane.jobs[estimate.jobID]?.endedAtMs else { return nil }
            let displacedMs = lane.displacedMs(estimate.jobID, from: estimate.atMs, to: endedAtMs)
            let taken = Double(endedAtMs - estimate.atMs) - displacedMs
            let error = abs(estimate.etaMs - taken)
            return (error / max(taken, 1), error <= max(0.2 * taken, 2_000))
        }
        #expect(errors.count > 5_000 && clicks.count > 10)
        #expect(Double(errors.filter(\.isClose).count) >= 0.9 * Double(errors.count))
        #expect(errors.map(\.relative).sorted()[errors.count / 2] < 0.07)
    }
}

extension SimulatedLane {
    /// How long jobs that came after `fromMs` and go before a job ran until it ended.
    fileprivate func displacedMs(_ jobID: String, from fromMs: Int64, to endMs: Int64) -> Double {
        guard let displaced = jobs[jobID]?.job else { return 0 }
        let later = jobs.values.filter {
            $0.job.createdAtMs >= fromMs && $0.job.createdAtMs < endMs && $0.job.precedes(displaced)
        }
        return later.flatMap(\.songs).reduce(0) { $0 + $1.tookMs }
    }
}

