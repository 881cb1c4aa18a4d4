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
    typealias ConnectionID = DispatcherState.ConnectionID

    struct Connections: Sendable {
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

    let store: Store
    let leaseLength: Duration
    let rules: BackgroundRules
    let logger: Logger
    let connections: Mutex<Connections>
    let lanes: Lanes

    init(lanes: Lanes, leaseLength: Duration, rules: BackgroundRules, store: Store, logger: Logger) {
        self.lanes = lanes
        self.leaseLength = leaseLength
        self.rules = rules
        self.store = store
        self.logger = logger
        connections = Mutex(Connections(state: DispatcherState(lanes: lanes.ids, machineLimits: rules.machine)))
    }

    // MARK: Pushing

    /// Tells the worker that a hint is for, through another replica where it is connected there.
    func deliver(_ hint: Hint) {
        if let command = hint.command { push(command, lane: hint.lane, workerID: hint.worker) }
    }

    /// Tells it besides that jobs were cancelled. A child may be frozen, of which the lane's state says nothing.
    func deliver(_ hint: Hint, cancelled jobs: [Job]) {
        deliver(hint)
        for job in jobs where job.startedAtMs != 0 && job.id != hint.jobID { discard(job, workerID: hint.worker) }
    }

    /// Tells it besides that jobs left the lane, of which it may keep children.
    func deliver(_ hint: Hint, withdrawn jobs: [Job]) {
        deliver(hint)
        for job in jobs { discard(job, workerID: hint.worker) }
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

    func connection(of workerID: String) -> WorkerConnection? {
        connections.withLock { connections in
            connections.state.workers[workerID].flatMap { connections.outboxes[$0.connection] }
        }
    }

    /// A connected worker that takes work; waits for one.
    func anyWorker() async throws -> WorkerConnection {
        let (arrivals, continuation) = AsyncStream.makeStream(
            of: WorkerConnection.self, bufferingPolicy: .bufferingOldest(1))
        let waiter = connections.withLock { connections in
            if let worker = connections.state.workers.values.first(where: \.takesLanes),
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
        await renew(plan.renew, for: connection, message: message)
        do {
            for (lane, lease) in plan.release { try await release(lane, lease: lease, workerID: connection.workerID) }
            tellRenewed([], to: connection, answers: message)
            let held = Set(message.held.map(\.lane))
            let free = plan.room > 0 ? connections.withLock { $0.state.take($0.state.lanes.count) } : []
            // Those first whose children it has.
            let ordered = free.filter(held.contains) + free.filter { !held.contains($0) }
            try await take(ordered, atMost: plan.room, for: connection, message: message)
            let lost = connections.withLock { $0.state.lost(among: held, workerID: connection.workerID) }
            for lane in lost { connection.send(WorkerCommand(command: .laneRevoked(LaneRevoked(lane: lane)))) }
            try await store.put(status.stored, as: status.id, in: store.keys.workers)
            if isDrained(status.id) {
                try await store.send("ZADD", store.keys.drainedWorkers, "XX", "\(Int64.now)", status.id)
            }
        } catch {
            // The next message tries again; the worker counts for itself, too.
            logger.warning("cannot give lanes", metadata: ["worker": "\(status.id)", "error": "\(error)"])
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

    // MARK: What is done all the time

    /// Looks for lanes whose lease has run out, and passes on the hints of other replicas, until the service stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.passOnHints() }
                // While this service or Redis was away, workers could not renew: they come back first.
                var sweepsAt = ContinuousClock.now + self.leaseLength
                while !Task.isCancelled {
                    self.connections.withLock { $0.state.lanes = self.lanes.ids }
                    do {
                        try await self.refreshDrained()
                        try await self.countWorkersElsewhere()
                        if .now >= sweepsAt { await self.sweep() }
                    } catch {
                        self.logger.warning("cannot look for workers", metadata: ["error": "\(error)"])
                        sweepsAt = .now + self.leaseLength
                    }
                    try? await Task.sleep(for: Self.sweepInterval)
                }
                group.cancelAll()
            }
        }
    }

    func countWorkersElsewhere() async throws {
        let registered = try await registeredWorkers()
        connections.withLock { connections in
            connections.state.workersElsewhere = registered.count {
                !$0.draining && connections.state.workers[$0.id] == nil
            }
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
        await withDiscardingTaskGroup { group in
            var known = 0
            while let ids = try? await lanes.more(than: known) {
                let new = Array(ids[known...])
                known = ids.count
                group.addTask { await self.passOnHints(of: new) }
            }
        }
    }

    private func passOnHints(of lanes: [String]) async {
        let channels = lanes.map { store.keys.hints(lane: $0) }
        let lanes = Dictionary(uniqueKeysWithValues: zip(channels, lanes))
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
