// Everybody's jobs, for administrators: lists, the story of one, and the dead letters.

import AnalysisAPI
import Hummingbird

struct AdminJobRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "admin/jobs", "Everybody's jobs that have not ended, in queue order, page by page.",
            query: ListJobsRequest.parameters
        ) { request, context in
            try await JobStories(backend, context, ofEverybody: true).list(ListJobsRequest(), asked: request)
        }
        routes.get(
            "admin/dead-letters", "Jobs that failed, the latest first, page by page.",
            query: ListJobsRequest.parameters
        ) { request, context in
            let dead = ListJobsRequest(ended: true, failed: true)
            return try await JobStories(backend, context, ofEverybody: true).list(dead, asked: request)
        }
        routes.get(
            "admin/ratings",
            "Jobs of which their users have said what they think, the latest ended first, page by page.",
            query: ListJobsRequest.parameters
        ) { request, context in
            let rated = ListJobsRequest(ended: true, rated: true)
            return try await JobStories(backend, context, ofEverybody: true).list(rated, asked: request)
        }
        routes.get(
            "admin/jobs/:id/story", "Everything that became of a job: each transition with its time and its cause.",
            query: TimelineRequest.parameters
        ) { request, context in
            let id = try context.identifier("id")
            return try await JobStories(backend, context, ofEverybody: true).story(of: id, asked: request)
        }
        routes.post("admin/jobs/:id/cancel", "Cancels anybody's job.") { _, context in
            let job = JobRequest(jobID: try context.identifier("id"))
            let cancelled = try await backend.queue.cancelJob(job, options: context.call)
            return JobAnswer(message: "Cancelled", job: JobJSON(cancelled))
        }
        routes.post(
            "admin/dead-letters/:id/replay", "Puts a job that failed back in line, from its first song on."
        ) { _, context in
            let job = JobRequest(jobID: try context.identifier("id"))
            let replayed = try await backend.queue.replayJob(job, options: context.call)
            return JobAnswer(message: "Back in line", job: JobJSON(replayed))
        }
        routes.post(
            "admin/dead-letters/replay", "Puts all jobs that failed back in line, as far as the filter says.",
            body: JobFilterBody?.self
        ) { _, body, context in
            let filter = body?.filter ?? JobFilter()
            let changed = try await backend.queue.replayJobs(filter, options: context.call).changed
            return ChangedAnswer(message: "\(jobs(changed)) back in line", changed: changed)
        }
    }
}
