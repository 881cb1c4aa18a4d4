// What callers are told while a real Redis is there and takes no writes: which status, and when another try can succeed.

import AnalysisAPI
import Foundation
import Jobs
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct RedisRefusalTests {
    /// A store on a Redis of the test's own, whose commands have little time.
    private func withStore(
        options: [String] = [], _ body: @Sendable (RedisServer, Store) async throws -> Void
    ) async throws {
        let server = try await RedisServer.start(options: options)
        var configuration = RedisConfiguration()
        configuration.commandTimeout = .seconds(1)
        try await server.withClient(configuration: configuration) { redis in
            let scripts = Scripts(analyzers: .builtIn, limits: QueueLimits())
            try await body(server, Store(redis: redis, keys: Keys(prefix: "test:"), scripts: scripts))
        }
    }

    private func refusal(_ store: Store) async -> RPCError? {
        let lane = TestLane(queue: LaneQueue(lane: "0", store: store))
        return (await Result { try await lane.fill(user: "u") }.failure as? QueueError)?.rpcError
    }

    private func expect(_ refusal: RPCError?, _ code: StatusCode, _ reason: String) {
        #expect(refusal?.code == code)
        #expect(refusal?.detail.contains(reason) == true)
        #expect(refusal?.retryAfter == .seconds(1))
    }

    @Test func aFullRedisTakesNoNewWork() async throws {
        try await withStore { _, store in
            try await store.send("CONFIG", "SET", "maxmemory", 1)
            expect(await refusal(store), .resourceExhausted, "OOM")
            try await store.send("CONFIG", "SET", "maxmemory", 0)
            #expect(await refusal(store) == nil)
        }
    }

    @Test func aRedisWhoseDiskIsFullTakesNoNewWork() async throws {
        try await withStore { server, store in
            // What is saved cannot take the place of a folder.
            let file = URL(filePath: server.socketPath).deletingLastPathComponent().appending(path: "dump.rdb")
            try FileManager.default.createDirectory(
                at: file.appending(path: "full"), withIntermediateDirectories: true)
            try await store.send("CONFIG", "SET", "save", "3600 1")
            try await store.send("BGSAVE")
            while try await !persistence(store).contains("rdb_last_bgsave_status:err") {}
            expect(await refusal(store), .resourceExhausted, "MISCONF")
            try FileManager.default.removeItem(at: file)
            try await store.send("BGSAVE")
            while try await !persistence(store).contains("rdb_last_bgsave_status:ok") {}
            #expect(await refusal(store) == nil)
        }
    }

    @Test func aReplicaIsNotReady() async throws {
        try await withStore { _, store in
            try await store.send("REPLICAOF", "127.0.0.1", 1)
            expect(await refusal(store), .unavailable, "READONLY")
            try await store.send("REPLICAOF", "NO", "ONE")
            #expect(await refusal(store) == nil)
        }
    }

    @Test func aRedisThatLoadsForLongerThanACommandHasIsNotReady() async throws {
        let options = ["--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"]
        try await withStore(options: options) { server, store in
            try await store.send("DEBUG", "POPULATE", 2000, "key", 100)
            try await store.send("CONFIG", "SET", "key-load-delay", 3000)
            try await server.withClient { other in
                async let reload = other.send("DEBUG", "RELOAD", timeout: .seconds(50))
                while try await !persistence(store).contains("loading:1") {}
                // A command whose time ends between question and answer cannot know why.
                var refused = await refusal(store)
                while let error = refused, !error.detail.contains("LOADING") { refused = await refusal(store) }
                #expect(refused?.code == .unavailable)
                _ = try await reload
            }
            #expect(await refusal(store) == nil)
        }
    }

    @Test func theStatusReachesCallersWithWhenToTryAgain() async throws {
        let server = try await RedisServer.start()
        try await withServingQueue(on: server) { queue in
            try await server.withClient { _ = try await $0.send("CONFIG", "SET", "maxmemory", 1) }
            let refused = await Result { try await queue.enqueue(.song, "s1") }.failure as? RPCError
            expect(refused, .resourceExhausted, "OOM")
            try await server.withClient { _ = try await $0.send("CONFIG", "SET", "maxmemory", 0) }
            _ = try await queue.enqueue(.song, "s1")
        }
    }

    @Test func aFullRedisIsStillCleanedAndItsQueuePausedAndItsWorkersKnown() async throws {
        let server = try await RedisServer.start()
        try await withServingQueue(on: server) { queue in
            try await server.withClient { _ = try await $0.send("CONFIG", "SET", "maxmemory", 1) }
            _ = try await queue.queue.pauseQueue(PauseQueueRequest(reason: "full"))
            _ = try await queue.queue.resumeQueue(ResumeQueueRequest())
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let workers = try await queue.queue.getStatus(QueueStatusRequest()).workers
                #expect(workers.map(\.id) == ["w"])
            }
            try await queue.withStore { store in
                let duty = Duty(key: "test:duty", term: .seconds(1), store: store)
                #expect(try await duty.take())
                let lanes = Lanes(atLeast: 1, store: store, logger: .quiet)
                try await lanes.refresh()
            }
        }
    }

    private func persistence(_ store: Store) async throws -> String {
        try await store.send("INFO", "persistence").text ?? ""
    }
}
