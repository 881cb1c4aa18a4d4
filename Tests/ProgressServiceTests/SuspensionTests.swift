// A suspended job says that it is, by what, and when it is expected to go on.

import AnalysisAPI
import Testing

@testable import ProgressService

@Suite struct SuspensionTests {
    @Test func aDisplacedJobSaysByWhatAndWhenItGoesOn() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20))
        let background = lane.enqueue("ann", .background, .alike(4, "b"))
        lane.run(ms: 500)
        #expect(try #require(lane.view(.job(background))).suspension == nil)
        let atMs = lane.nowMs
        _ = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        _ = lane.enqueue("bob", .song, target: "x1", .alike(1, "x"))
        let suspension = try #require(lane.view(.job(background))?.suspension)
        #expect(suspension.by == "your Road trip and 1 song of others" && suspension.sinceMs == atMs)
        #expect(abs(Double(try #require(suspension.resumesInMs)) - 4_000) < 400)
        #expect(lane.view(.job(background))?.startsInMs == suspension.resumesInMs)
        // It is told of the library that the job works on, too.
        let library = ContextKey.library(userID: "ann")
        lane.book.open(library, kept: nil, nowMs: lane.nowMs)
        _ = lane.book.learn(
            Coverage(total: 7), of: library, ticket: lane.book.ask(library) ?? 0, nowMs: lane.nowMs)
        lane.end("0-\(lane.jobs.count)", as: .cancelled, .cancelled)
        #expect(lane.view(library)?.suspension == nil, "the playlist runs")
        let later = try #require(lane.view(.job(background))?.suspension)
        #expect(later.by == "your Road trip" && later.sinceMs == atMs)
        lane.run(ms: 3_200)
        #expect(try #require(lane.view(.job(background))).suspension == nil)
    }

    @Test func aPausedJobSaysSoAndNobodyKnowsUntilWhen() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        lane.run(ms: 500)
        let atMs = lane.nowMs
        lane.pause(job)
        lane.wait(ms: 1_000)
        #expect(
            lane.view(.job(job))?.suspension == Suspension(by: "a pause of the job", sinceMs: atMs))
        // The service starts again.
        lane.book = lane.book.restarted(nowMs: lane.nowMs)
        #expect(lane.view(.job(job))?.suspension?.sinceMs == atMs)
        lane.resume(job)
        #expect(lane.view(.job(job))?.suspension == nil)
    }

    @Test func aPauseOfTheQueueIsToldAndCountedWhereItsEndIsKnown() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20))
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        lane.run(ms: 500)
        let before = Double(try #require(lane.view(.job(job))?.etaMs))
        lane.freezeQueue(QueuePause(reason: "backup", untilMs: lane.nowMs + 60_000))
        let known = try #require(lane.view(.job(job)))
        #expect(known.suspension?.by == "a pause of the queue" && known.suspension?.resumesInMs == 60_000)
        #expect(abs(Double(try #require(known.etaMs)) - before - 60_000) < 200)
        #expect(known.waitingFor == "until the queue goes on")
        lane.freezeQueue(QueuePause(reason: "backup"))
        let unknown = try #require(lane.view(.job(job)))
        #expect(unknown.suspension?.resumesInMs == nil && unknown.suspension != nil && unknown.etaMs == nil)
        lane.resumeQueue()
        let after = try #require(lane.view(.job(job)))
        let afterMs = Double(try #require(after.etaMs))
        #expect(after.suspension == nil && abs(afterMs - before) < 200)
    }

    @Test func anAnswerAboutAPauseThatHasEndedChangesNothing() throws {
        var book = ProgressBook()
        let asked = book.apply(Event(lane: "0", cursor: "1", kind: .queuePaused), nowMs: 1)
        _ = book.apply(Event(lane: "0", cursor: "2", kind: .queueResumed), nowMs: 2)
        guard case .pause(let pauses)? = asked.queries.first else { return #expect(Bool(false), "nothing asked") }
        _ = book.learn(QueuePause(reason: "late"), pauses: pauses, nowMs: 3)
        #expect(book.pause == nil)
    }

    @Test func aScheduledJobIsExpectedOnceItIsDue() throws {
        var lane = SimulatedLane()
        lane.learn(.alike(20))
        let job = Job(
            id: "0-9", lane: "0", userID: "ann", type: .background, priority: .low, state: .scheduled, sequence: 9,
            total: 2, audioMs: 400_000, createdAtMs: lane.nowMs, dueAtMs: lane.nowMs + 30_000)
        _ = lane.book.apply(Event(lane: "0", atMs: lane.nowMs, kind: .scheduled, job: job), nowMs: lane.nowMs)
        let etaMs = Double(try #require(lane.view(.job("0-9"))?.etaMs))
        #expect(abs(etaMs - 32_000) < 400)
    }
}
