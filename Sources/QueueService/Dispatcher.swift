// The workers that are connected to this replica: gives them lanes, renews their leases, and pushes hints to them.

import AnalysisAPI
import Logging
import RPC
import Redis
import ServiceLifecycle
import Synchronization

/// Knows the connected workers.
///
/// Who holds a lane is decided by Redis alone (`hold.lua`); what is known here is only where to push. Hints are levels, not edges:
/// every message of a worker brings the hint of its lanes again, so a lost one is a second late.
final class Dispatcher: Service, Sendable {
    private typealias ConnectionID = DispatcherState.ConnectionID

    private struct Connections: Sendable {
        var state: DispatcherState
        var outboxes: [ConnectionID: WorkerConnection] = [:]
        var nextID: ConnectionID = 1
        var waitingForWorker: [UInt64: AsyncStream<WorkerConnection>.Continuation] = [:]
        var nextWaiter: UInt64 = 0
    }

    /// How often lanes without a lease are looked for.
    static let sweepInterval = Duration.seconds(1)
    /// How long after its last message a worker still counts as connected to another replica.
    static let registryAge = Duration.seconds(10)

    private let store: Store
    private let leaseLength: Duration
    private let logger: Logger
    private let connections: Mutex<Connections>
    private let lanes: [String]

    init(lanes: [String], leaseLength: Duration, store: Store, logger: Logger) {
        self.lanes = lanes
        self.leaseLength = leaseLength
        self.store = store
        self.logger = logger
        connections = Mutex(Connections(state: DispatcherState(lanes: lanes)))
    }

    // MARK: Pushing

    /// Tells the worker that a hint is for, through another replica where it is connected there.
    func deliver(_ hint: Hint) {
        if let command = hint.command { push(command, lane: hint.lane, workerID: hint.worker) }
    }

    /// Has the holder of a lane kill the child that it keeps for a job.
    func discard(_ job: Job, workerID: String) {
        push(
            WorkerCommand(command: .discard(Discard(lane: job.lane, jobID: job.id, epoch: job.epoch))), lane: job.lane,
            workerID: workerID)
    }

    private func push(_ command: WorkerCommand, lane: String, workerID: String) {
        if let connection = connection(of: workerID) {
            connection.send(command)
        } else if !workerID.isEmpty {
            Task { try await store.send("PUBLISH", store.keys.hints(lane: lane), command.stored) }
        }
    }

    private func connection(of workerID: String) -> WorkerConnection? {
        connections.withLock { connections in
            connections.state.workers[workerID].flatMap { connections.outboxes[$0.connection] }
        }
    }

    /// A connected worker that takes work; waits for one.
    func anyWorker() async throws -> WorkerConnection {
        let (arrivals, continuation) = AsyncStream.makeStream(
            of: WorkerConnection.self, bufferingPolicy: .bufferingOldest(1))
        let waiter = connections.withLock { connections in
            if let worker = connections.state.workers.values.first(where: { !$0.isDraining }),
                let connection = connections.outboxes[worker.connection]
            {
                continuation.yield(connection)
            }
            connections.nextWaiter += 1
            connections.waitingForWorker[connections.nextWaiter] = continuation
            return connections.nextWaiter
        }
        defer { connections.withLock { $0.waitingForWorker[waiter] = nil } }
        for await connection in arrivals { return connection }
        throw CancellationError()
    }

    // MARK: Connections of workers

    /// A worker has said who it is.
    func connect(_ message: WorkerMessage) -> WorkerConnection {
        let (connection, earlier) = connections.withLock { connections in
            let connection = WorkerConnection(id: connections.nextID, workerID: message.workerID)
            connections.nextID += 1
            let earlier = connections.state.connect(message, connection: connection.id, atMs: .now)
            connections.outboxes[connection.id] = connection
            for waiter in connections.waitingForWorker.values { waiter.yield(connection) }
            return (connection, earlier.flatMap { connections.outboxes.removeValue(forKey: $0) })
        }
        earlier?.end(RPCError(.aborted, "worker \(message.workerID) has connected again"))
        logger.info("worker connected", metadata: ["worker": "\(message.workerID)"])
        return connection
    }

