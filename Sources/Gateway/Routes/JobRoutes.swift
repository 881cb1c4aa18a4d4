// One job: where it stands, and pausing, resuming and cancelling it.

import AnalysisAPI
import Hummingbird

struct JobRoutes: Sendable {
    let backend: Backend

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("jobs/:id/status", use: status)
        group.post("jobs/:id/pause") { request, context in
            let job = try await backend.queue.pauseJob(context.jobRequest(), options: context.call)
            return try JSONBody.response(JobAnswer(message: "Paused", job: JobJSON(job)))
        }
        group.post("jobs/:id/resume") { request, context in
            let job = try await backend.queue.resumeJob(context.jobRequest(), options: context.call)
            return try JSONBody.response(JobAnswer(message: "Resumed", job: JobJSON(job)))
        }
        group.post("jobs/:id/cancel") { request, context in
            let job = try await backend.queue.cancelJob(context.jobRequest(), options: context.call)
            return try JSONBody.response(JobAnswer(message: "Cancelled", job: JobJSON(job)))
        }
    }

    @Sendable private func status(request: Request, context: SignedInContext) async throws -> Response {
        let request = try context.jobRequest()
        async let view = backend.progress.get(
            ProgressRequest(userID: request.userID, context: .job(request.jobID)), options: context.call)
        let job = try await backend.queue.getJob(request, options: context.call)
        return try JSONBody.response(
            JobStatusAnswer(job: .init(job: JobJSON(job), progress: ProgressEntry(try await view))))
    }
}

extension SignedInContext {
    /// Names the job in the path, as the signed-in user's.
    fileprivate func jobRequest() throws -> JobRequest {
        JobRequest(userID: user.id, jobID: try identifier("id"))
    }
}
