// The command `progress-service`: its flags, and how its parts fit together.

import AnalysisAPI
import ArgumentParser
import Daemon
import Foundation
import RPC
import Redis
import ServiceLifecycle

@main
struct ProgressServiceCommand: ServingCommand {
    static let configuration = CommandConfiguration(
        commandName: "progress-service",
        abstract: "Tells how far analyses are, and when they will be done.")

    @OptionGroup var serving: ServerOptions
    @OptionGroup var tls: TLSOptions

    @Option(help: "Where the queue-service listens.", transform: rpcAddress)
    var queue: RPCAddress

    @Option(
        help: """
            The Redis that keeps progress: unix:PATH, redis://[USER:PASSWORD@]HOST:PORT[/DATABASE], or rediss:// for TLS. \
            ?password-file=FILE behind it takes the password from a file.
            """
    )
    var redis: String

    @Option(help: "What the names of all Redis keys start with.")
    var keyPrefix = "aq:"

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard !serving.listen.isEmpty else { throw ValidationError("--listen is missing: give at least one address.") }
    }

    /// A gateway has one connection, and a watch for each event stream.
    private static let maxWatches = 20_000

    func services(_ context: DaemonContext) async throws -> [any Service] {
        var redisConfiguration = RedisConfiguration(clientName: "progress-service")
        redisConfiguration.callerDeadline = { Deadline.current }
        let redis = RedisClient(
            url: try RedisURL(redis), eventLoopGroup: context.eventLoopGroup, logger: context.logger,
            configuration: redisConfiguration)
        let queue = try tls.client(queue, context)
        let core = ProgressCore(
            redis: redis, queue: queue, keyPrefix: keyPrefix, logger: context.logger,
            clock: { Int64(Date().timeIntervalSince1970 * 1000) })
        let server = try serving.server(
            [core.handler], health: redis.problem, maxStreams: Self.maxWatches, tls: tls, context)
        return [redis, queue] + core.services + [server]
    }
}
