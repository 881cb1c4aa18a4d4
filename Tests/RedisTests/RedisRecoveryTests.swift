import Foundation
import Redis
import TestSupport
import Testing

/// How soon callers are served again by a Redis that was away, and that each gets its own reply.
@Suite(.timeLimit(.minutes(2))) struct RedisRecoveryTests {
    /// Twice the longest pause between two attempts to connect.
    private static let promise: Duration = .seconds(1)
    private static let isLong = ProcessInfo.processInfo.environment["ANALYSIS_TEST_LONG"] != nil

    /// In the short run the times are shorter, so that all that happens in a long outage happens: the connection is given up,
    /// and several attempts at another one fail.
    private var outage: (length: Duration, configuration: RedisConfiguration) {
        var configuration = RedisConfiguration()
        guard !Self.isLong else { return (.seconds(30), configuration) }
        configuration.commandTimeout = .milliseconds(500)
        configuration.connectTimeout = .milliseconds(500)
        return (.seconds(3), configuration)
    }

    private func recovery(_ client: RedisClient) async throws -> Duration {
        let returned = ContinuousClock.now
        try await withThrowingDiscardingTaskGroup { group in
            for number in 0..<100 {
                group.addTask {
                    let reply = try await client.send("ECHO", number, timeout: .seconds(60))
                    #expect(reply.int == Int64(number))
                }
            }
        }
        return .now - returned
    }

    @Test func aStoppedRedisIsUsedWithinASecondOfItsReturn() async throws {
        let outage = outage
        let server = try await RedisServer.start()
        try await server.withClient(configuration: outage.configuration) { client in
            try await client.send("SET", "key", "value")
            server.freeze()
            await #expect(throws: RedisError.timedOut) { try await client.send("SET", "key", "other") }
            try await Task.sleep(for: outage.length)
            server.thaw()
            let recovery = try await recovery(client)
            #expect(recovery < Self.promise)
        }
    }

    @Test func aKilledRedisIsUsedWithinASecondOfItsReturn() async throws {
        let outage = outage
        let server = try await RedisServer.start()
        try await server.withClient(configuration: outage.configuration) { client in
            try await client.send("PING")
            await server.kill()
            // By then the pauses between attempts are as long as they get.
            try await Task.sleep(for: outage.length)
            try await server.start()
            let recovery = try await recovery(client)
            #expect(recovery < Self.promise)
        }
    }
}
