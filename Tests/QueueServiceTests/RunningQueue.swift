// The queue service as its callers meet it: real sockets, a real Redis, and everything that runs beside the calls.

import AnalysisAPI
import Foundation
import Logging
import NIOPosix
import RPC
import Redis
import ServiceLifecycle
import TestSupport
import Testing

@testable import QueueService

/// A queue service that can be stopped and started again, and a client of it.
final class RunningQueue: Sendable {
    let client: RPCClient
    let queue: QueueClient
    let workers: WorkersClient
    let catalog: CatalogClient
    let maintenance: MaintenanceClient
    let alerts: AlertsClient
    let audit: AuditClient

    private let redis: any ThrowawayRedis
    private let configuration: QueueConfiguration
    private let address: RPCAddress

    fileprivate init(
        redis: any ThrowawayRedis, configuration: QueueConfiguration, client: RPCClient, address: RPCAddress
    ) {
        self.redis = redis
        self.configuration = configuration
        self.client = client
        self.address = address
        queue = QueueClient(client)
        workers = WorkersClient(client)
        catalog = CatalogClient(client)
        maintenance = MaintenanceClient(client)
        alerts = AlertsClient(client)
        audit = AuditClient(client)
    }

    /// Runs the service while `body` runs, then ends it as a crash would, without a farewell.
    ///
    /// - Parameter access: who may do what; nil: everybody may do everything.
    func serving<Value: Sendable>(
        access: (any AccessPolicy)? = nil, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let logger = Logger.quiet
        let redis = RedisClient(
            url: redis.url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let system = QueueSystem(
            configuration: configuration, redis: redis, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger, transitions: logger)
        var serverConfiguration = RPCServer.Configuration()
        if let access { serverConfiguration.access = access }
        let server = RPCServer(
            addresses: [address], services: system.providers + [system.operations],
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger, configuration: serverConfiguration)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for service in [redis] + system.services + [server] as [any Service] {
                group.addTask { try await service.run() }
            }
            _ = try await server.listening()
            // The client may not have noticed yet that the last server has gone, and a stream is not opened again.
            _ = try? await queue.getStatus(QueueStatusRequest(), options: CallOptions(timeout: .seconds(1)))
            let result = await Result { try await body() }
            group.cancelAll()
            while (try? await group.next()) != nil {}
            return try result.get()
        }
    }

    /// Lends another service on the same keys, not yet started.
    func withReplica(_ body: @Sendable (RunningQueue) async throws -> Void) async throws {
        try await withQueue(on: redis, configuration: configuration, body)
    }

    /// The janitor of another replica, which does nothing by itself.
    func withJanitor(_ body: @Sendable (Janitor) async throws -> Void) async throws {
        try await redis.withClient { client in
            let system = QueueSystem(
                configuration: self.configuration, redis: client,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: .quiet, transitions: .quiet)
            try await body(try #require(system.services.lazy.compactMap { $0 as? Janitor }.first))
        }
    }

    /// The store behind the service, to look into.
    func withStore<Value: Sendable>(_ body: @Sendable (Store) async throws -> Value) async throws -> Value {
        try await redis.withClient { client in
            let scripts = Scripts(analyzers: self.configuration.analyzers, limits: self.configuration.limits)
            return try await body(Store(redis: client, keys: self.configuration.keys, scripts: scripts))
        }
    }
}

/// Lends a queue service, not yet started, whose keys are its own.
func withQueue(
    on redis: (any ThrowawayRedis)? = nil, lanes: Int = 1, limits: QueueLimits = QueueLimits(),
    background: BackgroundRules = BackgroundRules(), alerts: AlertRules = AlertRules(),
    _ body: @Sendable (RunningQueue) async throws -> Void
) async throws {
    let redis = if let redis { redis } else { try await RedisKind.standard.shared() }
    let configuration = QueueConfiguration(
        limits: limits, background: background, lanes: lanes, laneMemory: .milliseconds(100), alerts: alerts,
        keys: Keys(prefix: RedisServer.uniquePrefix()),
        passwordCost: Passwords.Cost(rounds: 16, blockSize: 1, parallelism: 1))
    try await withQueue(on: redis, configuration: configuration, body)
}

private func withQueue(
    on redis: any ThrowawayRedis, configuration: QueueConfiguration,
    _ body: @Sendable (RunningQueue) async throws -> Void
) async throws {
    let path = "/tmp/queue-test-\(UInt64.random(in: 0...UInt64.max)).sock"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let client = RPCClient(
        address: .unix(path: path), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: .quiet)
    let queue = RunningQueue(redis: redis, configuration: configuration, client: client, address: .unix(path: path))
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        defer { group.cancelAll() }
        try await body(queue)
    }
}

/// Lends a running queue service with user `u`, whose playlist `p` has the songs s0 to s4 of s0 to s9.
func withServingQueue(
    on redis: (any ThrowawayRedis)? = nil, lanes: Int = 1, limits: QueueLimits = QueueLimits(),
    background: BackgroundRules = BackgroundRules(), alerts: AlertRules = AlertRules(),
    _ body: @Sendable (RunningQueue) async throws -> Void
) async throws {
    try await withQueue(on: redis, lanes: lanes, limits: limits, background: background, alerts: alerts) { queue in
        try await queue.serving {
            try await queue.fill()
            try await body(queue)
        }
    }
}

extension RunningQueue {
    /// Makes user `u` with a library.
    func fill() async throws {
        let user = try await catalog.createUser(CreateUserRequest(id: "u", password: "password"))
        try await withStore { store in
            try await TestLane(queue: LaneQueue(lane: user.lane, store: store)).fill(user: "u")
        }
    }

    func enqueue(_ type: JobType, _ target: String = "", force: Bool = false) async throws -> EnqueueReply {
        try await queue.enqueue(EnqueueRequest(userID: "u", type: type, targetID: target, force: force))
    }

    func job(_ id: String) async throws -> Job {
        try await queue.getJob(JobRequest(userID: "u", jobID: id))
    }

    /// Waits until so many services listen to the hints of the first lane.
    func subscribed(by count: Int64) async throws {
        while try await redis.subscribers(of: configuration.keys.hints(lane: "0")) < count {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Where the log ends.
    func end() async throws -> String {
        try await events { $0.kind == .snapshotEnd }.last?.cursor ?? ""
    }

    /// The events from a cursor on, until one fits, that one included.
    func events(
        after cursor: String? = nil, until isLast: @Sendable (Event) -> Bool
    ) async throws -> [Event] {
        let request = FollowRequest(cursors: cursor.map { [LaneCursor(lane: "0", cursor: $0)] } ?? [])
        var events: [Event] = []
        for try await event in queue.follow(request, options: CallOptions(timeout: .seconds(30))) {
            events.append(event)
            if isLast(event) { break }
        }
        return events
    }
}

extension Logger {
    static var quiet: Logger {
        var logger = Logger(label: "queue-test")
        logger.logLevel = .critical
        return logger
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }

    var failure: (any Error)? {
        if case .failure(let error) = self { error } else { nil }
    }
}