    /// Renews what the worker holds, takes back what it should not, gives it what it may have, and answers.
    func heard(_ message: WorkerMessage, from connection: WorkerConnection) async {
        let heard = connections.withLock { connections -> (DispatcherState.Plan, WorkerStatus)? in
            guard
                let plan = connections.state.heard(
                    message, workerID: connection.workerID, connection: connection.id, atMs: .now),
                var status = connections.state.workers[connection.workerID]?.status
            else { return nil }
            status.lanes = connections.state.workers[connection.workerID]?.lanes.keys.sorted() ?? []
            return (plan, status)
        }
        guard let (plan, status) = heard else { return }
        for lane in plan.revoke { connection.send(WorkerCommand(command: .laneRevoked(LaneRevoked(lane: lane)))) }
        do {
            for (lane, lease) in plan.release { try await release(lane, lease: lease, workerID: connection.workerID) }
            var renewed: [String] = []
            for (lane, lease) in plan.renew.sorted(by: { $0.key < $1.key })
            where try await renew(lane, lease: lease, for: connection, message: message) {
                renewed.append(lane)
            }
            connection.send(
                WorkerCommand(
                    command: .lanesRenewed(
                        LanesRenewed(
                            lanes: renewed, leaseMs: UInt64(leaseLength.milliseconds), answers: message.sequence))))
            let free = plan.room > 0 ? connections.withLock { $0.state.take(lanes.count) } : []
            try await take(free, atMost: plan.room, for: connection, message: message)
            try await store.send("HSET", store.keys.workers, status.id, status.stored)
        } catch {
            // The leases run out unless the next message gets through; the worker counts for itself, too.
            logger.warning("cannot renew leases", metadata: ["worker": "\(status.id)", "error": "\(error)"])
        }
    }

    /// The worker's call has ended.
    ///
    /// - Parameter gracefully: the worker said goodbye: its lanes are free at once. Otherwise it may be alive, and they wait
    ///   for their leases.
    func disconnect(_ connection: WorkerConnection, gracefully: Bool) async {
        let held = connections.withLock { connections in
            connections.outboxes[connection.id] = nil
            return connections.state.disconnect(workerID: connection.workerID, connection: connection.id)
        }
        connection.end(nil)
        guard let held else { return }
        logger.info(
            "worker disconnected", metadata: ["worker": "\(connection.workerID)", "gracefully": "\(gracefully)"])
        do {
            try await store.send("HDEL", store.keys.workers, connection.workerID)
            guard gracefully else { return }
            for (lane, held) in held { try await release(lane, lease: held.lease, workerID: connection.workerID) }
        } catch {
            logger.warning("cannot release lanes", metadata: ["worker": "\(connection.workerID)", "error": "\(error)"])
        }
    }

    // MARK: Leases

    /// - Returns: whether the lease goes on.
    private func renew(
        _ lane: String, lease: [UInt8], for connection: WorkerConnection, message: WorkerMessage
    ) async throws -> Bool {
        let items = message.held.filter { $0.lane == lane }
        switch try await hold(lane, lease: lease, workerID: connection.workerID, items: items) {
        case .taken:
            connections.withLock { $0.state.lost(lane, lease: lease, workerID: connection.workerID) }
            connection.send(WorkerCommand(command: .laneRevoked(LaneRevoked(lane: lane))))
            return false
        case .held(let isNew, let hint, let kept):
            if isNew {
                // The lease had run out, and nobody else took the lane.
                grant(lane, lease: lease, kept: kept, answers: message.sequence, to: connection)
            } else {
                for item in items where !kept.contains(item) {
                    connection.send(
                        WorkerCommand(command: .discard(Discard(lane: lane, jobID: item.jobID, epoch: item.epoch))))
                }
            }
            deliver(hint)
            return !isNew
        }
    }

    /// Tries to get lanes for a worker until it has enough of them.
    private func take(
        _ free: [String], atMost count: Int, for connection: WorkerConnection, message: WorkerMessage
    ) async throws {
        var missing = count
        for (index, lane) in free.enumerated() {
            guard missing > 0 else {
                release(takingOf: lane, by: connection)
                continue
            }
            do {
                if try await take(lane, for: connection, message: message) { missing -= 1 }
            } catch {
                for lane in free[index...] { release(takingOf: lane, by: connection) }
                throw error
            }
        }
    }

    private func release(takingOf lane: String, by connection: WorkerConnection) {
        _ = connections.withLock {
            $0.state.taken(lane, lease: nil, workerID: connection.workerID, connection: connection.id)
        }
    }

    /// - Returns: whether the worker has the lane now.
    private func take(_ lane: String, for connection: WorkerConnection, message: WorkerMessage?) async throws -> Bool {
        let lease = randomBytes(16)
        let items = message?.held.filter { $0.lane == lane } ?? []
        let held = try await hold(lane, lease: lease, workerID: connection.workerID, items: items)
        guard case .held(_, let hint, let kept) = held else {
            release(takingOf: lane, by: connection)
            return false
        }
        let sequence = connections.withLock { connections -> UInt64? in
            let isHeld = connections.state.taken(
                lane, lease: lease, workerID: connection.workerID, connection: connection.id)
            return isHeld ? connections.state.workers[connection.workerID]?.sequence : nil
        }
        guard let sequence else { return false }
        grant(lane, lease: lease, kept: kept, answers: message?.sequence ?? sequence, to: connection)
        deliver(hint)
        return true
    }

