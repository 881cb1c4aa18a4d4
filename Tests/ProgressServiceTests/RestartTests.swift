// What is shown survives the restart or absence of the service itself, of the queue and of Redis.

import AnalysisAPI
import RPC
import Redis
import TestSupport
import Testing

@testable import ProgressService

@Suite(.timeLimit(.minutes(2))) struct RestartTests {
    @Test func whatIsShownSurvivesARestartOfTheService() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            try await surroundings.withQueue {
                let before = try await surroundings.withService { progress in
                    driver.publish(PlayedJob.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    try await progress.send([PlayedJob.report(0.8)])
                    return try await progress.job("0-1") { $0.fraction > 0 }
                }
                try await surroundings.withService(gracefully: false) { progress in
                    let after = try await progress.job("0-1") { _ in true }
                    #expect(after.fraction == before.fraction && after.songFraction == 0.8)
                    // The song starts again: nothing falls.
                    driver.publish(Event(lane: "0", kind: .workerLost, job: PlayedJob.pending, songID: "s1", epoch: 1))
                    var again = PlayedJob.running
                    again.epoch = 2
                    driver.publish(PlayedJob.started(again))
                    _ = try await progress.job("0-1") { $0.job?.epoch == 2 }
                    try await progress.send([PlayedJob.report(0.1, epoch: 2)])
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
                    surroundings.driver.publish(PlayedJob.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    var ended = PlayedJob.pending
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
                await #expect(throws: PlayedJob.notFound) {
                    try await progress.get(ProgressRequest(userID: "bob", context: request.context))
                }
                // Watching it shows it, too.
                let watched = try await progress.job("0-1") { _ in true }
                #expect(watched == view)
            }
        }
    }

    @Test func aContextKeepsItsBasisAndMarkOverARestart() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            let request = ProgressRequest(userID: "ann", context: ProgressContext(context: .library(true)))
            try await surroundings.withQueue {
                try await surroundings.withService { progress in
                    driver.publish(PlayedJob.started())
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
                    try await progress.send([PlayedJob.report(0.5)])
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
                    driver.publish(PlayedJob.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                }
                var ended = PlayedJob.pending
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
                    driver.publish(PlayedJob.started())
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                }
                var ended = PlayedJob.pending
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
                driver.publish(PlayedJob.started())
                _ = try await progress.job("0-1") { $0.inProgress == 1 }
                await redis.kill()
                try await progress.send([PlayedJob.report(0.5)])
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
}
