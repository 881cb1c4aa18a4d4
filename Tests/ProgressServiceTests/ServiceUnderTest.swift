// A progress-service on a real Redis and real sockets, which a test starts, stops and breaks.

import AnalysisAPI
import Foundation
import Logging
import NIOPosix
import RPC
import Redis
import ServiceLifecycle
import TestSupport

@testable import ProgressService

/// What outlives a run of the service: Redis, the queue's socket and log.
struct Surroundings: Sendable {
    let redis: any ThrowawayRedis
    let keyPrefix = RedisServer.uniquePrefix()
    let driver = QueueDriver()
    private let directory: String

    init(redis: (any ThrowawayRedis)? = nil) async throws {
        if let redis { self.redis = redis } else { self.redis = try await RedisKind.standard.shared() }
        directory = "/tmp/progress-test-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }

    var queueAddress: RPCAddress { .unix(path: directory + "/queue.sock") }
    var progressAddress: RPCAddress { .unix(path: directory + "/progress.sock") }
    var group: MultiThreadedEventLoopGroup { .singleton }

    static var logger: Logger {
        var logger = Logger(label: "progress")
        logger.logLevel = .critical
        return logger
    }

    /// Runs the queue while `body` runs.
    func withQueue<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        let server = RPCServer(
            addresses: [queueAddress], services: driver.services, eventLoopGroup: group, logger: Self.logger)
        return try await running([server], gracefully: true) {
            _ = try await server.listening()
            return try await body()
        }
    }

    /// Runs the service while `body` talks to it.
    ///
    /// - Parameters:
    ///   - gracefully: whether it is asked to stop at the end; otherwise it is broken off.
    ///   - access: who may call it for whom; nil: everybody for everybody.
    func withService<Value: Sendable>(
        gracefully: Bool = true, access: (any AccessPolicy)? = nil,
        _ body: @Sendable (ProgressClient) async throws -> Value
    ) async throws -> Value {
        let redis = RedisClient(url: redis.url, eventLoopGroup: group, logger: Self.logger)
        let queue = RPCClient(address: queueAddress, eventLoopGroup: group, logger: Self.logger)
        let core = ProgressCore(
            redis: redis, queue: queue, keyPrefix: keyPrefix, logger: Self.logger,
            clock: { Int64(Date().timeIntervalSince1970 * 1000) })
        var configuration = RPCServer.Configuration()
        configuration.access = access
        let server = RPCServer(
            addresses: [progressAddress], services: [core.handler], eventLoopGroup: group, logger: Self.logger,
            configuration: configuration)
        return try await running([redis, queue] + core.services + [server], gracefully: gracefully) {
            _ = try await server.listening()
            let client = RPCClient(address: progressAddress, eventLoopGroup: group, logger: Self.logger)
            return try await running([client], gracefully: false) { try await body(ProgressClient(client)) }
        }
    }

    func running<Value: Sendable>(
        _ services: [any Service], gracefully: Bool, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let services = ServiceGroup(services: services, logger: Self.logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            do {
                let value = try await body()
                if gracefully {
                    await services.triggerGracefulShutdown()
                    try await group.waitForAll()
                } else {
                    group.cancelAll()
                    _ = await group.nextResult()
                }
                return value
            } catch {
                group.cancelAll()
                throw error
            }
        }
    }
}

extension ProgressClient {
    /// The state of a job, when it is as wanted.
    func job(_ jobID: String, userID: String = "ann", _ isWanted: (ProgressView) -> Bool) async throws -> ProgressView {
        try await view(WatchRequest(userID: userID, contexts: [ProgressContext(context: .jobID(jobID))]), isWanted)
    }

    /// The first view of a watch that is as wanted.
    func view(_ request: WatchRequest, _ isWanted: (ProgressView) -> Bool) async throws -> ProgressView {
        while true {
            do {
                for try await view in watch(request) where isWanted(view) { return view }
            } catch let error as RPCError where error.code == .notFound || error.code == .unavailable {
                // The log has not told of it yet.
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// Sends reports, as a worker does.
    func send(_ reports: [ProgressReport]) async throws {
        _ = try await report { writer in
            for report in reports { try await writer.write(report) }
        }
    }
}
