import Redis
import TestSupport
import Testing

/// That one learns of every key that changes.
@Suite(.timeLimit(.minutes(1))) struct RedisChangesTests {
    @Test func everyKeyThatChangesOrGoesIsNamedBeforeWhatChangesLater() async throws {
        let prefix = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            try await client.send("SET", prefix + "old", 1)
            let changes = try await client.changes(of: prefix, at: try await client.masters()[0])
            try await client.send("SET", prefix + "a", 1)
            try await client.send("SET", RedisServer.uniquePrefix() + "other", 1, "PX", 1)
            try await client.send("EVAL", "redis.call('HSET', KEYS[1], 'f', 1)", 1, prefix + "in a script")
            try await client.send("DEL", prefix + "old")
            try await client.send("SET", prefix + "mark", 1)
            let names = try await changes.names(until: prefix + "mark")
            #expect(names == Set(["a", "in a script", "old"].map { Array((prefix + $0).utf8) }))
            try await client.send("SET", prefix + "again", 1)
            try await client.send("SET", prefix + "mark", 2)
            #expect(try await changes.names(until: prefix + "mark") == [Array((prefix + "again").utf8)])
        }
    }

    @Test func thatNamesWereMissedIsAnError() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            let changes = try await client.changes(of: "", at: try await client.masters()[0])
            await server.kill()
            await #expect(throws: RedisError.self) { try await changes.names(until: "mark") }
        }
    }

    @Test func thatAllKeysWereRemovedIsAnError() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            let changes = try await client.changes(of: "", at: try await client.masters()[0])
            try await client.send("FLUSHALL")
            await #expect(throws: RedisError.self) { try await changes.names(until: "mark") }
        }
    }
}
