// What is frozen, what is not, and what is given up when it takes too much memory.

import AnalysisAPI
import Testing

@testable import AnalysisWorker

@Suite struct SuspensionRulesTests {
    @Test func anAnalyzerThatCannotBeFrozenEndsItsSongBeforeTheClickIsClaimed() {
        var lane = Lane(running: song("low", epoch: 1, analyzers: ["live"]))
        #expect(lane.handle(.preempted(jobID: "low", epoch: 1)) == [])
        #expect(lane.handle(.progressed(1, fraction: 0.5, stage: "")).report?.jobID == "low")
        let exchange = lane.exchange(after: .analysed(1, result("live")))
        guard case .analysed = exchange?.report?.outcome else { return #expect(Bool(false)) }
        #expect(exchange?.claim == true)
    }

    @Test func aSongMakesWayAsSoonAsTheAnalyzerHasEndedThatCannotBeFrozen() {
        var lane = Lane(running: song("low", epoch: 1, analyzers: ["live", "audio"]))
        _ = lane.handle(.preempted(jobID: "low", epoch: 1))
        let exchange = lane.exchange(after: .analysed(1, result("live")))
        #expect(exchange?.report == ItemReport(song("low", epoch: 1).item, .suspended(Suspended())))
        _ = lane.handle(.exchanged(ticket: lane.ticket, song("click", epoch: 1, priority: .high)))
        _ = lane.handle(.analysed(2, result("audio")))
        _ = lane.handle(.exchanged(ticket: lane.ticket, song("low", epoch: 2, analyzers: ["live", "audio"])))
        // What was found out stays so.
        #expect(lane.running.results.map(\.analyzer?.name) == ["live"])
        #expect(lane.handle(.preempted(jobID: "low", epoch: 2)).first == .freeze(1))
    }

    @Test func aCancelledClickDoesNotFreezeWhatCannotBeFrozen() {
        var lane = Lane(running: song("list", epoch: 1, songID: "s", analyzers: ["audio", "live"]))
        _ = lane.handle(.preempted(jobID: "list", epoch: 1))
        _ = lane.handle(
            .exchanged(ticket: lane.ticket, song("click", epoch: 1, songID: "s", analyzers: ["audio", "live"])))
        _ = lane.handle(.analysed(1, result("audio")))
        #expect(lane.handle(.discarded(jobID: "click", epoch: 1)) == [.kill(1)])
    }

    @Test func beyondTheMemoryThatMayStayFrozenTheLowestClassIsGivenUp() {
        var lane = Lane(frozen: ["medium": .medium, "low": .low])
        #expect(lane.handle(.weighed([1: 60, 2: 40])) == [])
        #expect(lane.handle(.weighed([1: 60, 2: 41])) == [.kill(2)])
        #expect(lane.handle(.weighed([1: 101])) == [.kill(1)])
        #expect(lane.held == [held("high", epoch: 1, running: true)])
    }

    @Test func whatHasJustBeenFrozenIsNotGivenUpBeforeTheQueueHasSaidWhatIsNext() {
        var lane = Lane(running: song("low", epoch: 1))
        _ = lane.handle(.preempted(jobID: "low", epoch: 1))
        #expect(lane.handle(.weighed([1: 200])) == [])
        _ = lane.handle(.exchanged(ticket: lane.ticket, song("low", epoch: 2)))
        #expect(lane.running.id == 1)
    }
}
