// What is promised about how safe acknowledged work is in Redis.

import AnalysisAPI
import Logging
import NIOPosix
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite struct DurabilityTests {
    @Test func whatIsWrongWithTheAppendOnlyFileIsToldOnce() {
        var persistence = Persistence()
        let fine = "# Persistence\r\naof_enabled:1\r\naof_last_write_status:ok\r\naof_delayed_fsync:0\r\n"
        #expect(persistence.note(fine) == [])
        let slow = fine.replacing("fsync:0", with: "fsync:3")
        #expect(persistence.note(slow).map { $0.prefix(30) } == ["The disk of Redis is slow: wri"])
        #expect(persistence.note(slow) == [])
        // It was started again.
        #expect(persistence.note(fine) == [])
        let full = fine.replacing("status:ok", with: "status:err")
        #expect(persistence.note(full).map { $0.prefix(18) } == ["Redis cannot write"])
        #expect(persistence.note(full) == [])
        let off = "aof_enabled:0\r\naof_last_write_status:ok\r\n"
        #expect(persistence.note(off).map { $0.prefix(18) } == ["Redis keeps no app"])
        #expect(persistence.note(off) == [])
    }

    @Test func everyConnectionHasRedisWriteBeforeItAnswers() async throws {
        let server = try await RedisServer.start()
        var configuration = RedisConfiguration()
        configuration.greeting = Durability.always.greeting
        let client = RedisClient(
            url: server.url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: .quiet,
            configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            for _ in 1...2 {
                for setting in ["appendonly yes", "appendfsync always"] {
                    let words = setting.split(separator: " ").map(String.init)
                    let actual = try await client.send(
                        ["CONFIG", "GET", RedisArgument(words[0])], timeout: .seconds(20)
                    ).elements?.compactMap(\.text)
                    #expect(actual == words)
                }
                await server.kill()
                try await server.start()
            }
            group.cancelAll()
        }
    }
}
