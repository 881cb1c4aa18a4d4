// The service of those who look after the queue's store, its lanes and its workers.

import AnalysisAPI
import RPC
import Redis

struct MaintenanceService: MaintenanceProvider {
    let lanes: Lanes
    let store: Store
    let dispatcher: Dispatcher
    let move: UserMove
    let audit: AuditLog

    func verify(_ request: VerifyRequest, to writer: RPCWriter<VerifyReport>, context: CallContext) async throws {
        guard request.repair else { return try await look(request, to: writer, context) }
        try await audit.noting(context, request) { try await look(request, to: writer, context) }
    }

    private func look(_ request: VerifyRequest, to writer: RPCWriter<VerifyReport>, _ context: CallContext) async throws
    {
        try context.require(actingFor: "")
        try await check(lane: request.lane.isEmpty ? "0" : request.lane)
        for lane in request.lane.isEmpty ? lanes.ids : [request.lane] {
            let keys = try await Verification(lane: lane, store: store).run(repairs: request.repair) { damage in
                try await writer.write(VerifyReport(lane: lane, damage: damage))
            }
            try await writer.write(VerifyReport(lane: lane, keys: keys))
        }
    }

    func listLanes(_ request: ListLanesRequest, context: CallContext) async throws -> ListLanesReply {
        try context.require(actingFor: "")
        try await lanes.refresh()
        var reply = ListLanesReply()
        for lane in lanes.ids {
            let replies = try await store.pipeline([
                ["HGET", RedisArgument(store.keys.lane(lane, .lease)), "worker"],
                ["ZCARD", RedisArgument(store.keys.lane(lane, .live))],
            ])
            reply.lanes.append(
                LaneStatus(
                    id: lane, workerID: replies[0].text ?? "", liveJobs: UInt64(clamping: replies[1].int ?? 0)))
        }
        return reply
    }

    func addLanes(_ request: AddLanesRequest, context: CallContext) async throws -> ListLanesReply {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            guard (1...Lanes.limit).contains(Int(request.total)) else {
                throw RPCError(.invalidArgument, "total is \(request.total); 1 to \(Lanes.limit) are right")
            }
            try await lanes.refresh()
            // What holds back the whole queue holds back its new lanes, too.
            if let pause = try await JobReader(lane: "0", store: store).pause() {
                let seconds = pause.untilMs == 0 ? 0 : UInt32(clamping: (pause.untilMs - .now) / 1000 + 1)
                let again = PauseQueueRequest(reason: pause.reason, seconds: seconds, freeze: pause.freeze)
                for lane in lanes.ids.count..<max(lanes.ids.count, Int(request.total)) {
                    _ = try await LaneQueue(lane: String(lane), store: store).pause(again, by: pause.by)
                }
            }
            try await lanes.add(until: Int(request.total))
            return try await listLanes(ListLanesRequest(), context: context)
        }
    }

    func moveUser(_ request: MoveUserRequest, context: CallContext) async throws -> MoveUserReply {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            try await check(lane: request.lane)
            return try await move.run(request.userID, to: request.lane)
        }
    }

    func drainWorker(_ request: DrainWorkerRequest, context: CallContext) async throws -> WorkerStatus {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            return try await dispatcher.drain(request.workerID, undo: request.undo)
        }
    }

    func backup(_ request: BackupRequest, to writer: RPCWriter<BackupPart>, context: CallContext) async throws {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            try await Backup(store: store).run(to: writer)
        }
    }

    func restore(_ requests: RPCStream<RestorePart>, context: CallContext) async throws -> RestoreReply {
        try await audit.noting(context, AuditedRestore()) {
            try context.require(actingFor: "")
            let reply = try await Restoration(store: store).run(requests)
            try await lanes.refresh()
            // No worker's lease is put back, so what ran then goes back in line.
            for lane in lanes.ids { _ = try await LaneQueue(lane: lane, store: store).sweep() }
            return reply
        }
    }

    private func check(lane: String) async throws {
        guard try await lanes.contains(lane) else { throw RPCError(.notFound, "there is no lane \(lane)") }
    }
}
