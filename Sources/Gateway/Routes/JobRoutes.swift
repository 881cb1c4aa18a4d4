// Jobs: which there are, where one stands, and pausing, resuming, cancelling and retrying it.

import AnalysisAPI
import Hummingbird
import RPC

struct JobRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "jobs", "The user's jobs, page by page: those that have not ended in queue order, others the latest first.",
            query: [
                QueryParameter("state", .one(of: JobStateFilter.allCases.map(\.rawValue)), "active, if left out"),
                QueryParameter("type", .one(of: JobType.named.map(\.shortName)), "all, if left out"),
                QueryParameter("priority", .one(of: Priority.named.map(\.contractName)), "all, if left out"),
                QueryParameter("limit", .integer(1...1000), "jobs of a page; 100, if left out"),
                QueryParameter("page_token", .token, "next_page_token of the page before"),
            ], use: list)
        routes.poll("jobs/:id/status", "A job, and how far it is.", use: status)
        routes.post("jobs/:id/pause", "Pauses a job; what runs of it is frozen where it stands.") { _, context in
            let job = try await backend.queue.pauseJob(context.jobRequest(), options: context.call)
            return JobAnswer(message: "Paused", job: JobJSON(job))
        }
        routes.post("jobs/:id/resume", "Lets a paused job go on.") { _, context in
            let job = try await backend.queue.resumeJob(context.jobRequest(), options: context.call)
            return JobAnswer(message: "Resumed", job: JobJSON(job))
        }
        routes.post("jobs/:id/cancel", "Cancels a job.") { _, context in
            let job = try await backend.queue.cancelJob(context.jobRequest(), options: context.call)
            return JobAnswer(message: "Cancelled", job: JobJSON(job))
        }
        routes.post("jobs/:id/retry", "Tries again what failed: songs of a job, or a job as a whole.") { _, context in
            let job = try await backend.queue.retryJob(context.jobRequest(), options: context.call)
            return JobAnswer(message: "Tried again", job: JobJSON(job))
        }
    }

    @Sendable private func list(request: Request, context: SignedInContext) async throws -> JobsAnswer {
        let filter = request.query("state").flatMap(JobStateFilter.init) ?? .active
        let reply = try await backend.queue.listJobs(
            ListJobsRequest(
                userID: context.user.id, ended: filter.hasEnded,
                limit: request.query("limit").flatMap { UInt32($0) } ?? 0,
                type: JobType.named.first { $0.shortName == request.query("type") } ?? .unspecified,
                priority: Priority.named.first { $0.contractName == request.query("priority") } ?? .unspecified,
                state: filter.state, pageToken: request.query("page_token") ?? ""),
            options: context.call)
        return JobsAnswer(reply)
    }

    @Sendable private func status(request: Request, context: SignedInContext) async throws -> JobStatusAnswer {
        let request = try context.jobRequest()
        async let job = backend.queue.getJob(request, options: context.call)
        let view: ProgressView
        do {
            view = try await backend.progress.get(
                ProgressRequest(userID: request.userID, context: .job(request.jobID)), options: context.call)
        } catch let error as RPCError where error.code == .notFound {
            // Its progress was forgotten, the job was not.
            view = ProgressView(summary: try await job)
        }
        return JobStatusAnswer(job: .init(job: JobJSON(try await job), progress: ProgressEntry(view)))
    }
}

extension ProgressView {
    /// What the job itself says of its progress.
    fileprivate init(summary job: Job) {
        let done = job.analysed + job.skipped
        self.init(
            context: .job(job.id),
            fraction: job.state == .completed ? 1 : job.total == 0 ? 0 : Double(done) / Double(job.total),
            total: job.total, analysed: done, failed: job.failed, job: job, ended: job.state.hasEnded,
            updatedAtMs: job.endedAtMs)
    }
}

/// Which jobs are listed: all that have or have not ended, or those in one state.
private enum JobStateFilter: String, CaseIterable {
    case active, ended
    case scheduled, pending
    case inProgress = "in_progress"
    case interrupted, paused, completed, failed, cancelled

    var state: JobState { JobState.allCases.first { $0.contractName == rawValue } ?? .unspecified }
    var hasEnded: Bool { self == .ended || state.hasEnded }
}

extension SignedInContext {
    /// Names the job in the path, as the signed-in user's.
    fileprivate func jobRequest() throws -> JobRequest {
        JobRequest(userID: user.id, jobID: try identifier("id"))
    }
}
