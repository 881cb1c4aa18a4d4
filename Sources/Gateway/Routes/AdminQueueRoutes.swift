// The queue as a whole, for administrators: what it does, pausing and clearing it, its workers and its days.

import AnalysisAPI
import Hummingbird
import RPC

struct AdminQueueRoutes: Sendable {
    let backend: Backend

    private static let hourMs: Int64 = 3_600_000

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get("admin/queue", "The queue by priority, with waiting times, what runs, and what holds it back.") {
            try await status($1)
        }
        routes.post("admin/queue/pause", "Begins nothing any more; new work is still taken.", body: PauseBody.self) {
            _, body, context in
            _ = try await backend.queue.pauseQueue(
                PauseQueueRequest(reason: body.reason, seconds: body.seconds ?? 0, freeze: body.freeze ?? false),
                options: context.call)
            return try await status(context)
        }
        routes.post("admin/queue/resume", "Ends the pause, if there is one.") { _, context in
            _ = try await backend.queue.resumeQueue(ResumeQueueRequest(), options: context.call)
            return try await status(context)
        }
        routes.post(
            "admin/queue/clear", "Cancels all jobs that have not ended, as far as the filter says.",
            body: JobFilterBody?.self
        ) { _, body, context in
            let changed = try await backend.queue.clearJobs(body?.filter ?? JobFilter(), options: context.call).changed
            return ChangedAnswer(message: "Cancelled \(jobs(changed))", changed: changed)
        }
        routes.get("admin/workers", "The workers, what their analyzers do, and what went wrong with those.") {
            AdminWorkersAnswer(
                try await backend.queue.getStatus(QueueStatusRequest(), options: $1.call))
        }
        routes.get(
            "admin/statistics", "What happened on each of the last days, in UTC.",
            query: [QueryParameter("days", .integer(1...400), "how many; 14, if left out")]
        ) { request, context in
            let days = request.query("days").flatMap { UInt32($0) } ?? 14
            return DaysAnswer(
                try await backend.queue.getStatistics(StatisticsRequest(days: days), options: context.call))
        }
    }

    private func status(_ context: SignedInContext) async throws -> AdminQueueAnswer {
        let call = context.call
        let since = Timestamp.now.millisecondsSince1970 - Self.hourMs
        async let endedPage = backend.queue.listJobs(
            ListJobsRequest(ended: true, limit: 1000, endedFromMs: since), options: call)
        let status = try await backend.queue.getStatus(QueueStatusRequest(), options: call)
        let ended = try await endedPage
        var classes: [AdminQueueAnswer.Class] = []
        for (priority, waiting) in [
            (Priority.high, status.waitingHigh), (.medium, status.waitingMedium), (.low, status.waitingLow),
        ] {
            let head = try await backend.queue.listJobs(
                ListJobsRequest(limit: 1, priority: priority, state: .pending), options: call)
            classes.append(.init(priority, waiting: waiting, head: head.jobs.first, ended: ended.jobs))
        }
        return AdminQueueAnswer(
            status, classes: classes, endedIsCut: !ended.nextPageToken.isEmpty,
            running: try await running(status.running, call))
    }

    private func running(_ jobs: [Job], _ call: CallOptions) async throws -> [AdminQueueAnswer.Running] {
        let names = try await TargetNames(of: jobs, backend: backend, call: call)
        var running: [AdminQueueAnswer.Running] = []
        for job in jobs {
            // A progress service that is away must not hide the queue; a job can have ended by now.
            let view = try? await backend.progress.get(ProgressRequest(context: .job(job.id)), options: call)
            running.append(
                .init(job: JobSummary(job, names: names, tellsUser: true), progress: view.map(ProgressEntry.init)))
        }
        return running
    }
}

/// "1 job", "12 jobs".
func jobs(_ count: some BinaryInteger) -> String {
    count == 1 ? "1 job" : "\(count) jobs"
}
