import AnalysisAPI
import Testing

@testable import ProgressService

@Suite struct QueuePlaceTests {
    @Test func aWaitingJobTellsItsPositionAndWhatItWaitsFor() throws {
        var lane = SimulatedLane()
        let trip = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        let background = lane.enqueue("ann", .background, .alike(5, "b"))
        _ = lane.enqueue("bob", .song, target: "x1", .alike(1, "x"))
        _ = lane.enqueue("bob", .song, target: "y1", .alike(1, "y"))
        let first = try #require(lane.view(.job(trip)))
        #expect(first.position == 2)
        #expect(first.waitingFor == "behind 2 songs of others")
        let second = try #require(lane.view(.job(background)))
        #expect(second.position == 3)
        #expect(second.waitingFor == "behind your Road trip and 2 songs of others")
    }

    @Test func aRunningJobWaitsForNothing() throws {
        var lane = SimulatedLane()
        let song = lane.enqueue("ann", .song, target: "s1", .alike(1))
        let view = try #require(lane.view(.job(song)))
        #expect(view.position == 0 && view.waitingFor.isEmpty && view.inProgress == 1)
    }

    @Test func ofOthersNoNameIsTold() throws {
        var lane = SimulatedLane()
        _ = lane.enqueue("bob", .playlist, target: "trip", .alike(2))
        _ = lane.enqueue("cid", .background, .alike(2, "c"))
        let job = lane.enqueue("ann", .background, .alike(2, "a"))
        #expect(try #require(lane.view(.job(job))).waitingFor == "behind 1 playlist and 1 background job of others")
    }

    @Test func manyOfOnesOwnAreCounted() throws {
        var lane = SimulatedLane()
        for name in ["a", "b", "c"] { _ = lane.enqueue("ann", .song, target: "\(name)1", .alike(1, name)) }
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(2))
        #expect(try #require(lane.view(.job(job))).waitingFor == "behind 3 jobs of yours")
    }

    @Test func aPausedJobHoldsNobodyUp() throws {
        var lane = SimulatedLane()
        let first = lane.enqueue("ann", .playlist, target: "trip", .alike(2))
        let second = lane.enqueue("ann", .playlist, target: "other", .alike(2, "o"))
        lane.run(ms: 300)
        lane.pause(first)
        #expect(try #require(lane.view(.job(second))).position == 0)
        let paused = try #require(lane.view(.job(first)))
        #expect(paused.etaMs == nil && paused.waitingFor.isEmpty && paused.songFraction > 0)
    }

    @Test func aQueueWithoutAWorkerSaysSoAndPromisesNothing() {
        var book = ProgressBook()
        let job = Job(
            id: "0-1", lane: "0", userID: "ann", type: .song, priority: .high, state: .pending, total: 1,
            audioMs: 200_000, createdAtMs: 1_000)
        _ = book.apply(Event(lane: "0", kind: .enqueued, job: job), nowMs: 1_000)
        #expect(book.view(of: .job("0-1"), nowMs: 1_001)?.etaMs != nil)
        let later = book.view(of: .job("0-1"), nowMs: 60_000)
        #expect(later?.waitingFor == "waiting for a worker" && later?.etaMs == nil)
    }

    @Test func aJobThatMovedToAnotherLaneHoldsNobodyUpInTheOldOne() {
        var book = ProgressBook()
        func job(_ id: String, lane: String, sequence: UInt64) -> Job {
            Job(
                id: id, lane: lane, userID: "ann", type: .song, priority: .high, state: .pending, sequence: sequence,
                total: 1, audioMs: 200_000, createdAtMs: 1_000)
        }
        for (id, lane, sequence) in [("0-1", "0", UInt64(1)), ("0-2", "0", 2), ("1-7", "1", 7)] {
            let event = Event(lane: lane, kind: .enqueued, job: job(id, lane: lane, sequence: sequence))
            _ = book.apply(event, nowMs: 1_000)
        }
        _ = book.apply(Event(lane: "1", kind: .moved, job: job("0-1", lane: "1", sequence: 8)), nowMs: 1_001)
        #expect(book.view(of: .job("0-2"), nowMs: 1_002)?.position == 0)
        #expect(book.view(of: .job("0-1"), nowMs: 1_002)?.position == 1)
    }

    @Test func jobsBehindAreToldWhenSomethingGoesAheadOfThem() {
        var lane = SimulatedLane()
        let trip = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        let background = lane.enqueue("cid", .background, .alike(5, "b"))
        let before = lane.changed.count
        _ = lane.enqueue("bob", .song, target: "x1", .alike(1, "x"))
        let told = Set(lane.changed[before...])
        #expect(told.isSuperset(of: [.job(trip), .job(background)]))
    }
}
