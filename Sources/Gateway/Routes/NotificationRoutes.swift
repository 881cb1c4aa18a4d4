// What became of the user's analyses, as far as the user wants to be told.

import AnalysisAPI
import Hummingbird
import RPC

struct NotificationRoutes: Sendable {
    let backend: Backend
    private static let standardLimit: UInt32 = 20

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "notifications",
            """
            How the user's analyses ended, the latest first, page by page, without those that the preferences mute. \
            /api/events tells them as they come, and what starts and makes way.
            """,
            query: [
                QueryParameter("limit", .integer(1...100), "jobs that a page goes through; 20, if left out"),
                QueryParameter("page_token", .token, "next_page_token of the page before"),
            ], use: list)
    }

    @Sendable private func list(request: Request, context: SignedInContext) async throws -> NotificationsAnswer {
        let jobs = ListJobsRequest(
            userID: context.user.id, ended: true,
            limit: request.query("limit").flatMap { UInt32($0) } ?? Self.standardLimit,
            pageToken: request.query("page_token") ?? "")
        async let preferences = backend.catalog.getPreferences(
            UserRequest(userID: context.user.id), options: context.call)
        let reply = try await backend.queue.listJobs(jobs, options: context.call)
        let names = try await TargetNames(of: reply.jobs, backend: backend, call: context.call)
        return NotificationsAnswer(reply, muted: try await preferences.muted, names: names)
    }

    /// One that comes by an event stream: nil where the user does not want it. Where nobody can say how it is called, or whether it is
    /// wanted, it is told all the same.
    func told(_ notification: Notification, to user: User) async -> NotificationJSON? {
        // What the stream was opened with runs out long before the stream ends.
        guard let call = try? await backend.call(for: user) else {
            return NotificationJSON(notification, names: TargetNames())
        }
        let muted = try? await backend.catalog.getPreferences(UserRequest(userID: user.id), options: call).muted
        guard muted?.contains(notification.kind) != true else { return nil }
        let names = try? await TargetNames(of: [notification.job], backend: backend, call: call)
        return NotificationJSON(notification, names: names ?? TargetNames())
    }
}
