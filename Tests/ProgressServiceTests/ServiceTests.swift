// What callers of the progress service see, on real sockets, while everything is there.

import AnalysisAPI
import RPC
import Testing

@testable import ProgressService

@Suite(.timeLimit(.minutes(2))) struct ServiceTests {
    @Test func aWatcherSeesAJobFromItsBeginningToItsEnd() async throws {
        try await withService { driver, progress in
            driver.add(playlist: "trip", name: "Road trip", songIDs: ["s1"], of: "ann")
            driver.publish(Event(lane: "0", kind: .enqueued, job: PlayedJob.pending))
            _ = try await progress.job("0-1") { _ in true }
            var shown: [ProgressView] = []
            let request = WatchRequest(userID: "ann", contexts: [ProgressContext(context: .jobID("0-1"))])
            for try await view in progress.watch(request) {
                shown.append(view)
                switch view.job?.state {
                case .pending: driver.publish(PlayedJob.started())
                case .inProgress where view.fraction == 0: try await progress.send([PlayedJob.report(0.5)])
                case .inProgress where view.song?.title == "Song s1" && view.fraction > 0:
                    var ended = PlayedJob.pending
                    (ended.state, ended.analysed, ended.endedAtMs) = (.completed, 4, 9)
                    driver.publish(Event(lane: "0", kind: .completed, job: ended))
                default: break
                }
                if view.ended { break }
            }
            let end = try #require(shown.last)
            #expect(end.fraction == 1 && end.analysed == 4)
            #expect(shown.contains { $0.fraction == 0.125 && $0.stage == "decode" && $0.etaMs != nil })
            #expect(zip(shown, shown.dropFirst()).allSatisfy { $0.version < $1.version && $0.fraction <= $1.fraction })
        }
    }

    @Test func somebodyElsesJobIsNotThere() async throws {
        try await withService { driver, progress in
            driver.publish(PlayedJob.started())
            _ = try await progress.job("0-1") { _ in true }
            let context = ProgressContext(context: .jobID("0-1"))
            await #expect(throws: PlayedJob.notFound) {
                try await progress.get(ProgressRequest(userID: "bob", context: context))
            }
            await #expect(throws: PlayedJob.notFound) {
                for try await _ in progress.watch(WatchRequest(userID: "bob", contexts: [context])) {}
            }
            let active = try await progress.listActive(ListActiveRequest(userID: "bob"))
            #expect(active.jobs.isEmpty)
            let seenByOperator = try await progress.get(ProgressRequest(context: context))
            #expect(seenByOperator.job?.userID == "ann")
        }
    }

    @Test func whatIsForgottenIsNotThereAlthoughTheQueueKnowsIt() async throws {
        try await withService { driver, progress in
            driver.publish(PlayedJob.started())
            let request = ProgressRequest(userID: "ann", context: ProgressContext(context: .jobID("0-1")))
            _ = try await progress.job("0-1") { $0.inProgress == 1 }
            await #expect(
                throws: RPCError(.failedPrecondition, "Job 0-1 has not ended; cancel it, or wait for its end.")
            ) {
                try await progress.forget(request)
            }
            var ended = PlayedJob.pending
            (ended.state, ended.analysed, ended.endedAtMs) = (.completed, 4, 9)
            driver.answer(ended)
            driver.publish(Event(lane: "0", kind: .completed, job: ended))
            _ = try await progress.job("0-1") { $0.ended }
            await #expect(throws: PlayedJob.notFound) {
                try await progress.forget(ProgressRequest(userID: "bob", context: request.context))
            }
            let forgotten = try await progress.forget(request)
            #expect(forgotten.fraction == 1 && forgotten.ended)
            await #expect(throws: PlayedJob.notFound) { try await progress.get(request) }
            await #expect(throws: PlayedJob.notFound) { try await progress.forget(request) }
        }
    }

    @Test func aSlowReaderGetsTheLatestAndNeverMissesTheEnd() async throws {
        try await withService { driver, progress in
            driver.publish(PlayedJob.started())
            _ = try await progress.job("0-1") { $0.inProgress == 1 }
            let request = WatchRequest(userID: "ann", contexts: [ProgressContext(context: .jobID("0-1"))])
            let views = progress.watch(request)
            let first = try await views.next()
            #expect(first?.fraction == 0)
            // The reader reads no more, while far more happens than its credit holds.
            let count = 20_000
            try await progress.send((1...count).map { PlayedJob.report(Double($0) / Double(count)) })
            var ended = PlayedJob.pending
            (ended.state, ended.analysed, ended.endedAtMs) = (.completed, 4, 9)
            driver.publish(Event(lane: "0", kind: .completed, job: ended))
            _ = try await progress.job("0-1") { $0.ended }
            var read = 0
            var last: ProgressView?
            while last?.ended != true, let view = try await views.next() {
                read += 1
                last = view
            }
            #expect(last?.ended == true && last?.fraction == 1)
            #expect(read < count / 2)
        }
    }

    @Test func aWatcherOfActiveJobsSeesThoseThatBeginLater() async throws {
        try await withService { driver, progress in
            var kinds: [String: Set<JobState>] = [:]
            driver.publish(PlayedJob.started())
            _ = try await progress.job("0-1") { _ in true }
            for try await view in progress.watch(WatchRequest(userID: "ann", activeJobs: true)) {
                guard let job = view.job else { continue }
                kinds[job.id, default: []].insert(job.state)
                if job.id == "0-1" {
                    var later = Job(
                        id: "0-2", lane: "0", userID: "bob", type: .song, priority: .high, state: .pending, sequence: 2,
                        total: 1)
                    driver.publish(Event(lane: "0", kind: .enqueued, job: later))
                    (later.id, later.userID, later.sequence) = ("0-3", "ann", 3)
                    driver.publish(Event(lane: "0", kind: .enqueued, job: later))
                    (later.state, later.analysed) = (.completed, 1)
                    driver.publish(Event(lane: "0", kind: .completed, job: later))
                }
                if view.ended { break }
            }
            #expect(Set(kinds.keys) == ["0-1", "0-3"])
            #expect(kinds["0-3"]?.contains(.completed) == true)
        }
    }

    @Test func aJobIsKnownBeforeTheLogTellsOfIt() async throws {
        try await withService { driver, progress in
            driver.answer(PlayedJob.pending)
            let request = ProgressRequest(userID: "ann", context: ProgressContext(context: .jobID("0-1")))
            let view = try await progress.get(request)
            #expect(view.total == 4 && view.job?.state == .pending && !view.ended)
        }
    }

    @Test func aPlaylistFollowsWhatTheCatalogSaysAndWhatRuns() async throws {
        try await withService { driver, progress in
            driver.add(playlist: "trip", name: "Road trip", songIDs: ["s1", "s2", "s3", "s4"], of: "ann")
            driver.cover("ann", playlistID: "trip", Coverage(total: 4, analysed: 1, audioMs: 800_000))
            driver.cover("ann", Coverage(total: 8, analysed: 1, audioMs: 1_600_000))
            driver.publish(PlayedJob.started())
            // The beginning of the log has open contexts asked for anew, and an answer of what the catalog says below would come early.
            for try await view in progress.watch(WatchRequest(userID: "ann", activeJobs: true))
            where view.job?.state == .inProgress { break }
            let contexts = [ProgressContext(context: .playlistID("trip")), ProgressContext(context: .library(true))]
            var last: [ProgressContext: ProgressView] = [:]
            var step = 0
            for try await view in progress.watch(WatchRequest(userID: "ann", contexts: contexts)) {
                guard let context = view.context else { continue }
                last[context] = view
                let playlist = last[contexts[0]]
                if step == 0, last.count == 2, playlist?.inProgress == 1 {
                    step = 1
                    try await progress.send([PlayedJob.report(0.5)])
                } else if step == 1, playlist?.fraction == 0.375, last[contexts[1]]?.fraction == 0.1875 {
                    step = 2
                    driver.cover("ann", playlistID: "trip", Coverage(total: 4, analysed: 2, audioMs: 800_000))
                    driver.cover("ann", Coverage(total: 8, analysed: 2, audioMs: 1_600_000))
                    var job = PlayedJob.running
                    (job.analysed, job.cursor, job.audioDoneMs) = (1, 1, 200_000)
                    driver.publish(Event(lane: "0", atMs: 900, kind: .songAnalysed, job: job, songID: "s1", epoch: 1))
                } else if step == 2, last.values.allSatisfy({ $0.analysed == 2 }) {
                    break
                }
            }
            #expect(last[contexts[0]]?.fraction == 0.5 && last[contexts[1]]?.fraction == 0.25)
            #expect(last[contexts[0]]?.job?.id == "0-1")
        }
    }

    @Test func badRequestsSayWhatWouldBeRight() async throws {
        try await withService { driver, progress in
            driver.publish(PlayedJob.started())
            let library = ProgressContext(context: .library(true))
            for request in [
                ProgressRequest(userID: "ann"), ProgressRequest(context: library),
                ProgressRequest(userID: "ann", context: ProgressContext(context: .jobID(""))),
            ] {
                await #expect(throws: RPCError.self) { try await progress.get(request) }
            }
            let code = await #expect(throws: RPCError.self) {
                try await progress.get(ProgressRequest(userID: "nobody", context: library))
            }
            #expect(code?.code == .notFound)
            for request in [WatchRequest(userID: "ann"), WatchRequest(activeJobs: true)] {
                let error = await #expect(throws: RPCError.self) { for try await _ in progress.watch(request) {} }
                #expect(error?.code == .invalidArgument)
            }
            for fraction in [1.5, -0.1, .nan, .infinity] {
                let error = await #expect(throws: RPCError.self) {
                    try await progress.send([PlayedJob.report(fraction)])
                }
                #expect(error?.code == .invalidArgument && error?.detail.contains("from 0 to 1") == true)
            }
        }
    }
}
