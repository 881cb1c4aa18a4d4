// What a lane freezes, goes on with and gives up when another song comes first or nobody wants one any more.

import AnalysisAPI
import Testing

@testable import AnalysisWorker

@Suite struct LanePreemptionTests {
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

    @Test func whatItsJobHasGoneOnWithoutIsDropped() {
        var lane = Lane(running: song("list", epoch: 1, songID: "removed"))
        _ = lane.handle(.preempted(jobID: "list", epoch: 1))
        _ = lane.handle(.exchanged(ticket: 2, song("click", epoch: 2, priority: .high)))
        _ = lane.handle(.analysed(2, result("audio")))
        let actions = lane.handle(.exchanged(ticket: 3, song("list", epoch: 3, songID: "next")))
        #expect(actions == [.kill(1), .run(lane.running)])
        #expect(lane.held == [held("list", epoch: 3, running: true)])
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

    @Test func aDiscardedItemIsGivenUpOnlyWhenItsChildIsDead() {
        var lane = Lane(running: song("a", epoch: 1))
        #expect(lane.handle(.discarded(jobID: "a", epoch: 1)) == [.kill(1)])
        #expect(lane.handle(.analysed(1, result("audio"))) == [])
        let exchange = lane.exchange(after: .killed(1))
        #expect(exchange?.report == ItemReport(song("a", epoch: 1).item, .released(Released())))
        #expect(exchange?.claim == true)
    }

    @Test func aDiscardedItemWhoseChildFailsBeforeItIsKilledIsGivenUpToo() {
        var lane = Lane(running: song("a", epoch: 1))
        _ = lane.handle(.discarded(jobID: "a", epoch: 1))
        let exchange = lane.exchange(after: .childFailed(1, .crashed, reason: "silent"))
        #expect(exchange?.report == ItemReport(song("a", epoch: 1).item, .released(Released())))
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
}
