import Redis
import TestSupport
import Testing

/// Messages and blocking reads, on connections of their own.
@Suite(.timeLimit(.minutes(1))) struct RedisSubscriptionTests {
    @Test func aSubscriberHearsEveryMessageOfItsChannelsInOrder() async throws {
        let prefix = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            var events = client.subscribe(to: [prefix + "a", prefix + "b"]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            for number in 0..<1000 {
                try await client.send("PUBLISH", prefix + (number % 2 == 0 ? "a" : "b"), number)
            }
            for number in 0..<1000 {
                guard case .message(let message) = await events.next() else {
                    Issue.record("no message \(number)")
                    return
                }
                #expect(message.channel == prefix + (number % 2 == 0 ? "a" : "b"))
                #expect(message.payload == Array("\(number)".utf8))
            }
        }
    }

    @Test func aSubscriberIsToldOfEveryReconnect() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            var events = client.subscribe(to: ["channel"]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            await server.kill()
            try await server.start()
            #expect(await events.next() == .subscribed)
            try await client.send("PUBLISH", "channel", "text")
            guard case .message(let message) = await events.next() else {
                Issue.record("no message")
                return
            }
            #expect(message.payload == Array("text".utf8))
        }
    }

    @Test func aSlowSubscriberIsReconnectedInsteadOfMissingMessagesUnawares() async throws {
        let channel = RedisServer.uniquePrefix()
        var configuration = RedisConfiguration()
        configuration.maximumWaitingMessages = 10
        try await RedisServer.shared().withClient(configuration: configuration) { client in
            var events = client.subscribe(to: [channel]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            while try await client.send("PUBLISH", channel, "text") == .integer(1) {}
            for _ in 0..<10 {
                guard case .message = await events.next() else {
                    Issue.record("what was received is delivered first")
                    return
                }
            }
            #expect(await events.next() == .subscribed)
        }
    }

    @Test func aCancelledSubscriberLeavesItsChannel() async throws {
        let channel = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            let (subscribed, continuation) = AsyncStream.makeStream(of: Void.self)
            let subscriber = Task { for await _ in client.subscribe(to: [channel]) { continuation.yield() } }
            for await _ in subscribed { break }
            subscriber.cancel()
            await subscriber.value
            while try await client.send("PUBLISH", channel, "text") != .integer(0) {}
        }
    }

    @Test func aBlockingReadWaitsWithoutHoldingUpOthers() async throws {
        let key = RedisServer.uniquePrefix()
        try await RedisServer.shared().withClient { client in
            let blocking = client.makeBlockingConnection()
            async let reply = blocking.send("XREAD", "BLOCK", 60_000, "STREAMS", key, "0", timeout: .seconds(70))
            #expect(try await client.send("PING").text == "PONG")
            try await client.send("XADD", key, "1-1", "field", "value")
            let entries = try await reply.elements?.first?.elements?.last?.elements
            #expect(entries?.first?.elements?.first?.text == "1-1")
            #expect(entries?.first?.elements?.last?.map?["field"]?.text == "value")
            #expect(try await blocking.send("XREAD", "BLOCK", 1, "STREAMS", key, "1-1", timeout: .seconds(10)).isNull)
        }
    }

    @Test func aCancelledBlockingReadEndsInRedisToo() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            let blocking = client.makeBlockingConnection()
            let read = Task { try await blocking.send("BLPOP", "list", 0, timeout: .seconds(600)) }
            func waitForBlockedClients(_ count: Int) async throws {
                while try await client.send("INFO", "clients").text?.contains("blocked_clients:\(count)\r\n") != true {}
            }
            try await waitForBlockedClients(1)
            read.cancel()
            await #expect(throws: CancellationError.self) { try await read.value }
            try await waitForBlockedClients(0)
            try await client.send("RPUSH", "list", "element")
            let reply = try await blocking.send("BLPOP", "list", 0, timeout: .seconds(60))
            #expect(reply.elements?.last?.text == "element")
        }
    }

    @Test func aBlockingReadWhoseConnectionDiesHasAnUnknownOutcome() async throws {
        let server = try await RedisServer.start()
        try await server.withClient { client in
            let blocking = client.makeBlockingConnection()
            let read = Task { try await blocking.send("BLPOP", "list", 0, timeout: .seconds(600)) }
            while try await client.send("INFO", "clients").text?.contains("blocked_clients:1\r\n") != true {}
            await server.kill()
            await #expect {
                _ = try await read.value
            } throws: { error in
                if case RedisError.unknownOutcome = error { true } else { false }
            }
            try await server.start()
            #expect(try await blocking.send("PING", timeout: .seconds(10)).text == "PONG")
        }
    }
}
