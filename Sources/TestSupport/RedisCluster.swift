import NIOCore
import NIOPosix
package import Redis

/// A throwaway Redis Cluster on loopback: three masters, each with a replica that takes over within seconds.
package final class RedisCluster: ThrowawayRedis {
    /// The masters when it started, in the order of their slots.
    package let masters: [RedisServer]
    /// The replica of each.
    package let replicas: [RedisServer]
    /// Names all masters.
    package let url: RedisURL

    /// A machine that is slow for a while must not make a replica take over.
    private static let sharedCluster = Task { try await RedisCluster.start(nodeTimeoutMs: 30_000) }

    package var servers: [RedisServer] { masters + replicas }

    private init(masters: [RedisServer], replicas: [RedisServer], url: RedisURL) {
        self.masters = masters
        self.replicas = replicas
        self.url = url
    }

    /// The cluster that all tests of this process share; tests use keys under ``RedisServer/uniquePrefix()`` and kill nothing.
    package static func shared() async throws -> RedisCluster {
        try await sharedCluster.value
    }

    /// Starts six servers, joins them and waits until all slots are served and all replicas are in step.
    ///
    /// - Parameter nodeTimeoutMs: how long a master may be silent before its replica takes over.
    package static func start(nodeTimeoutMs: Int = 1000) async throws -> RedisCluster {
        let ports = try await freePorts(12)
        let servers = try await withThrowingTaskGroup { group in
            for index in 0..<6 {
                group.addTask {
                    let options = [
                        "--port", "\(ports[index])", "--bind", "127.0.0.1", "--cluster-enabled", "yes",
                        "--cluster-port", "\(ports[index + 6])", "--cluster-node-timeout", "\(nodeTimeoutMs)",
                        "--cluster-allow-replica-migration", "no", "--repl-diskless-sync-delay", "0",
                    ]
                    return (index, try await RedisServer.start(options: options))
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }.sorted { $0.key < $1.key }.map(\.value)
        }
        let hosts = ports[..<3].map { "127.0.0.1:\($0)" }.joined(separator: ",")
        let cluster = RedisCluster(
            masters: Array(servers[..<3]), replicas: Array(servers[3...]), url: try RedisURL("redis://\(hosts)"))
        try await cluster.join(ports)
        return cluster
    }

    private func join(_ ports: [Int]) async throws {
        var ids: [RedisArgument] = []
        // Before any two of them meet.
        for (index, server) in servers.enumerated() {
            let replies = try await server.withClient { client in
                try await client.pipeline([
                    ["CLUSTER", "SET-CONFIG-EPOCH", RedisArgument(index + 1)], ["CLUSTER", "MYID"],
                ])
            }
            ids.append(RedisArgument(replies[1].text ?? ""))
        }
        for (index, server) in servers.enumerated() {
            let others = ports[..<6].indices.filter { $0 != index }
            try await server.withClient { client in
                try await client.pipeline(
                    others.map {
                        ["CLUSTER", "MEET", "127.0.0.1", RedisArgument(ports[$0]), RedisArgument(ports[$0 + 6])]
                    })
            }
        }
        for (index, master) in masters.enumerated() {
            try await master.withClient { client in
                try await client.send(
                    "CLUSTER", "ADDSLOTSRANGE", Self.firstSlot(of: index), Self.firstSlot(of: index + 1) - 1)
            }
        }
        for (index, replica) in replicas.enumerated() {
            let masterID = ids[index]
            try await replica.withClient { client in
                // It must have met its master first.
                while true {
                    do {
                        try await client.send("CLUSTER", "REPLICATE", masterID)
                        break
                    } catch RedisError.server {
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
        }
        for server in servers { try await Self.waitUntilReady(server) }
    }

    private static func waitUntilReady(_ server: RedisServer) async throws {
        try await server.withClient { client in
            while true {
                let state = try await client.send("CLUSTER", "INFO").text ?? ""
                let replication = try await client.send("INFO", "replication").text ?? ""
                let nodes = try await client.send("CLUSTER", "NODES").text ?? ""
                let isLinked =
                    replication.contains("master_link_status:up") || replication.contains("slave0:ip=127.0.0.1")
                let replicas = nodes.split(separator: "\n").count { $0.contains("slave") }
                if state.contains("cluster_state:ok"), state.contains("cluster_slots_ok:16384"), isLinked, replicas == 3
                {
                    return
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// The place in ``masters`` and ``replicas`` of those that serve a key.
    package func place(of key: String) async throws -> Int {
        let slot = try await masters[0].withClient { try await $0.send("CLUSTER", "KEYSLOT", key).int ?? 0 }
        return masters.indices.last { Self.firstSlot(of: $0) <= slot } ?? 0
    }

    private static func firstSlot(of place: Int) -> Int { 16384 * place / 3 }

    /// Waits until the replica at this place has all that its master has.
    package func waitUntilReplicated(_ place: Int) async throws {
        try await masters[place].withClient { client in
            while true {
                let lines = (try await client.send("INFO", "replication").text ?? "").split(whereSeparator: \.isNewline)
                let offset = lines.first { $0.hasPrefix("master_repl_offset:") }?.split(separator: ":").last
                if let offset, lines.contains(where: { $0.hasPrefix("slave0:") && $0.contains("offset=\(offset),") }) {
                    return
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}

/// TCP ports of loopback that nobody uses.
package func freePorts(_ count: Int) async throws -> [Int] {
    var probes: [any Channel] = []
    for _ in 0..<count {
        probes.append(
            try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0)
                .get())
    }
    let ports = probes.compactMap { $0.localAddress?.port }
    for probe in probes { try await probe.close() }
    return ports
}
