import Foundation
import Logging
import NIOCore
import NIOPosix
import Redis
import TestSupport
import Testing

/// What callers rely on while Redis is there and cannot do its work, or is away for long.
@Suite(.timeLimit(.minutes(1))) struct RedisOutageTests {
    @TaskLocal static var deadline: NIODeadline?

    private func reason(_ body: () async throws -> RedisValue) async -> String {
        do {
            return "no error but \(try await body())"
        } catch RedisError.unavailable(let reason) {
            return reason
        } catch {
            return "\(error)"
        }
    }

    @Test func aCommandWaitsWhileRedisLoadsItsData() async throws {
        let server = try await RedisServer.start(options: [
            "--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024",
        ])
        try await server.withClient { client in
            try await client.send("DEBUG", "POPULATE", 1000, "key", 100)
            try await client.send("CONFIG", "SET", "key-load-delay", 1000)
            try await server.withClient { other in
                async let reload = other.send("DEBUG", "RELOAD", timeout: .seconds(30))
                while try await client.send("INFO", "persistence").text?.contains("loading:1\r\n") != true {}
                #expect(try await client.send("STRLEN", "key:7", timeout: .seconds(30)) == .integer(100))
                _ = try await reload
            }
            let refusals = try await client.send("INFO", "errorstats").text
            #expect(refusals?.contains("errorstat_LOADING") == true)
        }
    }

    @Test func aRedisThatCannotSaveAnswersMISCONF() async throws {
        let server = try await RedisServer.start()
        // What is saved cannot take the place of a folder.
        let folder = URL(filePath: server.socketPath).deletingLastPathComponent()
        try FileManager.default.createDirectory(
            at: folder.appending(path: "dump.rdb/full"), withIntermediateDirectories: true)
        try await server.withClient { client in
            try await client.send("SET", "key", "value")
            try await client.send("CONFIG", "SET", "save", "3600 1")
            try await client.send("BGSAVE")
            while try await client.send("INFO", "persistence").text?.contains("rdb_last_bgsave_status:err") != true {}
            #expect(await serverErrorCode { try await client.send("SET", "key", "other") } == "MISCONF")
            let value = try await client.send("GET", "key")
            #expect(value.text == "value")
        }
    }

    @Test func aPeerThatVanishesIsGivenUpAndOthersAreAskedAgain() async throws {
        let server = try await RedisServer.shared()
        var configuration = RedisConfiguration()
        configuration.commandTimeout = .milliseconds(300)
        let settings = configuration
        try await FaultyProxy.with(.vanishOnce(afterBytes: 7), before: server.socketPath) { path in
            try await withClient(RedisURL(address: .unix(path: path)), configuration: settings) { client in
                await #expect(throws: RedisError.timedOut) { try await client.send("ECHO", "lost") }
                let reply = try await client.send("ECHO", "found", timeout: .seconds(30))
                #expect(reply.text == "found")
            }
        }
    }

    @Test func aSilentConnectionIsProbedAndASubscriberOfAVanishedPeerIsReconnected() async throws {
        let channel = RedisServer.uniquePrefix()
        let server = try await RedisServer.shared()
        var configuration = RedisConfiguration()
        configuration.keepalive = .milliseconds(200)
        let settings = configuration
        // The subscriber's is the first connection: the replies to its PING and to its SUBSCRIBE.
        let bytes = "+PONG\r\n*3\r\n$9\r\nsubscribe\r\n$\(channel.utf8.count)\r\n\(channel)\r\n:1\r\n".utf8.count
        try await FaultyProxy.with(.vanishOnce(afterBytes: bytes), before: server.socketPath) { path in
            var logger = Logger(label: "redis")
            logger.logLevel = .critical
            let client = RedisClient(
                url: RedisURL(address: .unix(path: path)), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: logger, configuration: settings)
            var events = client.subscribe(to: [channel]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            #expect(await events.next() == .subscribed)
        }
    }

    @Test func commandsThatWaitForRedisAreBounded() async throws {
        let server = try await RedisServer.start()
        var configuration = RedisConfiguration()
        configuration.maximumWaitingCommands = 10
        try await server.withClient(configuration: configuration) { client in
            try await client.send("PING")
            server.freeze()
            // Redis owes their replies although nobody waits for them any more.
            for _ in 0..<10 {
                await #expect(throws: RedisError.timedOut) { try await client.send("PING", timeout: .milliseconds(20)) }
            }
            let refusal = await reason { try await client.send("PING") }
            #expect(refusal == "10 commands already wait for their replies")
            server.thaw()
            while await reason({ try await client.send("PING") }) == refusal {}

            await server.kill()
            let calls = (0..<11).map { number in Task { try await client.send("ECHO", number, timeout: .seconds(30)) } }
            try await server.start()
            var refused = 0
            for (number, call) in calls.enumerated() {
                do {
                    let reply = try await call.value
                    #expect(reply.int == Int64(number))
                } catch RedisError.unavailable {
                    refused += 1
                }
            }
            // The eleventh, where it came while the others still waited.
            #expect(refused <= 1)
        }
    }

    @Test func aCallerWhoseDeadlinePassesLeavesTheConnectionToTheOthers() async throws {
        let server = try await RedisServer.start()
        var configuration = RedisConfiguration()
        configuration.commandTimeout = .seconds(30)
        configuration.callerDeadline = { Self.deadline }
        try await server.withClient(configuration: configuration) { client in
            let connection = try await client.send("CLIENT", "ID")
            server.freeze()
            let patient = Task { try await client.send("ECHO", "patient") }
            await Self.$deadline.withValue(.now() + .milliseconds(100)) {
                await #expect(throws: RedisError.timedOut) { try await client.send("ECHO", "hurried") }
                // It has passed: nothing is sent.
                await #expect(throws: RedisError.timedOut) { try await client.send("ECHO", "late") }
            }
            server.thaw()
            #expect(try await patient.value.text == "patient")
            #expect(try await client.send("ECHO", "after").text == "after")
            #expect(try await client.send("CLIENT", "ID") == connection)
        }
    }

    @Test func aCallerWhoseDeadlinePassesWaitsNoLongerForAConnection() async throws {
        var configuration = RedisConfiguration()
        configuration.callerDeadline = { Self.deadline }
        try await withClient(RedisURL("unix:/nowhere/redis.sock"), configuration: configuration) { client in
            let task = Self.$deadline.withValue(.now() + .milliseconds(100)) {
                Task { try await client.send("PING", timeout: .seconds(600)) }
            }
            await #expect {
                try await task.value
            } throws: { error in
                if case RedisError.unavailable = error { true } else { false }
            }
        }
    }

    @Test func whoIsAwayIsLookedForAtLeastTwiceASecond() {
        // So that a Redis which returns is used again within a second.
        #expect(RedisConfiguration().maximumBackoff <= .milliseconds(500))
    }
}
