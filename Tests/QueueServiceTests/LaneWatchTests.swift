// What the event log says about how users and their work fare.

import AnalysisAPI
import Jobs
import Testing

@testable import QueueService

@Suite struct LaneWatchTests {
    private var watch = LaneWatch()
    private var states: [String: JobState] = [:]

    private func job(
        _ id: String, _ type: JobType, _ state: JobState, created: Int64 = 0, started: Int64 = 0, ended: Int64 = 0,
        epoch: UInt64 = 1
    ) -> Job {
        Job(
            id: id, lane: "0", type: type, priority: type.priority, state: state, epoch: epoch, createdAtMs: created,
            startedAtMs: started, endedAtMs: ended)
    }

    private mutating func apply(
        _ kind: EventKind, _ job: Job? = nil, at ms: Int64, by: String = "", songs: UInt32 = 0, analyzer: String = ""
    ) -> [LaneWatch.Finding] {
        let before = job.flatMap { states.updateValue($0.state, forKey: $0.id) }
        return watch.apply(
            Event(lane: "0", atMs: ms, kind: kind, job: job, songs: songs, byJobID: by, analyzer: analyzer),
            from: before == job?.state ? nil : before?.name)
    }

    @Test mutating func clickThatDisplacesAPlaylistIsTimedFromTheClickOn() {
        #expect(apply(.enqueued, job("p", .playlist, .pending, created: 0), at: 0) == [])
        #expect(
            apply(.started, job("p", .playlist, .inProgress, created: 0, started: 40), at: 40)
                == [.claimed(.medium), .waited(.medium, ms: 40)])
        #expect(apply(.enqueued, job("s", .song, .pending, created: 1000), at: 1000) == [])
        #expect(
            apply(.interrupted, job("p", .playlist, .interrupted, started: 40), at: 1030, by: "s")
                == [.preempted(.medium, ms: 30)])
        #expect(
            apply(.started, job("s", .song, .inProgress, created: 1000, started: 1030), at: 1030)
                == [.claimed(.high), .waited(.high, ms: 30), .clicked(ms: 30)])
        #expect(
            apply(.completed, job("s", .song, .completed, created: 1000, started: 1030, ended: 3030), at: 3030)
                == [.ended(.song, .completed, ms: 2000)])
        #expect(
            apply(.started, job("p", .playlist, .inProgress, started: 40, epoch: 2), at: 3031) == [.claimed(.medium)])
    }

    @Test mutating func lessUrgentWorkThatGoesOnForLongerThanTheGraceIsAnInversion() {
        _ = apply(.enqueued, job("b", .background, .pending), at: 0)
        _ = apply(.started, job("b", .background, .inProgress), at: 0)
        _ = apply(.enqueued, job("s", .song, .pending, created: 500), at: 500)
        #expect(apply(.songAnalysed, job("b", .background, .inProgress), at: 700) == [.songs(.analysed, count: 1)])
        let findings = apply(.interrupted, job("b", .background, .interrupted), at: 1500, by: "s")
        #expect(findings == [.preempted(.low, ms: 1000), .inverted(ms: 900)])
    }

    @Test mutating func whatIsNotClaimedForAPauseOrABreakerIsNoInversion() {
        _ = apply(.started, job("b", .background, .inProgress), at: 0)
        _ = apply(.queuePaused, at: 100)
        _ = apply(.enqueued, job("s", .song, .pending, created: 500), at: 500)
        #expect(apply(.queueResumed, at: 5000) == [])
        _ = apply(.breakerOpened, at: 5050, analyzer: "audio")
        _ = apply(.breakerClosed, at: 9000, analyzer: "audio")
        #expect(apply(.cancelled, job("s", .song, .cancelled), at: 9050) == [.ended(.song, .cancelled, ms: nil)])
    }

    @Test mutating func equalsWaitWithoutInversion() {
        _ = apply(.started, job("a", .song, .inProgress), at: 0)
        _ = apply(.enqueued, job("b", .song, .pending), at: 100)
        #expect(
            apply(.completed, job("a", .song, .completed, started: 10, ended: 5010), at: 5010)
                == [.ended(.song, .completed, ms: 5000)])
    }

    @Test mutating func jobThatLostItsWorkerHasRecoveredWhenItRunsAgain() {
        _ = apply(.started, job("p", .playlist, .inProgress, started: 0), at: 0)
        #expect(apply(.workerLost, job("p", .playlist, .interrupted), at: 2000) == [.workerLost])
        #expect(
            apply(.started, job("p", .playlist, .inProgress, started: 1, epoch: 2), at: 2750)
                == [.claimed(.medium), .recovered(ms: 750)])
    }

    @Test mutating func clickOnAnAnalysedSongCountsWhenItIsFound() {
        _ = apply(.enqueued, job("s", .song, .pending, created: 100), at: 100)
        #expect(apply(.songSkipped, job("s", .song, .pending), at: 110, songs: 1) == [.songs(.skipped, count: 1)])
        #expect(
            apply(.completed, job("s", .song, .completed, created: 100, ended: 110, epoch: 0), at: 110)
                == [.clicked(ms: 10), .ended(.song, .completed, ms: nil)])
    }

    @Test mutating func whatLetsGoForNothingMoreUrgentIsNotDisplaced() {
        _ = apply(.started, job("p", .playlist, .inProgress), at: 0)
        #expect(apply(.interrupted, job("p", .playlist, .interrupted), at: 10) == [])
    }

    @Test mutating func whatWaitsAndRunsIsKnownFromTheBeginning() {
        let running = job("b", .background, .inProgress)
        watch = LaneWatch(LaneWatch.Standing(waiting: [.high: 1], running: running))
        states = ["b": .inProgress]
        // Since when is not known, but for the first event that tells of it.
        _ = apply(.songAnalysed, running, at: 1000)
        #expect(
            apply(.interrupted, job("b", .background, .interrupted), at: 1300, by: "s")
                == [.preempted(.low, ms: 300), .inverted(ms: 200)])
    }

    @Test mutating func workThatIsRaisedAboveWhatRunsMakesAnInversion() {
        let job = Job(id: "p", lane: "0", type: .playlist, priority: .high, state: .pending)
        watch = LaneWatch(
            LaneWatch.Standing(waiting: [.low: 1], running: self.job("m", .playlist, .inProgress)))
        _ = watch.apply(Event(lane: "0", atMs: 1000, kind: .reprioritised, job: job), from: "low")
        let cancelled = Job(id: "p", lane: "0", type: .playlist, priority: .high, state: .cancelled)
        let findings = watch.apply(Event(lane: "0", atMs: 1500, kind: .cancelled, job: cancelled), from: "pending")
        #expect(findings == [.ended(.playlist, .cancelled, ms: nil), .inverted(ms: 400)])
    }

    @Test mutating func aCorrectionTakesThePlaceOfWhatWasCounted() {
        let running = job("b", .background, .inProgress)
        watch = LaneWatch(LaneWatch.Standing(waiting: [.high: 1], running: running))
        states = ["b": .inProgress]
        _ = apply(.songAnalysed, running, at: 1000)
        watch.correct(LaneWatch.Standing(running: running))
        #expect(apply(.songAnalysed, running, at: 1200) == [.songs(.analysed, count: 1), .inverted(ms: 100)])
    }

    @Test mutating func aThumbCountsAndAnotherCommentDoesNot() {
        var job = job("s", .song, .completed)
        job.rating = JobRating(thumb: .down)
        let said = Event(lane: "0", atMs: 1, kind: .rated, job: job)
        #expect(watch.apply(said, from: "") == [.rated(.down)])
        job.rating?.comment = "out of tune"
        #expect(watch.apply(Event(lane: "0", atMs: 2, kind: .rated, job: job), from: nil) == [])
        job.rating = nil
        #expect(watch.apply(Event(lane: "0", atMs: 3, kind: .rated, job: job), from: "down") == [])
    }

    @Test func clicksWithinTwoSecondsAreInTime() {
        #expect(LaneWatch.Finding.clicked(ms: 2000).figures.map(\.0) == ["clicks", "clicks_in_time"])
        #expect(LaneWatch.Finding.clicked(ms: 2001).figures.map(\.0) == ["clicks"])
    }
}

@Suite struct AttendanceTests {
    @Test func onlyWorkersThatWereNotThereBeforeHaveStarted() {
        var attendance = Attendance(known: ["a"])
        #expect(attendance.note(["a", "b"], elapsed: .seconds(2)) == (1, 2000))
        #expect(attendance.note(["b"], elapsed: .seconds(2)) == (0, 2000))
        #expect(attendance.note([], elapsed: .seconds(2)) == (0, 0))
        #expect(attendance.note(["c"], elapsed: .milliseconds(1500)) == (1, 1500))
    }
}
