// What is promised about when something is wrong, and that a little less is neither wrong nor well.

import AnalysisAPI
import Testing

@testable import QueueService

@Suite struct AlertConditionTests {
    static let now: Int64 = 1_000_000_000_000
    static let worker = WorkerStatus(id: "w")

    /// What of a kind is seen.
    private func seen(
        _ kind: AlertKind, _ observation: AlertObservation, tally: FailureTally = FailureTally(),
        rules: AlertRules = AlertRules()
    ) -> [AlertCondition] {
        observation.conditions(tally, rules: rules).filter { $0.key.kind == kind.rawValue }
    }

    private func observation(_ change: (inout AlertObservation) -> Void = { _ in }) -> AlertObservation {
        var observation = AlertObservation(atMs: Self.now, workers: [Self.worker])
        change(&observation)
        return observation
    }

    @Test func allIsWellWithAWorkerAndNothingToDo() {
        #expect(observation().conditions(FailureTally(), rules: AlertRules()).isEmpty)
    }

    @Test(arguments: [(1001, AlertCondition.Standing.wrong), (1000, .between), (801, .between), (800, nil)])
    func tooManyJobs(waiting: Int, standing: AlertCondition.Standing?) {
        #expect(seen(.queueBackedUp, observation { $0.waiting = UInt64(waiting) }).first?.standing == standing)
    }

    @Test func aThresholdOfNothingIsNone() {
        var rules = AlertRules()
        rules.waitingJobs = 0
        rules.longestWait = [:]
        let busy = observation {
            $0.waiting = 1_000_000
            $0.oldestMs = [.low: 1]
        }
        #expect(busy.conditions(FailureTally(), rules: rules).isEmpty)
    }

    @Test func eachClassHasAWaitOfItsOwn() {
        let waits = observation { $0.oldestMs = [.high: Self.now - 121_000, .medium: Self.now - 121_000] }
        #expect(seen(.oldestWait, waits).map(\.key.subject) == ["high"])
        #expect(seen(.oldestWait, waits).first?.severity == .critical)
        #expect(seen(.oldestWait, waits).first?.summary.contains("2 minutes") == true)
    }

    @Test func aPauseExplainsThatAllWaits() {
        let paused = observation {
            $0.isPaused = true
            $0.workers = []
            $0.oldestMs = [.high: 0]
        }
        #expect(paused.conditions(FailureTally(), rules: AlertRules()).isEmpty)
    }

    @Test func noWorkerIsCritical() {
        #expect(seen(.noWorker, observation { $0.workers = [] }).map(\.severity) == [.critical])
    }

    @Test func aSongThatDoesNotMoveIsAStuckWorker() {
        func seen(_ process: AnalyzerProcess) -> [AlertCondition] {
            let worker = WorkerStatus(id: "w", diagnostics: WorkerDiagnostics(processes: [process]))
            return self.seen(.workerStuck, observation { $0.workers = [worker] })
        }
        #expect(seen(AnalyzerProcess(analyzer: "audio", stuckSinceMs: Self.now - 121_000)).map(\.key.subject) == ["w"])
        #expect(seen(AnalyzerProcess(analyzer: "audio", stuckSinceMs: Self.now - 90_000)).isEmpty)
        #expect(seen(AnalyzerProcess(analyzer: "audio", frozen: true, stuckSinceMs: 1)).isEmpty)
    }

    @Test func failuresCountAmongEnoughSongsOfTheLastTime() {
        func tally(failed: Int, analysed: Int, agoMs: Int64) -> FailureTally {
            var tally = FailureTally()
            for index in 0..<failed + analysed {
                let event = index < failed ? "song_failed" : "song_analysed"
                tally.note(event, userID: "u", songID: "s\(index)", reason: "", atMs: Self.now - agoMs)
            }
            return tally
        }
        func seen(_ tally: FailureTally) -> AlertCondition? {
            self.seen(.failureRate, observation(), tally: tally).first
        }
        #expect(seen(tally(failed: 6, analysed: 14, agoMs: 60_000))?.standing == .wrong)
        #expect(seen(tally(failed: 5, analysed: 15, agoMs: 60_000))?.standing == .between)
        #expect(seen(tally(failed: 19, analysed: 0, agoMs: 60_000)) == nil)
        #expect(seen(tally(failed: 20, analysed: 0, agoMs: 16 * 60_000)) == nil)
    }

    @Test func aSongThatFailsAgainAndAgainIsOfItsUserUntilItPasses() {
        var tally = FailureTally()
        for _ in 1...3 { tally.note("song_failed", userID: "u", songID: "s", reason: "damaged", atMs: Self.now) }
        tally.note("song_failed", userID: "other", songID: "s", reason: "damaged", atMs: Self.now)
        let wrong = seen(.songFailing, observation(), tally: tally).filter { $0.standing == .wrong }
        #expect(wrong.map(\.key) == [AlertKey(.songFailing, "s", userID: "u")])
        #expect(wrong.first?.summary.contains("damaged") == true)
        tally.note("song_analysed", userID: "u", songID: "s", reason: "", atMs: Self.now)
        #expect(seen(.songFailing, observation(), tally: tally).allSatisfy { $0.key.userID == "other" })
        tally.prune(atMs: Self.now + 2 * 86_400_000)
        #expect(seen(.songFailing, observation(), tally: tally).isEmpty)
    }

    @Test func anAnalyzerInWhichSongsFailIsNamedBeforeAndWhenItsCircuitOpens() {
        #expect(seen(.analyzerFailing, observation { $0.failingSongs = ["audio": 5] }).map(\.key.subject) == ["audio"])
        #expect(seen(.analyzerFailing, observation { $0.failingSongs = ["audio": 4] }).first?.standing == .between)
        #expect(seen(.analyzerFailing, observation { $0.failingSongs = ["audio": 0] }).isEmpty)
        let breaker = CircuitBreaker(analyzer: "audio", songs: 10, reason: "no such module")
        #expect(
            seen(.circuitOpen, observation { $0.breakers = [breaker] }).first?.summary.contains("no such module")
                == true)
    }

    @Test(arguments: [(0.86, AlertCondition.Standing.wrong), (0.84, .between), (0.80, nil)])
    func redisMemory(share: Double, standing: AlertCondition.Standing?) {
        #expect(seen(.redisMemory, observation { $0.memory = (share * 1e9, 1e9) }).first?.standing == standing)
        #expect(seen(.redisMemory, observation { $0.memory = (1, 0) }).isEmpty)
    }
}
