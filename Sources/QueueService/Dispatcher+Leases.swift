// How the dispatcher gives lanes to workers and takes them back. Redis decides; the state here follows what it said.

import AnalysisAPI
import Foundation
import Logging
import RPC
import Synchronization

extension Dispatcher {
    /// Renews the leases of a worker, each by itself: one lane's Redis may be away while the others' is not.
    func renew(_ leases: [String: [UInt8]], for connection: WorkerConnection, message: WorkerMessage) async {
        await withDiscardingTaskGroup { group in
            for (lane, lease) in leases {
                group.addTask {
                    do {
                        if try await self.renew(lane, lease: lease, for: connection, message: message) {
                            self.tellRenewed([lane], to: connection, answers: message)
                        }
                    } catch {
                        // It runs out unless the next message gets through.
                        self.logger.warning(
                            "cannot renew a lease",
                            metadata: ["lane": "\(lane)", "worker": "\(connection.workerID)", "error": "\(error)"])
                    }
                }
            }
        }
    }

    func tellRenewed(_ lanes: [String], to connection: WorkerConnection, answers message: WorkerMessage) {
        let renewed = LanesRenewed(
            lanes: lanes, leaseMs: UInt64(leaseLength.milliseconds), answers: message.sequence)
        connection.send(WorkerCommand(command: .lanesRenewed(renewed)))
    }

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
    func take(
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
        let machine = connections.withLock { $0.state.workers[workerID]?.machineHold }
        return try await LaneQueue(lane: lane, store: store)
            .hold(
                worker: workerID, lease: lease, length: leaseLength, items: items, lanes: lanes.ids.count,
                background: rules.hold(at: .now) ?? machine.map { BackgroundHold(reason: $0) })
    }

    func release(_ lane: String, lease: [UInt8], workerID: String) async throws {
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

    /// Takes back the lanes whose lease has run out, and offers them to others; a lane that cannot be looked at is left for the next time.
    func sweep() async {
        await withDiscardingTaskGroup { group in
            for lane in lanes.ids {
                group.addTask {
                    do {
                        try await self.sweep(lane)
                    } catch {
                        self.logger.warning(
                            "cannot look for a lost lane", metadata: ["lane": "\(lane)", "error": "\(error)"])
                    }
                }
            }
        }
    }

    private func sweep(_ lane: String) async throws {
        let before = connections.withLock { $0.state.holder(of: lane) }
        guard try await LaneQueue(lane: lane, store: store).sweep().worker.isEmpty else { return }
        if let before {
            connections.withLock { $0.state.lost(lane, lease: before.held.lease, workerID: before.workerID) }
            connection(of: before.workerID)?.send(WorkerCommand(command: .laneRevoked(LaneRevoked(lane: lane))))
            logger.warning("lease ran out", metadata: ["lane": "\(lane)", "worker": "\(before.workerID)"])
        }
        try await offer(lane)
    }
}
