// What is wrong with the system, and what administrators did, for administrators.

import AnalysisAPI
import Hummingbird

struct AdminAlertRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "admin/alerts", "What is wrong with the system, and what was.",
            query: [QueryParameter("limit", .integer(1...1000), "how many of those that are over; 100, if left out")]
        ) { request, context in
            let limit = request.query("limit").flatMap { UInt32($0) } ?? 0
            let reply = try await backend.alerts.listAlerts(ListAlertsRequest(limit: limit), options: context.call)
            return AlertsAnswer(active: reply.active.map(AlertJSON.init), past: reply.past.map(AlertJSON.init))
        }
        routes.post(
            "admin/alerts/:id/acknowledge", "Says that somebody looks after an alert: it is not escalated any more.",
            body: AcknowledgeBody?.self
        ) { _, body, context in
            let alert = try await backend.alerts.acknowledgeAlert(
                AcknowledgeAlertRequest(alertID: context.identifier("id"), note: body?.note ?? ""),
                options: context.call)
            return AlertAnswer(alert: AlertJSON(alert))
        }
        routes.get(
            "admin/audit", "What administrators did, the latest first, page by page.",
            query: [
                QueryParameter("limit", .integer(1...1000), "how many; 100, if left out"),
                QueryParameter("user_id", .text, "what this user did, or what was done with what is theirs"),
                QueryParameter("page_token", .token, "next_page_token of the page before"),
            ]
        ) { request, context in
            let reply = try await backend.audit.listAuditEntries(
                ListAuditEntriesRequest(
                    limit: request.query("limit").flatMap { UInt32($0) } ?? 0,
                    pageToken: request.query("page_token") ?? "", userID: request.query("user_id") ?? ""),
                options: context.call)
            return AuditAnswer(
                entries: reply.entries.map(AuditAnswer.Entry.init),
                nextPageToken: reply.nextPageToken.isEmpty ? nil : reply.nextPageToken)
        }
    }
}
