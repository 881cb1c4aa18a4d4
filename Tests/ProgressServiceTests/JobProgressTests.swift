import AnalysisAPI
import Testing

@testable import ProgressService

@Suite struct JobProgressTests {
    @Test func aJobRisesFromNothingToOneAndIsOneOnlyWhenItHasCompleted() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(4))
        var shown: [Double] = []
        lane.run { lane in
            guard let view = lane.view(.job(job)) else { return }
            shown.append(view.fraction)
            #expect((view.fraction == 1) == (view.job?.state == .completed))
        }
        #expect(shown == shown.sorted())
        #expect(Set(shown).count > 30)
        let end = try #require(lane.view(.job(job)))
        #expect(end.ended && end.fraction == 1 && end.analysed == 4 && end.etaMs == nil && end.inProgress == 0)
    }

    @Test func aDisplacedJobKeepsItsProgressAndGoesOnFromThere() throws {
        var lane = SimulatedLane()
        let playlist = lane.enqueue("ann", .playlist, target: "trip", .alike(2))
        lane.run(ms: 600)
        let before = try #require(lane.view(.job(playlist)))
        let song = lane.enqueue("ann", .song, target: "x1", .alike(1, "x"))
        lane.run(ms: 300)
        let displaced = try #require(lane.view(.job(playlist)))
        #expect(displaced.fraction == before.fraction && displaced.inProgress == 0)
        #expect(displaced.job?.state == .interrupted && displaced.songFraction == before.songFraction)
        #expect(try #require(lane.view(.job(song))).fraction > 0)
        lane.run(ms: 700)
        lane.run(ms: 100)
        let after = try #require(lane.view(.job(playlist)))
        #expect(after.fraction > before.fraction && after.inProgress == 1)
    }

    @Test func nothingFallsWhenASongStartsAgainAfterItsWorkerWasLost() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        lane.run(ms: 1_800)
        var last = try #require(lane.view(.job(job)))
        lane.loseWorker()
        lane.run { lane in
            guard let view = lane.view(.job(job)) else { return }
            #expect(view.fraction >= last.fraction)
            if view.song?.id == last.song?.id { #expect(view.songFraction >= last.songFraction) }
            last = view
        }
        #expect(last.fraction == 1)
    }

    @Test func aReportOfAnotherEpochOrSongIsDropped() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(2))
        lane.run(ms: 200)
        let before = try #require(lane.view(.job(job)))
        let epoch = try #require(before.job?.epoch)
        for report in [
            ProgressReport(lane: "0", jobID: job, epoch: epoch - 1, songID: "s1", fraction: 0.9),
            ProgressReport(lane: "0", jobID: job, epoch: epoch + 1, songID: "s1", fraction: 0.9),
            ProgressReport(lane: "0", jobID: job, epoch: epoch, songID: "s2", fraction: 0.9),
            ProgressReport(lane: "0", jobID: "0-99", epoch: epoch, songID: "s1", fraction: 0.9),
        ] {
            #expect(lane.book.apply(report, nowMs: lane.nowMs).keys.isEmpty)
        }
        #expect(lane.view(.job(job)) == before)
    }

    @Test func aReportThatOvertakesTheLogCountsOnceItsItemStarts() throws {
        var book = ProgressBook()
        var job = Job(id: "0-1", lane: "0", userID: "ann", type: .song, priority: .high, state: .pending, total: 1)
        _ = book.apply(Event(lane: "0", cursor: "1", kind: .enqueued, job: job), nowMs: 1)
        let early = ProgressReport(lane: "0", jobID: "0-1", epoch: 1, songID: "s1", fraction: 0.25)
        #expect(book.apply(early, nowMs: 2).keys.isEmpty)
        (job.state, job.epoch, job.songID) = (.inProgress, 1, "s1")
        _ = book.apply(Event(lane: "0", cursor: "2", kind: .started, job: job, songID: "s1", epoch: 1), nowMs: 3)
        #expect(book.view(of: .job("0-1"), nowMs: 3)?.fraction == 0.25)
    }

    @Test(arguments: [(EventKind.failed, JobState.failed), (.cancelled, .cancelled)])
    func aJobThatEndsBadlyStaysWhereItWas(kind: EventKind, state: JobState) throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .song, target: "s1", .alike(1))
        lane.run(ms: 400)
        let before = try #require(lane.view(.job(job)))
        lane.end(job, as: kind, state)
        let after = try #require(lane.view(.job(job)))
        #expect(after.fraction == before.fraction && after.ended && after.etaMs == nil && after.song == nil)
    }

    @Test func aJobWhoseSongsAllFailNeverComesToOne() throws {
        var book = ProgressBook()
        var job = Job(
            id: "0-1", lane: "0", userID: "ann", type: .song, priority: .high, state: .inProgress, epoch: 1, total: 1,
            songID: "s1")
        _ = book.apply(Event(lane: "0", kind: .started, job: job, songID: "s1", epoch: 1), nowMs: 1)
        let report = ProgressReport(lane: "0", jobID: "0-1", epoch: 1, songID: "s1", fraction: 0.5)
        _ = book.apply(report, nowMs: 2)
        (job.failed, job.cursor, job.songID) = (1, 1, "")
        _ = book.apply(Event(lane: "0", kind: .songFailed, job: job, songID: "s1", epoch: 1), nowMs: 3)
        (job.state, job.error) = (.failed, "no audio")
        _ = book.apply(Event(lane: "0", kind: .failed, job: job), nowMs: 4)
        let view = book.view(of: .job("0-1"), nowMs: 5)
        #expect(view?.fraction == 0.5 && view?.failed == 1 && view?.ended == true)
    }

    @Test func skippedSongsCountAsAnalysed() throws {
        var book = ProgressBook()
        let job = Job(
            id: "0-1", lane: "0", userID: "ann", type: .playlist, priority: .medium, state: .inProgress, total: 4,
            cursor: 3, analysed: 1, skipped: 2)
        _ = book.apply(Event(lane: "0", kind: .songSkipped, job: job, songs: 2), nowMs: 1)
        let view = book.view(of: .job("0-1"), nowMs: 1)
        #expect(view?.analysed == 3 && view?.fraction == 0.75)
    }

    @Test func versionsRiseWithEveryChangeAndOverARestart() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(2))
        var versions: [UInt64] = []
        lane.run { versions.append($0.view(.job(job))?.version ?? 0) }
        #expect(zip(versions, versions.dropFirst()).allSatisfy { $0 < $1 })
        var restarted = ProgressBook()
        #expect(restarted.nextVersion(lane.nowMs + 1) > versions.last ?? .max)
    }

    @Test func aRestartedServiceShowsNoLessThanBefore() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        lane.run(ms: 1_700)
        let before = try #require(lane.view(.job(job)))
        lane.book = lane.book.restarted(nowMs: lane.nowMs)
        let after = try #require(lane.view(.job(job)))
        #expect(after.fraction == before.fraction && after.songFraction == before.songFraction)
        #expect(after.job == before.job && after.version == before.version)
        lane.run(ms: 100)
        #expect(try #require(lane.view(.job(job))).fraction > before.fraction)
    }

    @Test func afterACrashNothingIsShownLessThanBeforeIt() throws {
        var lane = SimulatedLane()
        let job = ContextKey.job(lane.enqueue("ann", .playlist, target: "trip", .alike(6)))
        let library = ContextKey.library(userID: "ann")
        lane.book.open(library, kept: nil, nowMs: lane.nowMs)
        let ticket = lane.book.ask(library) ?? 0
        _ = lane.book.learn(Coverage(total: 10), of: library, ticket: ticket, nowMs: lane.nowMs)
        var kept: [(atMs: Int64, views: [ProgressView])] = []
        lane.run(ms: 5_900) { lane in
            // The service is killed now; what was kept was written a quarter of a second ago.
            for old in kept.last(where: { lane.nowMs - $0.atMs >= 250 })?.views ?? [] {
                let key = old.context == library.message ? library : job
                guard let shown = lane.view(key) else { continue }
                // Of a song that ended since, the log tells.
                guard old.song?.id == shown.song?.id else { continue }
                #expect(old.fraction >= shown.fraction && old.songFraction >= shown.songFraction)
                #expect(old.fraction < 1 && old.fraction < shown.fraction + 0.1)
            }
            let nowMs = lane.nowMs
            kept.append((nowMs, [job, library].compactMap { lane.book.kept($0, aheadMs: 500, nowMs: nowMs) }))
        }
        #expect(kept.count > 50)
    }

    @Test func betweenTwoSongsNoJobIsShownWithoutOne() {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        lane.run(ms: 950)
        let before = lane.changed.count
        lane.run(ms: 50)
        #expect(lane.view(.job(job))?.song?.id == "s2")
        #expect(lane.changed[before...].filter { $0 == .job(job) }.count == 1)
    }

    @Test func aJobThatASnapshotDoesNotNameIsAskedFor() throws {
        var lane = SimulatedLane()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(3))
        let other = lane.enqueue("bob", .playlist, target: "other", .alike(3, "o"))
        let alive = try #require(lane.view(.job(other))?.job)
        _ = lane.book.beginFollowing()
        _ = lane.book.apply(Event(lane: "0", kind: .snapshot, job: alive), nowMs: lane.nowMs)
        let end = lane.book.apply(Event(lane: "0", cursor: "9", kind: .snapshotEnd), nowMs: lane.nowMs)
        #expect(end.queries == [.job(job, lane: "0")])
        var ended = try #require(lane.view(.job(job))?.job)
        (ended.state, ended.analysed) = (.completed, 3)
        _ = lane.book.learn(ended, jobID: job, lane: "0", nowMs: lane.nowMs)
        #expect(lane.view(.job(job))?.fraction == 1)
        #expect(lane.book.activeJobs(of: "ann").isEmpty)
        _ = lane.book.learn(nil, jobID: other, lane: "0", nowMs: lane.nowMs)
        #expect(lane.view(.job(other)) == nil)
    }
}

extension ProgressBook {
    /// What a service that stops leaves in its store.
    func left(nowMs: Int64) -> Kept {
        var book = self
        let views = book.jobs.keys.compactMap { book.kept(.job($0), aheadMs: 0, nowMs: nowMs) }
        return Kept(
            jobs: views, estimates: book.jobs.mapValues(\.estimates), cursors: lanes.mapValues(\.cursor),
            delays: lanes.mapValues(\.delays), costs: costs, accuracy: accuracy)
    }

    /// The book that a service has which was started again on what this one has kept.
    func restarted(nowMs: Int64) -> ProgressBook {
        var book = ProgressBook()
        _ = book.restore(left(nowMs: nowMs), nowMs: nowMs)
        return book
    }
}