    private func grant(
        _ lane: String, lease: [UInt8], kept: [HeldItem], answers: UInt64, to connection: WorkerConnection
    ) {
        logger.info("lane granted", metadata: ["lane": "\(lane)", "worker": "\(connection.workerID)"])
        connection.send(
            WorkerCommand(
                command: .laneGranted(
                    LaneGranted(
                        lane: lane, lease: lease, leaseMs: UInt64(leaseLength.milliseconds), kept: kept,
                        answers: answers))))
    }

    private func hold(
        _ lane: String, lease: [UInt8], workerID: String, items: [HeldItem]
    ) async throws -> LaneQueue.Held {
        try await LaneQueue(lane: lane, store: store)
            .hold(worker: workerID, lease: lease, length: leaseLength, items: items)
    }

    private func release(_ lane: String, lease: [UInt8], workerID: String) async throws {
        let hint = try await LaneQueue(lane: lane, store: store).release(worker: workerID, lease: lease)
        connections.withLock { $0.state.lost(lane, lease: lease, workerID: workerID) }
        if hint.worker.isEmpty { try await offer(lane) }
    }

    private func offer(_ lane: String) async throws {
        let since = Int64.now - leaseLength.milliseconds / 2
        let connection = connections.withLock { connections in
            connections.state.offer(lane, heardSinceMs: since).flatMap { connections.outboxes[$0.connection] }
        }
        guard let connection else { return }
        do {
            _ = try await take(lane, for: connection, message: nil)
        } catch {
            release(takingOf: lane, by: connection)
            throw error
        }
    }

    // MARK: What is done all the time

    /// Looks for lanes whose lease has run out, and passes on the hints of other replicas, until the service stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.passOnHints() }
                while !Task.isCancelled {
                    do {
                        try await self.sweep()
                    } catch {
                        self.logger.warning("cannot look for lost lanes", metadata: ["error": "\(error)"])
                    }
                    try? await Task.sleep(for: Self.sweepInterval)
                }
                group.cancelAll()
            }
        }
    }

    private func sweep() async throws {
        for lane in lanes {
            let before = connections.withLock { $0.state.holder(of: lane) }
            guard try await LaneQueue(lane: lane, store: store).sweep().worker.isEmpty else { continue }
            if let before {
                connections.withLock { $0.state.lost(lane, lease: before.held.lease, workerID: before.workerID) }
                connection(of: before.workerID)?.send(WorkerCommand(command: .laneRevoked(LaneRevoked(lane: lane))))
                logger.warning("lease ran out", metadata: ["lane": "\(lane)", "worker": "\(before.workerID)"])
            }
            try await offer(lane)
        }
        try await countWorkersElsewhere()
    }

    private func countWorkersElsewhere() async throws {
        let registered = try await registeredWorkers()
        connections.withLock { connections in
            connections.state.workersElsewhere = registered.count { connections.state.workers[$0.id] == nil }
        }
    }

    /// The workers of all replicas, ordered by id; those that have not been heard of for long are forgotten.
    func registeredWorkers() async throws -> [WorkerStatus] {
        let entries = try await store.send("HGETALL", store.keys.workers).map ?? [:]
        let since = Int64.now - Self.registryAge.milliseconds
        let workers = try entries.values.map { try WorkerStatus(stored: $0.bytes ?? []) }
        for worker in workers where worker.heartbeatAtMs < since {
            try await store.send("HDEL", store.keys.workers, worker.id)
        }
        return workers.filter { $0.heartbeatAtMs >= since }.sorted { $0.id < $1.id }
    }

    private func passOnHints() async {
        let channels = lanes.map { store.keys.hints(lane: $0) }
        let lanes = Dictionary(uniqueKeysWithValues: zip(channels, self.lanes))
        for await event in store.redis.subscribe(to: channels) {
            // What was missed before a subscription comes with the workers' next messages.
            guard case .message(let message) = event, let lane = lanes[message.channel],
                let holder = connections.withLock({ $0.state.holder(of: lane)?.workerID }),
                let command = try? WorkerCommand(stored: message.payload)
            else { continue }
            connection(of: holder)?.send(command)
        }
    }
}
