import Redis
import TestSupport
import Testing

/// A real cluster of three masters with replicas: callers need not know that it is one.
@Suite(.timeLimit(.minutes(2))) struct RedisClusterTests {
    @Test func commandsFindTheirNodesOverOneConnectionEach() async throws {
        let cluster = try await RedisCluster.start(nodeTimeoutMs: 30_000)
        try await cluster.withClient(configuration: RedisConfiguration(clientName: "routed")) { client in
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<1000 {
                    group.addTask {
                        try await client.send("SET", "key-\(number)", number)
                        let value = try await client.send("GET", "key-\(number)")
                        #expect(value.int == Int64(number))
                    }
                }
            }
            for master in cluster.masters {
                try await master.withClient { node in
                    let keys = try await node.send("DBSIZE").int ?? 0
                    #expect(keys > 200)
                    // The first connection of all was given up when the Redis behind it proved to be a cluster.
                    let routed = { try await node.send("CLIENT", "LIST").text?.ranges(of: "name=routed").count }
                    while try await routed() != 1 { try await Task.sleep(for: .milliseconds(10)) }
                }
            }
        }
    }

    @Test func scriptsPipelinesAndTransactionsGoWhereTheirKeysAre() async throws {
        let prefix = RedisServer.uniquePrefix()
        let script = RedisScript(name: "add", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")
        try await RedisCluster.shared().withClient { client in
            for tag in (0..<20).map({ "\(prefix){\($0)}" }) {
                #expect(try await client.run(script, keys: [tag + "a"], arguments: [2]) == .integer(2))
                let increment: [RedisArgument] = ["INCR", RedisArgument(tag + "a")]
                let get: [RedisArgument] = ["GET", RedisArgument(tag + "a")]
                #expect(try await client.pipeline([increment, increment, get]).last?.int == 4)
                let transaction = try await client.pipeline([["MULTI"], increment, increment, ["EXEC"]])
                #expect(transaction.last == .array([.integer(5), .integer(6)]))
            }
        }
    }

    @Test func keysInSeveralSlotsAreRefusedByRedis() async throws {
        try await RedisCluster.shared().withClient { client in
            #expect(await serverErrorCode { try await client.send("MGET", "a", "b") } == "CROSSSLOT")
        }
    }

    @Test func messagesAndBlockingReadsWorkAcrossTheCluster() async throws {
        let prefix = RedisServer.uniquePrefix()
        try await RedisCluster.shared().withClient { client in
            for index in 0..<5 {
                let name = "\(prefix)\(index)"
                var events = client.subscribe(to: [name]).makeAsyncIterator()
                #expect(await events.next() == .subscribed)
                while try await client.send("PUBSUB", "NUMSUB", name).elements?.last != .integer(1) {}
                try await client.send("PUBLISH", name, "text")
                guard case .message(let message)? = await events.next() else {
                    Issue.record("no message")
                    return
                }
                #expect(message.channel == name)

                let blocking = client.makeBlockingConnection()
                async let popped = blocking.send("BLPOP", name, 0, timeout: .seconds(30))
                try await client.send("RPUSH", name, "element")
                #expect(try await popped.elements?.last?.text == "element")
            }
        }
    }

    @Test func aSlotThatMovesIsFollowedKeyByKeyAndScriptsWaitForAllOfIt() async throws {
        let cluster = try await RedisCluster.start(nodeTimeoutMs: 30_000)
        let place = try await cluster.place(of: "{tag}")
        let (source, target) = (cluster.masters[place], cluster.masters[(place + 1) % 3])
        func text(_ server: RedisServer, _ command: RedisArgument...) async throws -> String {
            try await server.withClient { try await $0.send(command) }.text ?? ""
        }
        let (sourceID, targetID) = (
            try await text(source, "CLUSTER", "MYID"), try await text(target, "CLUSTER", "MYID")
        )
        let slot = RedisArgument(
            try await source.withClient { try await $0.send("CLUSTER", "KEYSLOT", "{tag}").int ?? 0 })
        let script = RedisScript(
            name: "derived", source: "return redis.call('GET', KEYS[1] .. 'stays')", derivesKeys: true)
        try await cluster.withClient { client in
            try await client.send("SET", "{tag}stays", "1")
            #expect(try await client.run(script, keys: ["{tag}"]).text == "1")

            try await target.withClient {
                _ = try await $0.send("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceID)
            }
            try await source.withClient { _ = try await $0.send("CLUSTER", "SETSLOT", slot, "MIGRATING", targetID) }
            // A key that the source lacks is the target's already, one that it has is not.
            try await client.send("SET", "{tag}new", "2")
            #expect(try await client.send("GET", "{tag}new").text == "2")
            #expect(
                try await client.pipeline([["GET", "{tag}stays"], ["GET", "{tag}new"]]).map(\.text) == ["1", "2"])
            #expect(
                await serverErrorCode { try await client.send("MGET", "{tag}stays", "{tag}new", timeout: .seconds(1)) }
                    == "TRYAGAIN")
            #expect(
                await serverErrorCode { try await client.run(script, keys: ["{tag}"], timeout: .seconds(1)) } == "ASK")

            let waiting = Task { try await client.run(script, keys: ["{tag}"], timeout: .seconds(30)) }
            let port = try await target.withClient { try await $0.send("CONFIG", "GET", "port").elements?.last?.text }
            try await source.withClient {
                try await $0.send("MIGRATE", "127.0.0.1", port ?? "", "{tag}stays", 0, 5000)
            }
            for server in [target, source] {
                try await server.withClient {
                    _ = try await $0.send("CLUSTER", "SETSLOT", slot, "NODE", targetID)
                }
            }
            #expect(try await waiting.value.text == "1")
            #expect(try await client.send("MGET", "{tag}stays", "{tag}new").elements?.map(\.text) == ["1", "2"])
        }
    }

    @Test func aReplicaTakesOverFromAKilledMaster() async throws {
        let cluster = try await RedisCluster.start()
        let place = try await cluster.place(of: "key")
        try await cluster.withClient { client in
            // Acknowledged by the replica, so that the failover does not lose it.
            #expect(try await client.pipeline([["SET", "key", "value"], ["WAIT", 1, 5000]]).last == .integer(1))
            // The channel is at home where the key is, as is known now.
            var events = client.subscribe(to: ["key"]).makeAsyncIterator()
            #expect(await events.next() == .subscribed)
            let blocking = client.makeBlockingConnection()
            _ = try await blocking.send("XREAD", "BLOCK", 1, "STREAMS", "{key}log", "$", timeout: .seconds(10))

            await cluster.masters[place].kill()
            try await client.send("SET", "key2{key}", "after", timeout: .seconds(60))
            #expect(try await client.send("GET", "key", timeout: .seconds(60)).text == "value")
            #expect(await events.next() == .subscribed)
            #expect(try await blocking.send("GET", "key", timeout: .seconds(10)).text == "value")

            // The killed one comes back as a replica, and nobody minds.
            try await cluster.masters[place].start()
            #expect(try await client.send("GET", "key2{key}").text == "after")
        }
    }
}
