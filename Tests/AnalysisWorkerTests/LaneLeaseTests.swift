// What a lane may do while the queue is in doubt, away or told that the worker leaves.

import AnalysisAPI
import Testing

@testable import AnalysisWorker

@Suite struct LaneLeaseTests {
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
