// A lane's decisions, without processes, network or clock.

import AnalysisAPI
import Testing

@testable import AnalysisWorker

@Suite struct LaneStateTests {
    // Claiming

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

    // Preempting

    @Test func preemptFreezesBeforeItAsks() {
        var lane = Lane(running: song("low", epoch: 1, priority: .low))
        let actions = lane.handle(.preempted(jobID: "low", epoch: 1))
        #expect(actions.first == .freeze(1))
        #expect(actions.exchange?.report == ItemReport(song("low", epoch: 1).item, .suspended(Suspended())))
        #expect(lane.handle(.exchanged(ticket: 2, song("high", epoch: 2))) == [.run(lane.running)])
        #expect(lane.held == [held("low", epoch: 1, running: false), held("high", epoch: 2, running: true)])
    }

    @Test func theOwnItemComingBackThawsTheSameRun() {
        var lane = Lane(running: song("low", epoch: 1))
        _ = lane.handle(.preempted(jobID: "low", epoch: 1))
        _ = lane.handle(.exchanged(ticket: 2, song("low", epoch: 2)))
        #expect(lane.running.id == 1)
        #expect(lane.running.item.epoch == 2)
    }

    @Test func whicheverJobAsksForAFrozenSongThawsIt() {
        var lane = Lane(running: song("playlist", epoch: 1, songID: "s"))
        _ = lane.handle(.progressed(1, fraction: 0.5, stage: "decoding"))
        _ = lane.handle(.preempted(jobID: "playlist", epoch: 1))
        let actions = lane.handle(.exchanged(ticket: 2, song("click", epoch: 1, songID: "s")))
        #expect(lane.running.id == 1)
        // The click shows at once how far the song is.
        #expect(actions.report?.jobID == "click")
        #expect(actions.report?.fraction == 0.5)
    }

    @Test func anotherUsersFrozenSongIsNotThawed() {
        var lane = Lane(running: song("a", epoch: 1, user: "ann", songID: "s"))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        _ = lane.handle(.exchanged(ticket: 2, song("b", epoch: 1, user: "bob", songID: "s")))
        #expect(lane.running.id == 2)
    }

    @Test func aStalePreemptChangesNothing() {
        var lane = Lane(running: song("a", epoch: 5))
        #expect(lane.handle(.preempted(jobID: "a", epoch: 4)) == [])
        #expect(lane.running.item.epoch == 5)
    }

    @Test func aPreemptOfAnotherJobsEqualEpochIsStale() {
        var lane = Lane(running: song("click", epoch: 1))
        #expect(lane.handle(.preempted(jobID: "playlist", epoch: 1)) == [])
        #expect(lane.running.item.jobID == "click")
    }

    @Test func aPreemptThatOvertakesItsAssignmentStillCounts() {
        var lane = Lane()
        _ = lane.handle(.granted(lease: [1], kept: []))
        #expect(lane.handle(.preempted(jobID: "low", epoch: 7)) == [])
        let exchange = lane.exchange(after: .exchanged(ticket: 1, song("low", epoch: 7)))
        #expect(exchange?.report == ItemReport(song("low", epoch: 7).item, .suspended(Suspended())))
    }

