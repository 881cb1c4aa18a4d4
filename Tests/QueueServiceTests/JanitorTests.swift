// What is promised about jobs that ended long ago: they go, with all that is known about them, and nothing else does.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct JanitorTests {
    @Test func resultsThatHadTheirTimeGoAndNoOthers() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                for song in ["s1", "s2"] {
                    _ = try await queue.enqueue(.song, song)
                    _ = try await worker.drain(from: try await worker.work())
                }
            }
            let start = try await queue.end()
            try await queue.withStore { store in
                try await store.send("HSET", store.keys.lane("0", .userAnalysedAt, "u"), "s1", 1000)
                let lanes = Lanes(atLeast: 1, store: store, logger: .quiet)
                let accounts = Accounts(
                    lanes: lanes, laneMemory: .zero, store: store, passwords: Passwords(cost: .standard))
                let dispatcher = Dispatcher(
                    lanes: lanes, leaseLength: .seconds(1), rules: BackgroundRules(), store: store, logger: .quiet)
                let move = UserMove(accounts: accounts, store: store, dispatcher: dispatcher)
                let forEver = Janitor(lanes: lanes, store: store, move: move, logger: .quiet)
                #expect(try await forEver.cleanResults() == 0)
                let aDay = Janitor(
                    lanes: lanes, store: store, move: move, resultAge: .seconds(24 * 3600), logger: .quiet)
                #expect(try await aDay.cleanResults() == 1)
                let left = try await store.send("EXISTS", store.keys.lane("0", .songResults, "u", "s1")).int
                #expect(left == 0)
                let highlights = try await store.send("HKEYS", store.keys.lane("0", .userHighlights, "u")).elements
                #expect(highlights?.compactMap(\.text) == ["audio s2"])
            }
            _ = try await queue.events(after: start) { $0.kind == .libraryChanged }
            let coverage = try await queue.catalog.getCoverage(CoverageRequest(userID: "u"))
            #expect(coverage.analysed == 1)
            #expect(try await queue.enqueue(.song, "s1").queued == 1)
        }
    }

    @Test func aRemovalThatBrokeOffIsFinished() async throws {
        try await withServingQueue { queue in
            try await queue.withJanitor { janitor in
                let store = janitor.store
                let accounts = try #require(janitor.move?.accounts)
                func isThere() async throws -> Bool {
                    try await store.send("EXISTS", store.keys.account("u")).int == 1
                }
                _ = try await accounts.beginRemoval(of: "u")
                // Somebody may be at it.
                try await janitor.finishMoves()
                #expect(try await isThere())
                try await store.send("HSET", store.keys.moves, "u", 1)
                try await janitor.finishMoves()
                #expect(try await isThere() == false)
                #expect(try await store.send("HLEN", store.keys.moves).int == 0)
            }
            _ = try await queue.catalog.createUser(CreateUserRequest(id: "u", password: "password"))
        }
    }

    @Test func whatIsLeftOfASongThatFailedGoesToo() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1")
            let mood = AnalysisResult(analyzer: AnalyzerVersion(name: "mood", version: "1"), json: Array("{}".utf8))
            let failed = Failed(reason: "damaged", kind: .unreadable, results: [mood], analyzer: "audio")
            _ = try await lane.exchange(try await lane.exchange(), .failed(failed))
            let library = Library(userID: "u", lane: "0", analyzers: .builtIn, store: lane.store)
            #expect(try await library.song("s1").summary?.state == .failed)
            #expect(try await library.song("s1").summary?.analysedAtMs == 0)
            func expire(before: Int64) async throws -> Int64? {
                try await lane.store.run(\.expireResults, lane: "0", ["u", RedisArgument(before), "s1"]).int
            }
            #expect(try await expire(before: .now - 60_000) == 0)
            #expect(try await expire(before: .now + 60_000) == 1)
            let song = try await library.song("s1")
            #expect(song.results == [] && song.summary?.state == .notAnalysed)
        }
    }

    @Test func anIndexThatNamesAJobThatIsGoneIsCleanedToo() async throws {
        try await withLane { lane in
            let index = lane.store.keys.lane("0", .userEnded, "u")
            try await lane.store.send("ZADD", index, 1, "0-99")
            #expect(try await lane.queue.expire(userID: "u") == 1)
            #expect(try await lane.queue.expire(userID: "u") == 0)
        }
    }

    @Test func whatEndedLongAgoLeavesNothingBehind() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.fail(.song, "s1")
            _ = try await lane.enqueue(.playlist, "p")
            _ = try await lane.drain()
            let song = try #require(try await lane.enqueue(.song, "s9").job)
            let list = try #require(try await lane.enqueue(.playlist, "p", force: true).job)
            let kept = Janitor(
                lanes: Lanes(atLeast: 1, store: lane.store, logger: .quiet), store: lane.store, logger: .quiet)
            #expect(try await kept.clean() == 0)

            let scripts = Scripts(analyzers: .builtIn, limits: QueueLimits(retentionSeconds: -1))
            let store = Store(redis: lane.store.redis, keys: lane.store.keys, scripts: scripts)
            #expect(
                try await Janitor(lanes: Lanes(atLeast: 1, store: store, logger: .quiet), store: store, logger: .quiet)
                    .clean() == 2)
            let status = try await lane.status()
            #expect(status.pending == 2 && status.completed == 0 && status.failed == 0)
            let names = try await lane.store.run(\.scan, lane: "0", [0, 10_000_000, ""]).elements?.last?.elements
            let jobs = (names ?? []).compactMap(\.text).filter { name in
                ["job:", "dead", "ended"].contains { name.hasPrefix($0) } || name.hasSuffix(":ended")
            }
            #expect(Set(jobs) == ["job:\(song.id)", "job:\(list.id)", "job:\(list.id):songs"])
            #expect(try await lane.verify() == [])
        }
    }
}
