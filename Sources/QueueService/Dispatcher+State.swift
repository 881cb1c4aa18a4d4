// Which workers are connected, which lanes they hold, and what follows from what they say. A pure value: the dispatcher around it
// carries out the plans.
//
//   lane:  free ──take──▶ being taken ──granted──▶ held ──renewed at each message──▶ held
//            ▲                │ taken elsewhere      │ over its worker's share
//            ├────────────────┘                      ▼
//            └──released, lost, or its worker gone── revoked (until the worker reports no item of it any more)
//
// A worker that was taken out of service has each lane revoked once nothing runs there.

import AnalysisAPI

struct DispatcherState: Sendable {
    typealias ConnectionID = UInt64

    struct HeldLane: Hashable, Sendable {
        let lease: [UInt8]
        /// The worker was told to give the lane up; its lease is not renewed.
        var isRevoked = false
    }

    struct Worker: Sendable {
        let connection: ConnectionID
        var status: WorkerStatus
        var lanesWanted: UInt32
        /// It is about to leave.
        var isDraining = false
        /// It was taken out of service.
        var isDrained = false
        /// Of the last message that was read.
        var sequence: UInt64 = 0
        var lanes: [String: HeldLane] = [:]
        /// Why its machine takes no background work; nil: it does.
        var machineHold: String?

        var takesLanes: Bool { !isDraining && !isDrained }
    }

    /// What a worker's message asks for.
    struct Plan: Hashable, Sendable {
        var renew: [String: [UInt8]] = [:]
        var release: [String: [UInt8]] = [:]
        var revoke: [String] = []
        /// How many lanes the worker may have beside those that it has.
        var room = 0
    }

    /// All that there are.
    var lanes: [String]
    private(set) var workers: [String: Worker] = [:]
    /// Lanes that a script is just being asked to give to a worker.
    private var beingTaken: Set<String> = []
    /// Workers that are connected to other replicas.
    var workersElsewhere = 0
    /// The workers that were taken out of service, wherever they are connected.
    private(set) var drained: Set<String> = []

    private let machineLimits: MachineLimits

    init(lanes: [String], machineLimits: MachineLimits) {
        self.lanes = lanes
        self.machineLimits = machineLimits
    }

    // MARK: Workers

    mutating func drain(_ ids: Set<String>) {
        drained = ids
        for id in workers.keys { workers[id]?.isDrained = ids.contains(id) }
    }

    /// A worker's first message. The same worker's earlier connection counts no more, and what it held is taken anew.
    ///
    /// - Returns: the earlier connection.
    mutating func connect(_ message: WorkerMessage, connection: ConnectionID, atMs: Int64) -> ConnectionID? {
        let earlier = workers[message.workerID]?.connection
        workers[message.workerID] = Worker(
            connection: connection, status: WorkerStatus(id: message.workerID, connectedAtMs: atMs),
            lanesWanted: message.lanesWanted, isDrained: drained.contains(message.workerID))
        return earlier
    }

    /// Any message, the first too. Nil where the connection counts no more.
    mutating func heard(_ message: WorkerMessage, workerID: String, connection: ConnectionID, atMs: Int64) -> Plan? {
        guard var worker = workers[workerID], worker.connection == connection else { return nil }
        worker.isDraining = message.draining
        worker.sequence = message.sequence
        worker.status.heartbeatAtMs = atMs
        worker.status.songsAnalysed = message.songsAnalysed
        worker.status.songsFailed = message.songsFailed
        worker.status.interruptions = message.interruptions
        worker.status.suspended = UInt32(clamping: message.held.count { !$0.running })
        worker.status.diagnostics = message.diagnostics
        worker.status.machine = message.machine
        worker.status.draining = !worker.takesLanes
        worker.machineHold = message.machine.flatMap {
            machineLimits.reason($0, isHeld: worker.machineHold != nil)
        }
        let busy = Set(message.held.map(\.lane))

        var plan = Plan()
        for (lane, held) in worker.lanes {
            if (held.isRevoked || worker.isDraining) && !busy.contains(lane) {
                plan.release[lane] = held.lease
            } else if !held.isRevoked {
                plan.renew[lane] = held.lease
            }
        }
        let share = worker.takesLanes ? share(of: worker) : 0
        if worker.isDraining {
            // Each lane goes when its item has been given back.
        } else if worker.isDrained {
            let running = Set(message.held.lazy.filter(\.running).map(\.lane))
            revoke(plan.renew.keys.filter { !running.contains($0) }.sorted(), of: &worker, in: &plan)
        } else if worker.lanes.count > share {
            // Idle lanes go first, which costs nobody anything.
            let order = worker.lanes.keys.sorted { (busy.contains($0) ? 1 : 0, $0) < (busy.contains($1) ? 1 : 0, $1) }
            let surplus = order.prefix(worker.lanes.count - share).filter { worker.lanes[$0]?.isRevoked == false }
            revoke(surplus, of: &worker, in: &plan)
        } else {
            plan.room = share - worker.lanes.count
        }
        workers[workerID] = worker
        return plan
    }

