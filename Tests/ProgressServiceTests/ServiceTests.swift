import AnalysisAPI
import RPC
import Redis
import TestSupport
import Testing

@testable import ProgressService

@Suite(.timeLimit(.minutes(2))) struct ServiceTests {
    private static let job = Job(
        id: "0-1", lane: "0", userID: "ann", type: .playlist, priority: .medium, state: .pending, targetID: "trip",
        sequence: 1, total: 4, audioMs: 800_000)

    /// A job as it runs its first song.
    private static let running: Job = {
        var job = Self.job
        (job.state, job.epoch, job.songID) = (.inProgress, 1, "s1")
        return job
    }()

    private static func report(_ fraction: Double, epoch: UInt64 = 1) -> ProgressReport {
        ProgressReport(
            workerID: "w", lane: "0", jobID: "0-1", epoch: epoch, songID: "s1", fraction: fraction, stage: "decode",
            runningMs: 500, analyzers: [AnalyzerVersion(name: "audio", version: "1")])
    }

    private static func started(_ job: Job = running) -> Event {
        Event(lane: "0", atMs: 1, kind: .started, job: job, songID: job.songID, userID: "ann", epoch: job.epoch)
    }

    private func withSurroundings(_ body: (Surroundings) async throws -> Void) async throws {
        let surroundings = try await Surroundings()
        defer { surroundings.remove() }
        try await body(surroundings)
    }

    private func withService(_ body: @Sendable (QueueDriver, ProgressClient) async throws -> Void) async throws {
        try await withSurroundings { surroundings in
            try await surroundings.withQueue {
                try await surroundings.withService { try await body(surroundings.driver, $0) }
            }
        }
    }

    @Test func aWatcherSeesAJobFromItsBeginningToItsEnd() async throws {
        try await withService { driver, progress in
            driver.add(playlist: "trip", name: "Road trip", songIDs: ["s1"], of: "ann")
            driver.publish(Event(lane: "0", kind: .enqueued, job: Self.job))
            _ = try await progress.job("0-1") { _ in true }
            var shown: [ProgressView] = []
            let request = WatchRequest(userID: "ann", contexts: [ProgressContext(context: .jobID("0-1"))])
            for try await view in progress.watch(request) {
                shown.append(view)
                switch view.job?.state {
                case .pending: driver.publish(Self.started())
                case .inProgress where view.fraction == 0: try await progress.send([Self.report(0.5)])
                case .inProgress where view.song?.title == "Song s1" && view.fraction > 0:
                    var ended = Self.job
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

    @Test func whatIsShownSurvivesARestartOfTheService() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            try await surroundings.withQueue {
                let before = try await surroundings.withService { progress in
                    driver.publish(Self.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    try await progress.send([Self.report(0.8)])
                    return try await progress.job("0-1") { $0.fraction > 0 }
                }
                try await surroundings.withService(gracefully: false) { progress in
                    let after = try await progress.job("0-1") { _ in true }
                    #expect(after.fraction == before.fraction && after.songFraction == 0.8)
                    // The song starts again: nothing falls.
                    driver.publish(Event(lane: "0", kind: .workerLost, job: Self.job, songID: "s1", epoch: 1))
                    var again = Self.running
                    again.epoch = 2
                    driver.publish(Self.started(again))
                    _ = try await progress.job("0-1") { $0.job?.epoch == 2 }
                    try await progress.send([Self.report(0.1, epoch: 2)])
                    let view = try await progress.job("0-1") { _ in true }
                    #expect(view.fraction == before.fraction && view.songFraction == 0.8)
                }
                // Broken off: what it had not saved comes from the log again.
                try await surroundings.withService { progress in
                    let view = try await progress.job("0-1") { $0.job?.epoch == 2 && $0.inProgress == 1 }
                    #expect(view.fraction >= before.fraction)
                }
                #expect(driver.followed.first?.isEmpty == true)
                #expect(driver.followed.dropFirst().allSatisfy { $0.first?.lane == "0" })
            }
        }
    }

    @Test func anEndedJobIsToldForADayAfterARestartAndToNobodyElse() async throws {
        try await withSurroundings { surroundings in
            try await surroundings.withQueue {
                try await surroundings.withService { progress in
                    surroundings.driver.publish(Self.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    var ended = Self.job
                    (ended.state, ended.analysed, ended.failed, ended.endedAtMs) = (.completed, 3, 1, 9)
                    surroundings.driver.publish(Event(lane: "0", kind: .completed, job: ended))
                    _ = try await progress.job("0-1") { $0.ended }
                }
            }
            let keys = Keys(prefix: surroundings.keyPrefix)
            try await surroundings.redis.withClient { redis in
                let seconds = try await redis.send("TTL", keys.job("0-1")).int ?? 0
                #expect(seconds > 86_000 && seconds <= 86_400)
                let live = try await redis.send("SMEMBERS", keys.liveJobs)
                #expect(live == .array([]))
            }
            // The queue is away: it is told from what was kept.
            try await surroundings.withService { progress in
                let request = ProgressRequest(userID: "ann", context: ProgressContext(context: .jobID("0-1")))
                let view = try await progress.get(request)
                #expect(view.fraction == 1 && view.failed == 1 && view.ended)
                await #expect(throws: notFound) {
                    try await progress.get(ProgressRequest(userID: "bob", context: request.context))
                }
                // Watching it shows it, too.
                let watched = try await progress.job("0-1") { _ in true }
                #expect(watched == view)
            }
        }
    }

    private var notFound: RPCError { RPCError(.notFound, "There is no job 0-1.") }

    @Test func somebodyElsesJobIsNotThere() async throws {
        try await withService { driver, progress in
            driver.publish(Self.started())
            _ = try await progress.job("0-1") { _ in true }
            let context = ProgressContext(context: .jobID("0-1"))
            await #expect(throws: notFound) { try await progress.get(ProgressRequest(userID: "bob", context: context)) }
            await #expect(throws: notFound) {
                for try await _ in progress.watch(WatchRequest(userID: "bob", contexts: [context])) {}
            }
            let active = try await progress.listActive(ListActiveRequest(userID: "bob"))
            #expect(active.jobs.isEmpty)
            let seenByOperator = try await progress.get(ProgressRequest(context: context))
            #expect(seenByOperator.job?.userID == "ann")
        }
    }

    @Test func aSlowReaderGetsTheLatestAndNeverMissesTheEnd() async throws {
        try await withService { driver, progress in
            driver.publish(Self.started())
            _ = try await progress.job("0-1") { $0.inProgress == 1 }
            let request = WatchRequest(userID: "ann", contexts: [ProgressContext(context: .jobID("0-1"))])
            let views = progress.watch(request)
            let first = try await views.next()
            #expect(first?.fraction == 0)
            // The reader reads no more, while far more happens than its credit holds.
            let count = 20_000
            try await progress.send((1...count).map { Self.report(Double($0) / Double(count)) })
            var ended = Self.job
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
            driver.publish(Self.started())
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
            driver.answer(Self.job)
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
            driver.publish(Self.started())
            let contexts = [ProgressContext(context: .playlistID("trip")), ProgressContext(context: .library(true))]
            var last: [ProgressContext: ProgressView] = [:]
            var step = 0
            for try await view in progress.watch(WatchRequest(userID: "ann", contexts: contexts)) {
                guard let context = view.context else { continue }
                last[context] = view
                let playlist = last[contexts[0]]
                if step == 0, last.count == 2, playlist?.inProgress == 1 {
                    step = 1
                    try await progress.send([Self.report(0.5)])
                } else if step == 1, playlist?.fraction == 0.375, last[contexts[1]]?.fraction == 0.1875 {
                    step = 2
                    driver.cover("ann", playlistID: "trip", Coverage(total: 4, analysed: 2, audioMs: 800_000))
                    driver.cover("ann", Coverage(total: 8, analysed: 2, audioMs: 1_600_000))
                    var job = Self.running
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

    @Test func aContextKeepsItsBasisAndMarkOverARestart() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            let request = ProgressRequest(userID: "ann", context: ProgressContext(context: .library(true)))
            try await surroundings.withQueue {
                try await surroundings.withService { progress in
                    driver.publish(Self.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    driver.cover("ann", Coverage(total: 4, analysed: 2))
                    let first = try await progress.get(request)
                    #expect(first.basis == 1)
                    driver.cover("ann", Coverage(total: 8, analysed: 2))
                    driver.publish(Event(lane: "0", kind: .libraryChanged, userID: "ann"))
                    let grown = try await progress.view(
                        WatchRequest(userID: "ann", contexts: [ProgressContext(context: .library(true))])
                    ) { $0.total == 8 }
                    #expect(grown.basis == 2 && grown.fraction == 0.25)
                    try await progress.send([Self.report(0.5)])
                    let last = try await progress.get(request)
                    #expect(last.fraction == 2.5 / 8)
                }
                try await surroundings.withService { progress in
                    let view = try await progress.get(request)
                    #expect(view.basis == 2 && view.fraction == 2.5 / 8)
                }
            }
        }
    }

    @Test func aJobWhoseEndNobodyFollowedIsAskedForAfterTheLogWasTrimmed() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            try await surroundings.withQueue {
                try await surroundings.withService { progress in
                    driver.publish(Self.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                }
                var ended = Self.job
                (ended.state, ended.analysed, ended.endedAtMs) = (.completed, 4, 9)
                driver.publish(Event(lane: "0", kind: .libraryChanged, userID: "ann"))
                driver.trimLog()
                driver.answer(ended)
                try await surroundings.withService { progress in
                    let view = try await progress.job("0-1") { $0.ended }
                    #expect(view.fraction == 1)
                    let active = try await progress.listActive(ListActiveRequest(userID: "ann"))
                    #expect(active.jobs.isEmpty)
                }
            }
        }
    }

    @Test func theLogIsFollowedOnAfterARestartOfTheQueue() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            try await surroundings.withService { progress in
                try await surroundings.withQueue {
                    driver.publish(Self.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                }
                var ended = Self.job
                (ended.state, ended.analysed, ended.endedAtMs) = (.completed, 4, 9)
                driver.publish(Event(lane: "0", kind: .completed, job: ended))
                try await surroundings.withQueue {
                    let view = try await progress.job("0-1") { $0.ended }
                    #expect(view.fraction == 1)
                }
            }
        }
    }

    @Test func progressGoesOnWhileRedisIsAwayAndIsKeptWhenItIsBack() async throws {
        let redis = try await RedisServer.start(appendOnly: true)
        let surroundings = try await Surroundings(redis: redis)
        defer { surroundings.remove() }
        let driver = surroundings.driver
        try await surroundings.withQueue {
            try await surroundings.withService { progress in
                driver.publish(Self.started())
                _ = try await progress.job("0-1") { $0.inProgress == 1 }
                await redis.kill()
                try await progress.send([Self.report(0.5)])
                let view = try await progress.job("0-1") { $0.fraction > 0 }
                #expect(view.fraction == 0.125)
                try await redis.start()
            }
            try await surroundings.withService { progress in
                let view = try await progress.job("0-1") { _ in true }
                #expect(view.fraction == 0.125)
            }
        }
    }

    @Test func badRequestsSayWhatWouldBeRight() async throws {
        try await withService { driver, progress in
            driver.publish(Self.started())
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
                let error = await #expect(throws: RPCError.self) { try await progress.send([Self.report(fraction)]) }
                #expect(error?.code == .invalidArgument && error?.detail.contains("from 0 to 1") == true)
            }
        }
    }
}
