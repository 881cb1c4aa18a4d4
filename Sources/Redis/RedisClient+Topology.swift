extension RedisClient {
    /// Which node serves which slot, as far as is known.
    ///
    /// ```
    /// single ──a node says MOVED──▶ cluster
    /// ```
    ///
    /// A Redis that never says `MOVED` is no cluster, or one of a single node, which needs to be treated no differently.
    struct Topology<Node: AnyObject & Sendable>: Sendable {
        private enum Phase: Sendable {
            /// All goes to the node that the URL names. Goes to `cluster`.
            case single(Node)
            /// Each slot has its node. Final: nodes come and go.
            case cluster
        }

        private var phase: Phase
        /// Where each slot is served; `nil` where nobody serves it. Each of them is in `nodes`.
        private var owners = [RedisURL.Address?](repeating: nil, count: HashSlot.count)
        private var nodes: [RedisURL.Address: Node] = [:]
        private var replicas: Set<RedisURL.Address> = []
        private let makeNode: @Sendable (RedisURL.Address) -> Node

        init(entry: Node, makeNode: @escaping @Sendable (RedisURL.Address) -> Node) {
            phase = .single(entry)
            self.makeNode = makeNode
        }

        var isCluster: Bool {
            if case .cluster = phase { true } else { false }
        }

        /// Who to send to.
        ///
        /// - Parameter slot: `nil`: any node will do. Of a slot that nobody serves any node tells more.
        func node(of slot: HashSlot?) -> Node? {
            if case .single(let node) = phase { return node }
            if let address = slot.flatMap({ owners[$0.number] }), let node = nodes[address] { return node }
            return owners.lazy.compactMap { $0 }.first.flatMap { nodes[$0] }
        }

        /// Masters and replicas: who can be asked for the slots.
        var addresses: [RedisURL.Address] { Array(nodes.keys) + replicas.subtracting(nodes.keys) }

        struct Change: Sendable {
            var started: [Node] = []
            var retired: [Node] = []
        }

        /// A node said that a slot is another's.
        mutating func moved(_ slot: HashSlot, to address: RedisURL.Address) -> Change {
            var change = leaveEntry()
            owners[slot.number] = address
            change.started += node(at: address).1.started
            return change
        }

        /// All slots were learned anew. A map without slots says nothing: its node has left the cluster, or never was in one.
        mutating func learned(_ map: SlotMap) -> Change {
            guard map.owners.contains(where: { $0 != nil }) else { return Change() }
            owners = map.owners
            replicas = map.replicas
            var change = leaveEntry()
            let needed = Set(owners.lazy.compactMap { $0 })
            for (address, node) in nodes where !needed.contains(address) {
                change.retired.append(node)
                nodes[address] = nil
            }
            for address in needed { change.started += node(at: address).1.started }
            return change
        }

        /// The node at an address that serves a key before it owns the slot.
        mutating func node(at address: RedisURL.Address) -> (Node, Change) {
            if let node = nodes[address] { return (node, Change()) }
            let node = makeNode(address)
            nodes[address] = node
            return (node, Change(started: [node]))
        }

        private mutating func leaveEntry() -> Change {
            guard case .single(let entry) = phase else { return Change() }
            phase = .cluster
            return Change(retired: [entry])
        }
    }
}

/// What `CLUSTER SLOTS` says.
struct SlotMap: Equatable, Sendable {
    var owners = [RedisURL.Address?](repeating: nil, count: HashSlot.count)
    var replicas: Set<RedisURL.Address> = []

    init() {}

    /// - Parameter source: who was asked.
    /// - Throws: ``RedisError/protocolViolation(_:)``.
    init(reply: RedisValue, from source: RedisURL.Address) throws(RedisError) {
        for range in reply.elements ?? [] {
            guard let range = range.elements, range.count >= 3, let first = range[0].int, let last = range[1].int,
                let first = HashSlot(Int(first)), let last = HashSlot(Int(last)), first.number <= last.number
            else { throw .protocolViolation("a range of CLUSTER SLOTS is not understood") }
            let addresses = range[2...].map { node -> RedisURL.Address? in
                guard let node = node.elements, node.count >= 2, let port = node[1].int else { return nil }
                // Without a host it is the host that was asked.
                return RedisURL.Address(host: node[0].text ?? "", port: Int(port), of: source)
            }
            for slot in first.number...last.number { owners[slot] = addresses[0] }
            replicas.formUnion(addresses.dropFirst().compactMap { $0 })
        }
    }
}
