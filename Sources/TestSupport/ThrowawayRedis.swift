import Foundation
package import Redis

/// What tests run on: one server, or a cluster.
package protocol ThrowawayRedis: Sendable {
    var url: RedisURL { get }
    /// All its processes.
    var servers: [RedisServer] { get }
}

extension ThrowawayRedis {
    /// Lends a running client.
    @discardableResult
    package func withClient<Value: Sendable>(
        configuration: RedisConfiguration = .init(), _ body: @Sendable (RedisClient) async throws -> Value
    ) async throws -> Value {
        try await TestSupport.withClient(url, configuration: configuration, body)
    }

    /// How many connections listen to a channel.
    package func subscribers(of channel: String) async throws -> Int64 {
        var count: Int64 = 0
        for server in servers {
            count += try await server.withClient { client in
                try await client.send("PUBSUB", "NUMSUB", channel).elements?.last?.int ?? 0
            }
        }
        return count
    }
}

package enum RedisKind: String, CaseIterable, Sendable {
    case server, cluster

    /// What tests run on that do not say: the server, unless `ANALYSIS_TEST_REDIS=cluster`.
    package static let standard =
        ProcessInfo.processInfo.environment["ANALYSIS_TEST_REDIS"].flatMap { RedisKind(rawValue: $0) } ?? .server

    /// The one that all tests of this process share.
    package func shared() async throws -> any ThrowawayRedis {
        switch self {
        case .server: try await RedisServer.shared()
        case .cluster: try await RedisCluster.shared()
        }
    }
}
