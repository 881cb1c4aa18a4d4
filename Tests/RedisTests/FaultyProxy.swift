import NIOCore
import NIOPosix
import Testing

/// Stands between a client and Redis and spoils what Redis answers.
struct FaultyProxy: Sendable {
    enum Fault {
        /// Replies arrive one byte at a time.
        case dribble
        /// The first connection is cut after this many bytes of replies; later ones are left alone.
        case cutOnce(afterBytes: Int)
        /// The peer of the first connection vanishes after this many bytes of replies: the connection stays, and nothing comes
        /// any more.
        case vanishOnce(afterBytes: Int)
        /// Replies are replaced by this text once this many bytes of replies have passed on the first connection.
        case garbleOnce(afterBytes: Int, with: String)
    }

    /// Runs a proxy while `body` uses its address.
    static func with(
        _ fault: Fault, before redisPath: String, _ body: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let path = "/tmp/redis-proxy-\(UInt64.random(in: 0...UInt64.max)).sock"
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { asyncChannel($0) }
        try await server.executeThenClose { clients in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var isFirst = true
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await client in clients {
                            let fault = isFirst ? fault : nil
                            isFirst = false
                            group.addTask { try? await relay(client, to: redisPath, fault: fault) }
                        }
                    }
                }
                try await body(path)
                group.cancelAll()
            }
        }
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private static func asyncChannel(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }

    private static func relay(_ client: Connection, to redisPath: String, fault: Fault?) async throws {
        try await client.executeThenClose { commands, toClient in
            let redis = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: redisPath) { asyncChannel($0) }
            try await redis.executeThenClose { replies, toRedis in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for try await bytes in commands { try await toRedis.write(bytes) } }
                    group.addTask { try await forward(replies, to: toClient, fault: fault) }
                    // Whichever direction ends first ends both.
                    try await group.next()
                    group.cancelAll()
                }
            }
        }
    }

    private static func forward(
        _ replies: NIOAsyncChannelInboundStream<ByteBuffer>, to client: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        fault: Fault?
    ) async throws {
        var passed = 0
        for try await bytes in replies {
            for byte in bytes.readableBytesView {
                switch fault {
                case .cutOnce(let limit) where limit == passed: return
                case .vanishOnce(let limit) where limit == passed:
                    try await Task.sleep(for: .seconds(3600))
                case .garbleOnce(let limit, let text) where limit == passed:
                    try await client.write(ByteBuffer(string: text))
                default: try await client.write(ByteBuffer(bytes: [byte]))
                }
                passed += 1
            }
        }
    }
}
