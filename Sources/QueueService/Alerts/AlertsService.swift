// The service of those who look after what is wrong.

import AnalysisAPI
import Daemon
import RPC

struct AlertsService: AlertsProvider {
    let desk: AlertDesk
    let audit: AuditLog

    /// How many alerts that are over are told of where the caller does not say.
    private static let standardLimit = 100
    /// How many bytes a note may have.
    private static let noteLimit = 500

    func listAlerts(_ request: ListAlertsRequest, context: CallContext) async throws -> ListAlertsReply {
        try context.require(actingFor: "")
        let limit = request.limit == 0 ? Self.standardLimit : min(Int(request.limit), AlertStore.maxPast)
        let (active, past) = await desk.list(pastLimit: limit)
        return ListAlertsReply(active: active, past: past)
    }

    func acknowledgeAlert(_ request: AcknowledgeAlertRequest, context: CallContext) async throws -> Alert {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            guard request.note.utf8.count <= Self.noteLimit else {
                throw RPCError(
                    .invalidArgument, "note has \(request.note.utf8.count) bytes; at most \(Self.noteLimit) are right")
            }
            return try await desk.acknowledge(request.alertID, by: context.actor, note: request.note)
        }
    }

    func watchAlerts(_ request: WatchAlertsRequest, to writer: RPCWriter<Alert>, context: CallContext) async throws {
        try context.require(actingFor: "")
        context.endsOnDrain()
        for await alert in await desk.watch() { try await writer.write(alert) }
    }
}
