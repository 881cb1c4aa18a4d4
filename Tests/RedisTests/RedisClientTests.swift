import Redis
import TestSupport
import Testing

/// What callers rely on while the server is well.
@Suite struct RedisClientTests {
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
}
