// How a lane claims and runs its songs: its decisions, without processes, network or clock.

import AnalysisAPI
import Testing

@testable import AnalysisWorker

@Suite struct LaneStateTests {
    @Test func aGrantedLaneClaimsAndRunsWhatItGets() {
        var lane = Lane()
        let asked = lane.exchange(after: .granted(lease: [1], kept: []))
        #expect(asked == LaneState.Exchange(ticket: 1, lease: [1], report: nil, claim: true))
        let actions = lane.handle(.exchanged(ticket: 1, song("a", epoch: 1)))
        #expect(actions == [.run(lane.running)])
        #expect(lane.held == [held("a", epoch: 1, running: true)])
    }

    @Test func theNextSongIsClaimedWithTheResultOfTheLast() {
        var lane = Lane(running: song("a", epoch: 1))
        let exchange = lane.exchange(after: .analysed(1, result("audio")))
        #expect(exchange?.report?.id == song("a", epoch: 1).item)
        guard case .analysed(let analysed) = exchange?.report?.outcome else { return #expect(Bool(false)) }
        #expect(analysed.results.map(\.json) == [result("audio").json])
        #expect(lane.handle(.exchanged(ticket: 2, song("b", epoch: 2))) == [.run(lane.running)])
        #expect(lane.running.item.jobID == "b")
    }

    @Test func wakingDuringAnExchangeAsksOnceMore() {
        var lane = Lane()
        _ = lane.handle(.granted(lease: [1], kept: []))
        #expect(lane.handle(.woken) == [])
        #expect(lane.exchange(after: .exchanged(ticket: 1, nil))?.ticket == 2)
        #expect(lane.handle(.exchanged(ticket: 2, nil)) == [])
        #expect(lane.exchange(after: .woken)?.ticket == 3)
    }

    @Test func anIdleLaneAsksByItselfAfterAWhile() {
        var lane = Lane()
        _ = lane.handle(.granted(lease: [1], kept: []))
        _ = lane.handle(.exchanged(ticket: 1, nil))
        lane.pass(LaneState.slowPoll - .seconds(1))
        #expect(lane.handle(.renewed) == [])
        lane.pass(.seconds(1))
        #expect(lane.exchange(after: .renewed)?.claim == true)
    }

    @Test func analyzersRunInOrderAndShareTheFraction() {
        var lane = Lane(running: song("a", epoch: 1, analyzers: ["audio", "mood"]))
        #expect(lane.handle(.progressed(1, fraction: 0.5, stage: "")).report?.fraction == 0.25)
        let actions = lane.handle(.analysed(1, result("audio")))
        #expect(actions.first == .run(lane.running))
        #expect(lane.running.analyzer?.name == "mood")
        #expect(lane.handle(.progressed(1, fraction: 0.5, stage: "")).report?.fraction == 0.75)
    }

    @Test func whatOneAnalyzerFailsAtTheOthersStillGive() {
        var lane = Lane(running: song("a", epoch: 1, analyzers: ["audio", "mood"]))
        _ = lane.handle(.failed(1, .unreadable, reason: "not audio"))
        let exchange = lane.exchange(after: .analysed(1, result("mood")))
        guard case .failed(let failed) = exchange?.report?.outcome else { return #expect(Bool(false)) }
        #expect(failed.reason == "not audio")
        #expect(failed.kind == .unreadable)
        #expect(failed.results.map(\.analyzer?.name) == ["mood"])
    }

    @Test func resultsThatFitNoMessageFailTheSong() {
        var lane = Lane(running: song("a", epoch: 1))
        let large = AnalysisResult(json: Array(repeating: 32, count: Run.maximumResultBytes + 1))
        guard case .failed(let failed) = lane.exchange(after: .analysed(1, large))?.report?.outcome
        else { return #expect(Bool(false)) }
        #expect(failed.kind == .limit)
    }

    @Test func whatIsKnownOfAnIdenticalFileIsReportedInPlaceOfAnAnalysis() {
        var lane = Lane(running: song("a", epoch: 1))
        let audio = AnalyzerVersion(name: "audio", version: "1")
        #expect(lane.handle(.identified(1, fileHash: [7])) == [.find(1, audio, fileHash: [7])])
        let actions = lane.handle(.found(1, audio, result("audio")))
        #expect(actions.first == .skip(1))
        #expect(actions.exchange?.report?.credited == ["audio"])
        #expect(actions.exchange?.report?.outcome == .analysed(Analysed(results: [result("audio")])))
    }

    @Test func whatIsNotKnownIsAnalysedAndSoIsWhatIsForced() {
        var lane = Lane(running: song("a", epoch: 1))
        let audio = AnalyzerVersion(name: "audio", version: "1")
        _ = lane.handle(.identified(1, fileHash: [7]))
        #expect(lane.handle(.found(1, audio, nil)) == [.proceed(1)])
        #expect(lane.exchange(after: .analysed(1, result("audio")))?.report?.credited == [])

        var wish = song("b", epoch: 1)
        wish.force = true
        var forced = Lane(running: wish)
        #expect(forced.handle(.identified(1, fileHash: [7])) == [.proceed(1)])
    }

    @Test func aFrozenSongThatIsKnownIsDoneWhenItGoesOn() {
        var lane = Lane(running: song("a", epoch: 1))
        let audio = AnalyzerVersion(name: "audio", version: "1")
        _ = lane.handle(.identified(1, fileHash: [7]))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        #expect(lane.handle(.found(1, audio, result("audio"))) == [.skip(1)])
        let exchange = lane.exchange(after: .exchanged(ticket: 2, song("a", epoch: 2)))
        #expect(exchange?.report?.id == song("a", epoch: 2).item)
        #expect(exchange?.report?.credited == ["audio"])
    }

    @Test func aLateAnswerIsNotTakenForAnotherAnalyzers() {
        var lane = Lane(running: song("a", epoch: 1, analyzers: ["audio", "mood"]))
        _ = lane.handle(.identified(1, fileHash: [7]))
        _ = lane.handle(.failed(1, .timedOut, reason: "silent"))
        let audio = AnalyzerVersion(name: "audio", version: "1")
        #expect(lane.handle(.found(1, audio, result("audio"))) == [])
        #expect(lane.running.analyzer?.name == "mood")
    }

    @Test func aCrashFailsTheSongAndTheLaneGoesOn() {
        var lane = Lane(running: song("a", epoch: 1))
        let exchange = lane.exchange(after: .childFailed(1, .crashed, reason: "it crashed"))
        guard case .failed(let failed) = exchange?.report?.outcome else { return #expect(Bool(false)) }
        #expect(failed.kind == .crashed)
        #expect(exchange?.claim == true)
    }

    @Test func aFrozenChildThatDiesOnlyMakesItsSongStartAgain() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        #expect(lane.handle(.childFailed(1, .limit, reason: "killed")) == [])
        _ = lane.handle(.exchanged(ticket: 2, song("a", epoch: 2)))
        #expect(lane.running.id == 2)
    }
}
