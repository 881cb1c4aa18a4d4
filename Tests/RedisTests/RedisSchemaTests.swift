import Redis
import TestSupport
import Testing

/// Processes of several versions on the same data.
@Suite(.timeLimit(.minutes(1))) struct RedisSchemaTests {
    @Test func versionsThatUnderstandEachOtherTakeTurnsAndTheOneThatDoesNotIsRefused() async throws {
        let key = RedisServer.uniquePrefix() + "schema"
        try await RedisServer.shared().withClient { client in
            func schema(_ version: Int, needing needed: Int) -> RedisSchema {
                RedisSchema(key: key, version: version, needed: needed, redis: client)
            }
            let (first, second, third) = (schema(1, needing: 1), schema(2, needing: 1), schema(3, needing: 3))
            for process in [first, second, first, second] { try await process.claim() }
            #expect(try await client.send("ZSCORE", key, "version").double == 2)
            #expect(try await client.send("ZSCORE", key, "needed").double == 1)

            let running = Task { try await second.run() }
            try await third.claim()
            await #expect(throws: RedisSchemaError.self) { try await first.claim() }
            // One that was there before leaves, too.
            await #expect(throws: RedisSchemaError.self) { try await running.value }
            #expect(try await client.send("ZSCORE", key, "version").double == 3)
            try await third.claim()
        }
    }
}
