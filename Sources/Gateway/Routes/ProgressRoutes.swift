// Progress by context: one job, all of them, a playlist, the whole library.

import AnalysisAPI
import Hummingbird

struct ProgressRoutes: Sendable {
    let backend: Backend

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("progress", use: all)
        group.get("progress/global") { try await context(.library, $1) }
        group.get("progress/playlist/:id") { try await context(.playlist($1.identifier("id")), $1) }
        group.get("progress/:id") { try await context(.job($1.identifier("id")), $1) }
    }

    @Sendable private func all(request: Request, context: SignedInContext) async throws -> Response {
        let request = ListActiveRequest(userID: context.user.id)
        let views = try await backend.progress.listActive(request, options: context.call).jobs
        let entries = views.compactMap { view in view.job.map { ($0.id, ProgressEntry(view)) } }
        return try JSONBody.response(
            ActiveProgressAnswer(
                activeJobs: Dictionary(entries) { _, last in last }, totalActive: entries.count))
    }

    private func context(_ progress: ProgressContext, _ context: SignedInContext) async throws -> Response {
        let request = ProgressRequest(userID: context.user.id, context: progress)
        let view = try await backend.progress.get(request, options: context.call)
        return try JSONBody.response(ProgressAnswer(progress: ProgressEntry(view)))
    }
}
