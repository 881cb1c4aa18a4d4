// Progress by context: one job, all of them, a playlist, the whole library.

import AnalysisAPI
import Hummingbird

struct ProgressRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.poll("progress", "How far all jobs are that have not ended.", use: all)
        routes.poll("progress/global", "How far the library is.") { try await context(.library, $1) }
        routes.poll("progress/playlist/:id", "How far a playlist is.") {
            try await context(.playlist($1.identifier("id")), $1)
        }
        routes.poll("progress/:id", "How far a job is.") { try await context(.job($1.identifier("id")), $1) }
        routes.delete("progress/:id", "Forgets how far a job was that has ended.") { _, context in
            let job = ProgressRequest(userID: context.user.id, context: .job(try context.identifier("id")))
            return ProgressAnswer(
                progress: ProgressEntry(try await backend.progress.forget(job, options: context.call)))
        }
    }

    @Sendable private func all(request: Request, context: SignedInContext) async throws -> ActiveProgressAnswer {
        let request = ListActiveRequest(userID: context.user.id)
        let views = try await backend.progress.listActive(request, options: context.call).jobs
        let entries = views.compactMap { view in view.job.map { ($0.id, ProgressEntry(view)) } }
        return ActiveProgressAnswer(
            activeJobs: Dictionary(entries) { _, last in last }, totalActive: entries.count)
    }

    private func context(_ progress: ProgressContext, _ context: SignedInContext) async throws -> ProgressAnswer {
        let request = ProgressRequest(userID: context.user.id, context: progress)
        let view = try await backend.progress.get(request, options: context.call)
        return ProgressAnswer(progress: ProgressEntry(view))
    }
}