    private func revoke(_ lanes: [String], of worker: inout Worker, in plan: inout Plan) {
        plan.revoke = lanes
        for lane in lanes {
            worker.lanes[lane]?.isRevoked = true
            plan.renew[lane] = nil
        }
    }

    /// - Returns: what the worker held; nil where the connection counted no more.
    mutating func disconnect(workerID: String, connection: ConnectionID) -> [String: HeldLane]? {
        guard workers[workerID]?.connection == connection else { return nil }
        return workers.removeValue(forKey: workerID)?.lanes
    }

    /// An even share of all lanes, or fewer where the worker wants fewer; what such a worker leaves, the others share.
    private func share(of worker: Worker) -> Int {
        func wanted(_ worker: Worker) -> Int { worker.lanesWanted == 0 ? .max : Int(clamping: worker.lanesWanted) }
        // What those want that are connected elsewhere is not known.
        let known = workers.values.filter(\.takesLanes).map(wanted)
        let all = (known + Array(repeating: .max, count: workersElsewhere)).sorted()
        var (left, share) = (lanes.count, lanes.count)
        for (index, limit) in all.enumerated() {
            let others = all.count - index
            share = (left + others - 1) / others
            guard limit < share else { break }
            left -= limit
        }
        return min(share, wanted(worker))
    }

    // MARK: Lanes

    /// Who holds the lane among the workers that are connected here.
    func holder(of lane: String) -> (workerID: String, held: HeldLane)? {
        for (workerID, worker) in workers {
            if let held = worker.lanes[lane] { return (workerID, held) }
        }
        return nil
    }

    /// The lanes that a script may be asked to give away, and are now being taken.
    ///
    /// - Parameter count: at most so many.
    mutating func take(_ count: Int) -> [String] {
        let held = Set(workers.values.flatMap(\.lanes.keys)).union(beingTaken)
        let free = Array(lanes.lazy.filter { !held.contains($0) }.prefix(count))
        beingTaken.formUnion(free)
        return free
    }

    /// The lane that was free, with the worker that should have it; nil where none wants it.
    mutating func offer(_ lane: String, heardSinceMs: Int64) -> (workerID: String, connection: ConnectionID)? {
        guard !beingTaken.contains(lane), holder(of: lane) == nil else { return nil }
        let willing = workers.filter { _, worker in
            worker.takesLanes && worker.status.heartbeatAtMs >= heardSinceMs && worker.lanes.count < share(of: worker)
        }
        guard
            let (workerID, worker) = willing.min(by: { ($0.value.lanes.count, $0.key) < ($1.value.lanes.count, $1.key) }
            )
        else { return nil }
        beingTaken.insert(lane)
        return (workerID, worker.connection)
    }

    /// Those of the lanes that a worker has children for and does not hold any more, nor may be about to: nobody will ask for these
    /// children.
    func lost(among held: Set<String>, workerID: String) -> [String] {
        held.intersection(lanes).subtracting(beingTaken).filter { workers[workerID]?.lanes[$0] == nil }.sorted()
    }

    /// How the taking of a lane ended.
    ///
    /// - Parameter lease: nil: another worker holds it.
    /// - Returns: whether the worker holds it now; not, where it was gone meanwhile.
    mutating func taken(_ lane: String, lease: [UInt8]?, workerID: String, connection: ConnectionID) -> Bool {
        beingTaken.remove(lane)
        guard let lease, workers[workerID]?.connection == connection else { return false }
        workers[workerID]?.lanes[lane] = HeldLane(lease: lease)
        return true
    }

    /// The worker does not hold the lane with this lease any more.
    mutating func lost(_ lane: String, lease: [UInt8], workerID: String) {
        guard workers[workerID]?.lanes[lane]?.lease == lease else { return }
        workers[workerID]?.lanes[lane] = nil
    }
}
