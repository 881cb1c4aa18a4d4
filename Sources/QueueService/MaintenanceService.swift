// The service of those who look after the queue's store.

import AnalysisAPI
import RPC

struct MaintenanceService: MaintenanceProvider {
    let lanes: [String]
    let store: Store

    func verify(_ request: VerifyRequest, to writer: RPCWriter<VerifyReport>, context: CallContext) async throws {
        try context.require(actingFor: "")
        guard request.lane.isEmpty || lanes.contains(request.lane) else {
            throw RPCError(.notFound, "there is no lane \(request.lane)")
        }
        for lane in request.lane.isEmpty ? lanes : [request.lane] {
            let keys = try await Verification(lane: lane, store: store).run(repairs: request.repair) { damage in
                try await writer.write(VerifyReport(lane: lane, damage: damage))
            }
            try await writer.write(VerifyReport(lane: lane, keys: keys))
        }
    }
}
