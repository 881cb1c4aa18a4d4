import Foundation
import Redis
import TestSupport
import Testing

/// What callers rely on while the server is well.
@Suite(.timeLimit(.minutes(1))) struct RedisClientTests {
    @Test func commandsAndValuesOfEveryKindComeBack() async throws {
        let key = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            let bytes: [UInt8] = [0, 13, 10, 255]
            #expect(try await client.send("SET", key, bytes) == .string(Array("OK".utf8)))
            #expect(try await client.send("GET", key).bytes == bytes)
            #expect(try await client.send("GET", key + "none").isNull)
            #expect(try await client.send("HSET", key + "h", "a", 1, "b", 2.5, "", "") == .integer(3))
            let map = try #require(try await client.send("HGETALL", key + "h").map)
            #expect(map["a"]?.int == 1)
            #expect(map["b"]?.double == 2.5)
            #expect(map[""]?.text == "")
            #expect(
                try await client.send("EVAL", "return {1, {'x', {}}, false, {err = 'CODE why'}}", 0)
                    == .array([
                        .integer(1), .array([.string(Array("x".utf8)), .array([])]), .null,
                        .error(RedisServerError(code: "CODE", message: "why")),
                    ]))
        }
    }

    @Test func everyOneOfManyConcurrentCallersGetsItsOwnReply() async throws {
        try await RedisServer.shared().withClient { client in
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<5000 {
                    group.addTask {
                        let reply = try await client.send("ECHO", number)
                        #expect(reply.int == Int64(number))
                    }
                }
            }
        }
    }

    @Test func callersWhoAreCancelledDoNotShiftTheRepliesOfOthers() async throws {
        try await RedisServer.shared().withClient { client in
            for round in 0..<20 {
                let tasks = (0..<200).map { number in
                    Task { try await client.send("ECHO", round * 1000 + number).int }
                }
                for task in tasks[100...].shuffled() { task.cancel() }
                for (number, task) in tasks.enumerated() {
                    do {
                        let reply = try await task.value
                        #expect(reply == Int64(round * 1000 + number))
                    } catch is CancellationError {
                        #expect(number >= 100)
                    }
                }
            }
        }
    }

    @Test func aPipelineAnswersInOrderAndIsNotInterleaved() async throws {
        let key = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            try await withThrowingDiscardingTaskGroup { group in
                for _ in 0..<100 {
                    group.addTask {
                        let increment: [RedisArgument] = ["INCR", RedisArgument(key)]
                        let replies = try await client.pipeline(Array(repeating: increment, count: 10))
                        let first = try #require(replies.first?.int)
                        #expect(replies.map(\.int) == (first..<first + 10).map { $0 })
                    }
                }
            }
            #expect(try await client.pipeline([]).isEmpty)
        }
    }

    @Test func aPipelineThrowsTheFirstErrorAfterAllHaveRun() async throws {
        let key = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            await #expect {
                try await client.pipeline([
                    ["SET", RedisArgument(key), "text"], ["INCR", RedisArgument(key)],
                    ["APPEND", RedisArgument(key), "!"],
                ])
            } throws: { error in
                error as? RedisError
                    == .server(RedisServerError(code: "ERR", message: "value is not an integer or out of range"))
            }
            let text = try await client.send("GET", key).text
            #expect(text == "text!")
        }
    }

    @Test func serverErrorsTellTheirCode() async throws {
        let key = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            try await client.send("SET", key, "text")
            #expect(await serverErrorCode { try await client.send("LPUSH", key, 1) } == "WRONGTYPE")
            #expect(
                await serverErrorCode { try await client.send("EVAL", "return redis.error_reply('FENCED stale')", 0) }
                    == "FENCED")
        }
    }

    @Test func aFullRedisAnswersOOMAndAReplicaREADONLY() async throws {
        let full = try await RedisServer.start(options: ["--maxmemory", "1"])
        try await full.withClient { client in
            #expect(await serverErrorCode { try await client.send("SET", "key", "value") } == "OOM")
            try await client.send("CONFIG", "SET", "maxmemory", 0)
            try await client.send("REPLICAOF", "127.0.0.1", 1)
            #expect(await serverErrorCode { try await client.send("SET", "key", "value") } == "READONLY")
        }
    }

    @Test func aScriptRunsByItsHashAlsoAfterRedisForgotIt() async throws {
        let key = RedisServer.uniquePrefix()
        let script = RedisScript(name: "add", source: "return redis.call('INCRBY', KEYS[1], ARGV[1]) -- \(key)")
        let server = try await RedisServer.start()
        try await server.withClient { client in
            #expect(try await client.run(script, keys: [key], arguments: [2]) == .integer(2))
            #expect(try await client.run(script, keys: [key], arguments: [2]) == .integer(4))
            try await client.send("SCRIPT", "FLUSH")
            #expect(try await client.run(script, keys: [key], arguments: [2]) == .integer(6))
            let statistics = try #require(try await client.send("INFO", "commandstats").text)
            #expect(statistics.contains("cmdstat_eval:calls=2,"))
            #expect(statistics.contains("cmdstat_evalsha:calls=3,"))
        }
    }

    @Test func aReplyOf64MiBArrivesWhole() async throws {
        let key = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            try await client.send("SETRANGE", key, 64 << 20, "end", timeout: .seconds(60))
            let bytes = try #require(try await client.send("GET", key, timeout: .seconds(60)).bytes)
            #expect(bytes.count == (64 << 20) + 3)
            #expect(bytes.suffix(4) == [0] + Array("end".utf8))
            try await client.send("DEL", key)
        }
    }

    @Test func theHandshakeAuthenticatesNamesTheConnectionAndSelectsTheDatabase() async throws {
        let server = try await RedisServer.start(options: [
            "--user", "queue", "on", ">secret", "allkeys", "allcommands",
        ])
        var url = server.url
        url.user = "queue"
        url.password = "secret"
        url.database = 3
        try await withClient(url, configuration: RedisConfiguration(clientName: "queue-service")) { client in
            #expect(try await client.send("ACL", "WHOAMI").text == "queue")
            let list = try #require(try await client.send("CLIENT", "LIST").text)
            #expect(list.contains("name=queue-service") && list.contains("db=3"))
        }
        url.password = "wrong"
        try await withClient(url) { client in
            var reason = ""
            // A short call may end before the first handshake has.
            while !reason.contains("WRONGPASS") {
                do {
                    try await client.send("PING", timeout: .milliseconds(100))
                    Issue.record("Redis accepted a wrong password")
                    return
                } catch RedisError.unavailable(let why) {
                    reason = why
                }
            }
        }
    }

    @Test func aPasswordThatIsReplacedInItsFileIsTakenUpWithoutARestart() async throws {
        let server = try await RedisServer.start(options: ["--user", "queue", "on", ">first", "allkeys", "allcommands"])
        let file = FileManager.default.temporaryDirectory.appending(path: "password-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("first\n".utf8).write(to: file)
        var url = server.url
        url.user = "queue"
        url.passwordFile = file.path
        try await withClient(url) { client in
            let first = try #require(try await client.send("CLIENT", "ID").int)
            try Data("second".utf8).write(to: file)
            try await server.withClient { try await $0.send("ACL", "SETUSER", "queue", "resetpass", ">second") }
            // Redis lets a connection live that authenticated with a password of before.
            try await server.withClient { try await $0.send("CLIENT", "KILL", "ID", first) }
            let id = try await untilReconnected(client)
            #expect(id != first)
        }
    }

    /// The id of the next connection that serves commands.
    private func untilReconnected(_ client: RedisClient) async throws -> Int64 {
        while true {
            do {
                return try #require(try await client.send("CLIENT", "ID").int)
            } catch RedisError.unknownOutcome {
                continue
            }
        }
    }

    @Test func aRedisIsReachedByTCP() async throws {
        let port = try await freePorts(1)[0]
        let server = try await RedisServer.start(options: ["--port", "\(port)", "--bind", "127.0.0.1"])
        try await withClient(RedisURL("redis://127.0.0.1:\(port)")) { client in
            let reply = try await client.send("PING")
            #expect(reply.text == "PONG")
        }
        await server.stop()
    }

    @Test func anEmptyCommandHarmsNobody() async throws {
        try await RedisServer.shared().withClient { client in
            await #expect(throws: RedisError.invalidCommand("it has no name")) { try await client.send([]) }
            let reply = try await client.send("PING")
            #expect(reply.text == "PONG")
        }
    }
}

func serverErrorCode(_ body: () async throws -> RedisValue) async -> String? {
    do {
        return "no error but \(try await body())"
    } catch RedisError.server(let error) {
        return error.code
    } catch {
        return "\(error)"
    }
}