    @Test func aSongThatEndedAsItWasFrozenIsReportedWhenItIsNext() {
        var lane = Lane(running: song("low", epoch: 1))
        _ = lane.handle(.preempted(jobID: "low", epoch: 1))
        _ = lane.handle(.analysed(1, result("audio")))
        _ = lane.handle(.exchanged(ticket: 2, song("high", epoch: 2)))
        _ = lane.handle(.analysed(2, result("audio")))
        let exchange = lane.exchange(after: .exchanged(ticket: 3, song("low", epoch: 3)))
        #expect(exchange?.report?.id == song("low", epoch: 3).item)
        guard case .analysed = exchange?.report?.outcome else { return #expect(Bool(false)) }
    }

    @Test func atMostTwoStayFrozenAndTheLowestClassFallsFirst() {
        var lane = Lane(running: song("medium", epoch: 1, priority: .medium))
        for (epoch, priority) in [(2, Priority.low), (3, .low), (4, .high)] {
            _ = lane.handle(.preempted(jobID: lane.running.item.jobID, epoch: UInt64(epoch - 1)))
            let actions = lane.handle(
                .exchanged(ticket: lane.ticket, song("job\(epoch)", epoch: UInt64(epoch), priority: priority)))
            #expect(actions.contains(.kill(2)) == (epoch == 4))
        }
        #expect(lane.held.map(\.jobID) == ["medium", "job3", "job4"])
    }

    @Test func frozenTimeIsLeftOut() {
        var lane = Lane(running: song("a", epoch: 1))
        lane.pass(.seconds(2))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        lane.pass(.seconds(100))
        _ = lane.handle(.exchanged(ticket: 2, song("a", epoch: 2)))
        lane.pass(.seconds(1))
        #expect(lane.handle(.progressed(1, fraction: 0.1, stage: "")).report?.runningMs == 3000)
        guard case .analysed(let analysed) = lane.exchange(after: .analysed(1, result("audio")))?.report?.outcome
        else { return #expect(Bool(false)) }
        #expect(analysed.results.map(\.tookMs) == [3000])
    }

    // Several analyzers

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

    // Discarding

    @Test func aDiscardedItemIsGivenUpOnlyWhenItsChildIsDead() {
        var lane = Lane(running: song("a", epoch: 1))
        #expect(lane.handle(.discarded(jobID: "a", epoch: 1)) == [.kill(1)])
        #expect(lane.handle(.analysed(1, result("audio"))) == [])
        let exchange = lane.exchange(after: .killed(1))
        #expect(exchange?.report == ItemReport(song("a", epoch: 1).item, .released(Released())))
        #expect(exchange?.claim == true)
    }

    @Test func aDiscardedFrozenItemIsKilledAndForgotten() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        _ = lane.handle(.exchanged(ticket: 2, song("b", epoch: 2)))
        #expect(lane.handle(.discarded(jobID: "a", epoch: 1)) == [.kill(1)])
        #expect(lane.held.map(\.jobID) == ["b"])
    }

    @Test func cancellingAClickFreezesTheSongAgainForTheJobThatItWasTakenFrom() {
        var lane = Lane(clicked: "click", onto: "playlist")
        let actions = lane.handle(.discarded(jobID: "click", epoch: 1))
        #expect(actions.first == .freeze(1))
        #expect(actions.exchange?.report == ItemReport(song("click", epoch: 1).item, .released(Released())))
        #expect(lane.held.contains(held("playlist", epoch: 1, running: false)))
        lane.pass(.seconds(100))
        _ = lane.handle(.exchanged(ticket: lane.ticket, song("playlist", epoch: 2, songID: "s")))
        #expect(lane.running.id == 1)
        // The time in between is left out.
        #expect(lane.handle(.progressed(1, fraction: 0.6, stage: "")).report?.runningMs == 0)
        #expect(lane.handle(.discarded(jobID: "playlist", epoch: 2)) == [.kill(1)])
    }

    @Test func cancellingAPausedClickLeavesTheSongFrozenForTheOtherJob() {
        var lane = Lane(clicked: "click", onto: "playlist")
        _ = lane.handle(.preempted(jobID: "click", epoch: 1))
        #expect(lane.handle(.discarded(jobID: "click", epoch: 1)) == [])
        _ = lane.handle(.exchanged(ticket: lane.ticket, song("playlist", epoch: 2, songID: "s")))
        #expect(lane.running.id == 1)
    }

    @Test func aSongIsGivenUpWhenNoJobWantsItAnyMore() {
        var lane = Lane(clicked: "click", onto: "playlist")
        #expect(lane.handle(.discarded(jobID: "playlist", epoch: 1)) == [])
        #expect(lane.handle(.discarded(jobID: "click", epoch: 1)) == [.kill(1)])
    }

    @Test func aDiscardOfAnEarlierClaimIsStale() {
        var lane = Lane(running: song("a", epoch: 2))
        #expect(lane.handle(.discarded(jobID: "a", epoch: 1)) == [])
    }

    // The lease

    @Test func aStaleLeaseFreezesAndARenewedOneThaws() {
        var lane = Lane(running: song("a", epoch: 1))
        #expect(lane.handle(.leaseWentStale) == [.freeze(1)])
        lane.pass(.seconds(10))
        #expect(lane.handle(.renewed).first == .run(lane.running))
        #expect(lane.handle(.progressed(1, fraction: 0.5, stage: "")).report?.runningMs == 0)
    }

    @Test func nothingStartsUnderAStaleLease() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.analysed(1, result("audio")))
        _ = lane.handle(.leaseWentStale)
        #expect(lane.handle(.exchanged(ticket: 2, song("b", epoch: 2))) == [])
        #expect(lane.handle(.renewed) == [.run(lane.running)])
    }

    @Test func losingTheLaneKillsEverything() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        _ = lane.handle(.exchanged(ticket: 2, song("b", epoch: 2)))
        #expect(lane.handle(.revoked) == [.kill(1), .kill(2)])
        #expect(lane.held == [])
        #expect(lane.handle(.woken) == [])
    }

    @Test func whatTheQueueKeepsGoesOnAndTheRestIsKilled() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.preempted(jobID: "a", epoch: 1))
        _ = lane.handle(.exchanged(ticket: 2, song("b", epoch: 2)))
        _ = lane.handle(.disconnected)
        let kept = lane.handle(.granted(lease: [2], kept: [held("b", epoch: 2, running: true)]))
        #expect(kept == [.kill(1)])
        let lost = lane.handle(.granted(lease: [3], kept: []))
        #expect(lost.first == .kill(2))
        #expect(lost.exchange == LaneState.Exchange(ticket: 3, lease: [3], report: nil, claim: true))
    }

    // Exchanges that fail

    @Test func anUnansweredExchangeIsRepeatedAsItWas() {
        var lane = Lane(running: song("a", epoch: 1))
        let first = lane.exchange(after: .analysed(1, result("audio")))
        let second = lane.exchange(after: .exchangeFailed(ticket: 2, .unanswered))
        #expect(second?.ticket == first?.ticket)
        #expect(second?.report == first?.report)
        #expect(second?.attempt == 1)
    }

    @Test func whileDisconnectedAResultWaitsForTheLaneToBeGrantedAgain() {
        var lane = Lane(running: song("a", epoch: 1))
        let report = lane.exchange(after: .analysed(1, result("audio")))?.report
        _ = lane.handle(.disconnected)
        #expect(lane.handle(.exchangeFailed(ticket: 2, .unanswered)) == [])
        #expect(lane.held == [held("a", epoch: 1, running: true)])
        let again = lane.exchange(after: .granted(lease: [2], kept: [held("a", epoch: 1, running: true)]))
        #expect(again?.report == report)
        #expect(again?.lease == [2])
    }

    @Test func nothingIsExchangedOverAConnectionThatHasNotConfirmedTheLane() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.disconnected)
        #expect(lane.handle(.analysed(1, result("audio"))) == [])
        let exchange = lane.exchange(after: .renewed)
        #expect(exchange?.report?.id == song("a", epoch: 1).item)
    }

    @Test func aResultThatIsNoLongerOursIsDropped() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.analysed(1, result("audio")))
        let anew = lane.exchange(after: .exchangeFailed(ticket: 2, .stale))
        #expect(anew?.report == nil)
        #expect(lane.handle(.exchangeFailed(ticket: 3, .stale)) == [])
        lane.pass(LaneState.slowPoll)
        #expect(lane.exchange(after: .renewed) != nil)
    }

    @Test func aRefusedResultFailsTheSongWithTheReason() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.analysed(1, result("audio")))
        let refused = lane.exchange(after: .exchangeFailed(ticket: 2, .refused("too many themes")))
        guard case .failed(let failed) = refused?.report?.outcome else { return #expect(Bool(false)) }
        #expect(failed.reason.contains("too many themes"))
        #expect(lane.exchange(after: .exchangeFailed(ticket: 3, .refused("no")))?.report == nil)
    }

    @Test func aLateAnswerToAnOlderExchangeIsIgnored() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.analysed(1, result("audio")))
        _ = lane.handle(.granted(lease: [2], kept: []))
        #expect(lane.handle(.exchanged(ticket: 2, song("b", epoch: 2))) == [])
    }

    // Children that fail

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

    // Draining

    @Test func drainingFreezesGivesBackAndKills() {
        var lane = Lane(running: song("a", epoch: 1))
        let actions = lane.handle(.draining)
        #expect(actions.first == .freeze(1))
        #expect(actions.exchange?.report == ItemReport(song("a", epoch: 1).item, .released(Released())))
        #expect(actions.exchange?.claim == false)
        #expect(lane.handle(.exchanged(ticket: 2, nil)) == [.kill(1), .released])
    }

    @Test func whatIsClaimedWhileDrainingGoesBack() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.analysed(1, result("audio")))
        #expect(lane.handle(.draining) == [])
        let exchange = lane.exchange(after: .exchanged(ticket: 2, song("b", epoch: 2)))
        #expect(exchange?.report == ItemReport(song("b", epoch: 2).item, .released(Released())))
        #expect(lane.handle(.exchanged(ticket: 3, nil)) == [.released])
    }

    @Test func anIdleLaneIsReleasedAtOnce() {
        var lane = Lane()
        _ = lane.handle(.granted(lease: [1], kept: []))
        _ = lane.handle(.exchanged(ticket: 1, nil))
        #expect(lane.handle(.draining) == [.released])
    }
}
