// The services behind the gateway.

import AnalysisAPI
import NIOCore
import RPC

/// Clients of the queue service (jobs and catalog) and of the progress service.
struct Backend: Sendable {
    let queue: QueueClient
    let catalog: CatalogClient
    let progress: ProgressClient

    init(queue: RPCClient, progress: RPCClient) {
        self.queue = QueueClient(queue)
        self.catalog = CatalogClient(queue)
        self.progress = ProgressClient(progress)
    }

    /// For calls that a request waits for: a service that is away is told at once, not after a wait.
    static let call = CallOptions(timeout: .seconds(10), waitForReady: false)
    /// For calls that last as long as the client listens.
    static let stream = CallOptions(waitForReady: false)
}

extension ProgressContext {
    static func job(_ id: String) -> ProgressContext { ProgressContext(context: .jobID(id)) }
    static func playlist(_ id: String) -> ProgressContext { ProgressContext(context: .playlistID(id)) }
    static let library = ProgressContext(context: .library(true))
}

extension Backend {
    /// How far a job of the user is. The progress service follows the queue, so a job enqueued a moment ago, or one that ended
    /// longer ago than progress is kept, is answered from the queue.
    ///
    /// - Throws: `.notFound` where there is no such job or it is someone else's.
    func progress(ofJob id: String, userID: String) async throws -> ProgressView {
        do {
            let request = ProgressRequest(userID: userID, context: .job(id))
            return try await progress.get(request, options: Self.call)
        } catch let error as RPCError where error.code == .notFound {
            let job = try await queue.getJob(JobRequest(userID: userID, jobID: id), options: Self.call)
            return ProgressView(job)
        }
    }
}

extension ProgressView {
    /// What a job alone tells: whole songs, nothing of the one that runs, no estimate.
    init(_ job: Job) {
        let analysed = job.analysed + job.skipped
        let fraction = job.total == 0 ? 0 : min(1, Double(analysed) / Double(job.total))
        self.init(
            context: .job(job.id), fraction: job.state == .completed && job.failed == 0 ? 1 : fraction,
            total: job.total, analysed: analysed, failed: job.failed,
            inProgress: job.state == .inProgress ? 1 : 0, job: job, ended: job.state.hasEnded,
            updatedAtMs: max(job.endedAtMs, job.startedAtMs, job.createdAtMs))
    }
}
