import Testing

@testable import Redis

/// Slots, redirections and who serves what, without sockets.
@Suite struct TopologyTests {
    private typealias Address = RedisURL.Address

    private func at(_ port: Int) -> Address { .tcp(host: "h", port: port) }

    @Test func slotsAreThoseOfTheClusterSpecification() {
        // As CLUSTER KEYSLOT answers.
        for (key, slot) in [
            ("123456789", 12739), ("foo", 12182), ("", 0), ("{user1000}.following", 3443), ("user1000", 3443),
            ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015), ("foo{bar}{zap}", 5061), ("foo{bar", 15278),
        ] {
            #expect(HashSlot(of: RedisArgument(key)).number == slot, "\(key)")
            #expect(HashSlot(of: RedisArgument(Array(key.utf8))).number == slot, "\(key)")
        }
    }

    @Test func aCommandIsRoutedByItsFirstKeyOrItsChannel() {
        func key(_ command: RedisArgument...) -> String? { command.routingKey?.text }
        #expect(key("get", "k") == "k")
        #expect(key("EVALSHA", "abc", 2, "k", "l", "argument") == "k")
        #expect(key("EVAL", "return 1", 0, "argument") == nil)
        #expect(key("XREAD", "COUNT", 1, "BLOCK", 0, "streams", "k", "$") == "k")
        #expect(key("XINFO", "STREAM", "k") == "k")
        #expect(key("ZUNION", 2, "k", "l") == "k")
        #expect(key("PUBLISH", "channel", "text") == "channel")
        #expect(key("PUBSUB", "NUMSUB", "channel") == "channel")
        for command in [["PING"], ["INFO", "clients"], ["SCRIPT", "FLUSH"], ["GET"], []] as [[RedisArgument]] {
            #expect(command.routingKey == nil)
        }
    }

    @Test func refusalsSayWhereElseOrWhen() throws {
        func read(_ reply: String, isWhole: Bool = false) -> Redirection? {
            Redirection(RedisServerError(reply: reply), from: at(1), isWhole: isWhole)
        }
        let slot = try #require(HashSlot(3999))
        #expect(read("MOVED 3999 127.0.0.1:6381") == .moved(slot, to: .tcp(host: "127.0.0.1", port: 6381)))
        #expect(read("MOVED 3999 ::1:6381") == .moved(slot, to: .tcp(host: "::1", port: 6381)))
        #expect(read("MOVED 3999 :6381") == .moved(slot, to: at(6381)))
        #expect(read("MOVED 3999 ?:6381") == .wait)
        #expect(read("ASK 3999 127.0.0.1:6381") == .ask(.tcp(host: "127.0.0.1", port: 6381)))
        #expect(read("ASK 3999 127.0.0.1:6381", isWhole: true) == .wait)
        for code in ["TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN"] { #expect(read("\(code) for now") == .wait) }
        for reply in ["ERR no", "MOVED", "MOVED x h:1", "MOVED 16384 h:1", "READONLY no", "OOM no", "MISCONF no"] {
            #expect(read(reply) == nil, "\(reply)")
        }
    }

    private final class Node: Sendable {
        let address: Address?
        init(_ address: Address?) { self.address = address }
    }

    private func topology() -> RedisClient.Topology<Node> { RedisClient.Topology(entry: Node(nil)) { Node($0) } }

    private func map(_ ranges: [(ClosedRange<Int>, [Int])]) throws -> SlotMap {
        let reply = RedisValue.array(
            ranges.map { slots, ports in
                .array(
                    [.integer(Int64(slots.lowerBound)), .integer(Int64(slots.upperBound))]
                        + ports.map {
                            .array([.string(Array("h".utf8)), .integer(Int64($0)), .string(Array("id".utf8))])
                        })
            })
        return try SlotMap(reply: reply, from: at(1))
    }

    @Test func allGoesToOneNodeUntilItSaysThatSlotsAreElsewhere() throws {
        var topology = topology()
        let slot = HashSlot(7)
        #expect(topology.node(of: slot)?.address == nil && !topology.isCluster)
        let change = topology.moved(try #require(slot), to: at(2))
        #expect(change.started.map(\.address) == [at(2)] && change.retired.count == 1)
        #expect(topology.isCluster)
        #expect(topology.node(of: slot)?.address == at(2))
        #expect(topology.node(of: HashSlot(8))?.address == at(2), "anybody tells more")
    }

    @Test func aNewMapStartsAndRetiresNodes() throws {
        var topology = topology()
        _ = topology.learned(try map([(0...99, [1, 4]), (100...16383, [2, 5])]))
        #expect(Set(topology.addresses) == Set([1, 2, 4, 5].map(at)))
        #expect([0, 99, 100, 16383].map { topology.node(of: HashSlot($0))?.address } == [at(1), at(1), at(2), at(2)])
        // The replica of 1 took over.
        let change = topology.learned(try map([(0...99, [4]), (100...16383, [2, 5])]))
        #expect(change.started.map(\.address) == [at(4)])
        #expect(change.retired.map(\.address) == [at(1)])
        #expect(topology.node(of: HashSlot(0))?.address == at(4))
    }

    @Test func aNodeThatIsInNoClusterChangesNothing() throws {
        var topology = topology()
        _ = topology.learned(try map([(0...16383, [1])]))
        let change = topology.learned(try map([]))
        #expect(change.started.isEmpty && change.retired.isEmpty)
        #expect(topology.node(of: HashSlot(0))?.address == at(1))
    }

    @Test func aNodeThatIsAskedBeforeItOwnsTheSlotIsKeptUntilTheNextMap() throws {
        var topology = topology()
        let slots = try map([(0...16383, [1])])
        _ = topology.learned(slots)
        let (node, change) = topology.node(at: at(9))
        #expect(node.address == at(9) && change.started.count == 1)
        #expect(topology.node(at: at(9)).1.started.isEmpty)
        #expect(topology.node(of: HashSlot(0))?.address == at(1))
        #expect(topology.learned(slots).retired.map(\.address) == [at(9)])
    }

    @Test func aMapThatIsNotUnderstoodIsRefused() {
        for range in [[.integer(0)], [.integer(9), .integer(8), .array([])], [.integer(0), .integer(16384), .null]]
            as [[RedisValue]]
        {
            #expect(throws: RedisError.self) { try SlotMap(reply: .array([.array(range)]), from: at(1)) }
        }
    }
}
