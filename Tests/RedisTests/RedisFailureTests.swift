import NIOPosix
import Redis
import TestSupport
import Testing

/// What callers rely on when Redis dies, hangs, or the connection does.
@Suite(.timeLimit(.minutes(1))) struct RedisFailureTests {
    /// Waits until `count` clients block in the server, which proves that their commands have arrived.
    private func waitForBlockedClients(_ count: Int, _ server: RedisServer) async throws {
        try await server.withClient { client in
            while try await client.send("INFO", "clients").text?.contains("blocked_clients:\(count)\r\n") != true {
                await Task.yield()
            }
        }
    }

    private func error(_ task: Task<RedisValue, any Error>) async -> (any Error)? {
        if case .failure(let error) = await task.result { error } else { nil }
    }

    @Test func aClientGoesOnAfterARestart() async throws {
        let server = try await RedisServer.start(appendOnly: true)
        try await server.withClient { client in
            try await client.send("SET", "key", "value")
            try await server.restart()
            #expect(try await client.send("GET", "key").text == "value")
        }
    }

    @Test func aCommandSentWhileRedisIsAwayWaitsForItsReturn() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            await server.kill()
            let waiting = Task { try await client.send("SET", "key", "value", timeout: .seconds(30)) }
            try await server.start()
            #expect(try await waiting.value.text == "OK")
        }
    }

    @Test func aCommandFailsAsUnavailableWhenRedisStaysAway() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            await server.kill()
            await #expect {
                try await client.send("SET", "key", "value", timeout: .milliseconds(100))
            } throws: { error in
                if case RedisError.unavailable = error { true } else { false }
            }
        }
    }

    @Test func aCallerWhoWaitsForRedisCanBeCancelled() async throws {
        try await withClient(RedisURL("unix:/nowhere/redis.sock")) { client in
            let waiting = Task { try await client.send("PING", timeout: .seconds(600)) }
            waiting.cancel()
            #expect(await error(waiting) is CancellationError)
        }
    }

    @Test func aCallerWhoWaitsForAReplyCanBeCancelledAtAnyTime() async throws {
        let server = try await RedisServer.start()
        var configuration = RedisConfiguration()
        configuration.commandTimeout = .seconds(600)
        try await server.withClient(configuration: configuration) { client in
            let connection = try await client.send("CLIENT", "ID")
            server.freeze()
            let early = Task { try await client.send("PING") }
            early.cancel()
            // By then the late one waits for what takes long.
            let late = Task { try await client.send("PING") }
            try await Task.sleep(for: .milliseconds(100))
            let cancelled = ContinuousClock.now
            late.cancel()
            #expect(await error(late) is CancellationError)
            #expect(await error(early) is CancellationError)
            #expect(.now - cancelled < .seconds(1))
            server.thaw()
            #expect(try await client.send("CLIENT", "ID") == connection)
        }
    }

    @Test func aWriteInFlightWhenRedisIsKilledHasAnUnknownOutcome() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            let inFlight = Task { try await client.send("BLPOP", "list", 0, timeout: .seconds(60)) }
            try await waitForBlockedClients(1, server)
            await server.kill()
            guard case RedisError.unknownOutcome? = await error(inFlight) else {
                Issue.record("\(await inFlight.result)")
                return
            }
        }
    }

    @Test func anIdempotentCommandInFlightIsSentAgain() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            let inFlight = Task {
                try await client.send("BLPOP", "list", 0, isIdempotent: true, timeout: .seconds(60))
            }
            try await waitForBlockedClients(1, server)
            await server.kill()
            try await server.start()
            try await waitForBlockedClients(1, server)
            try await server.withClient { _ = try await $0.send("RPUSH", "list", "element") }
            #expect(try await inFlight.value.elements?.last?.text == "element")
        }
    }

    @Test func aFrozenRedisMissesTheDeadlineAndServesAgainOnceThawed() async throws {
        let server = try await RedisServer.start()
        var configuration = RedisConfiguration()
        configuration.commandTimeout = .milliseconds(200)
        try await server.withClient(configuration: configuration) { client in
            try await client.send("SET", "key", "value")
            let other = Task { try await client.send("BLPOP", "list", 0, timeout: .seconds(60)) }
            try await waitForBlockedClients(1, server)
            server.freeze()
            await #expect(throws: RedisError.timedOut) { try await client.send("GET", "key") }
            guard case RedisError.unknownOutcome? = await error(other) else {
                Issue.record("\(await other.result)")
                return
            }
            server.thaw()
            #expect(try await client.send("GET", "key", timeout: .seconds(30)).text == "value")
        }
    }

    @Test func aReplyThatComesByteByByteIsWhole() async throws {
        let server = try await RedisServer.shared()
        let key = RedisServer.uniquePrefix()
        try await FaultyProxy.with(.dribble, before: server.socketPath) { path in
            try await withClient(RedisURL(address: .unix(path: path))) { client in
                let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
                try await client.send("RPUSH", key, bytes, "", "x")
                #expect(
                    try await client.send("LRANGE", key, 0, -1)
                        == .array([.string(bytes), .string([]), .string(Array("x".utf8))]))
            }
        }
    }

    @Test func aReadCutInTheMiddleOfItsReplyIsReadAgain() async throws {
        let server = try await RedisServer.shared()
        let key = RedisServer.uniquePrefix()
        let text = String(repeating: "0123456789", count: 100)
        try await FaultyProxy.with(.cutOnce(afterBytes: 100), before: server.socketPath) { path in
            try await withClient(RedisURL(address: .unix(path: path))) { client in
                try await client.send("SET", key, text)
                #expect(try await client.send("GET", key).text == text)
            }
        }
    }

    @Test func aWriteCutInTheMiddleOfItsReplyHasAnUnknownOutcome() async throws {
        let server = try await RedisServer.shared()
        let key = RedisServer.uniquePrefix()
        try await FaultyProxy.with(.cutOnce(afterBytes: 20), before: server.socketPath) { path in
            try await withClient(RedisURL(address: .unix(path: path))) { client in
                await #expect {
                    try await client.send("EVAL", "redis.call('INCR', KEYS[1]); return string.rep('a', 1000)", 1, key)
                } throws: { error in
                    if case RedisError.unknownOutcome = error { true } else { false }
                }
                let count = try await client.send("GET", key).int
                #expect(count == 1)
            }
        }
    }

    @Test func whatIsNotRedisProtocolClosesTheConnection() async throws {
        let server = try await RedisServer.shared()
        let fault = FaultyProxy.Fault.garbleOnce(afterBytes: 7, with: "HTTP/1.1 400 Bad Request\r\n")
        try await FaultyProxy.with(fault, before: server.socketPath) { path in
            try await withClient(RedisURL(address: .unix(path: path))) { client in
                await #expect {
                    try await client.send("ECHO", "text")
                } throws: { error in
                    if case RedisError.protocolViolation = error { true } else { false }
                }
                let reply = try await client.send("ECHO", "text")
                #expect(reply.text == "text")
            }
        }
    }

    @Test func aReplyThatNobodyAskedForEndsTheConnection() async throws {
        let server = try await RedisServer.shared()
        // The reply to PING is followed by two where one was asked for; the last + takes the place of the replaced byte.
        let fault = FaultyProxy.Fault.garbleOnce(afterBytes: 7, with: "+FIRST\r\n+SECOND\r\n+")
        try await FaultyProxy.with(fault, before: server.socketPath) { path in
            try await withClient(RedisURL(address: .unix(path: path))) { client in
                let reply = try await client.send("CLIENT", "SETNAME", "first-connection")
                #expect(reply.text == "FIRST")
                let name = try await client.send("CLIENT", "GETNAME")
                #expect(name.isNull)
            }
        }
    }
}
