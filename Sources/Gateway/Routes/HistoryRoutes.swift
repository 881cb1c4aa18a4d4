// What ran: the user's jobs that have ended, and what became of each.

import AnalysisAPI
import Hummingbird
import RPC

struct HistoryRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get(
            "history", "The user's jobs that have ended, the latest first, page by page.",
            query: ListJobsRequest.parameters + [ListJobsRequest.outcome]
        ) { request, context in
            let ended = ListJobsRequest(userID: context.user.id, ended: true)
            return try await JobStories(backend, context).list(ended, asked: request)
        }
        routes.put(
            "history/:id/rating",
            "Says what the user thinks of a job that has ended, in place of what was said before.",
            body: RatingBody.self
        ) { _, body, context in
            let rating = JobRating(thumb: body.thumb == .up ? .up : .down, comment: body.comment ?? "")
            return try await rate(rating, context)
        }
        routes.delete("history/:id/rating", "Takes back what the user said of a job.") { _, context in
            try await rate(nil, context)
        }
        routes.get(
            "history/:id", "What became of a job: its transitions with their time and their cause, and what failed.",
            query: TimelineRequest.parameters
        ) { request, context in
            try await JobStories(backend, context).story(of: context.identifier("id"), asked: request)
        }
    }

    private func rate(_ rating: JobRating?, _ context: SignedInContext) async throws -> RatingAnswer {
        let request = RateJobRequest(userID: context.user.id, jobID: try context.identifier("id"), rating: rating)
        let job = try await backend.queue.rateJob(request, options: context.call)
        return RatingAnswer(rating: job.rating.map { RatingJSON($0) })
    }
}

/// Reads jobs and their stories with the names of what they are about: one user's, or everybody's.
struct JobStories: Sendable {
    private let backend: Backend
    private let call: CallOptions
    /// Empty: everybody's.
    private let userID: String

    init(_ backend: Backend, _ context: SignedInContext, ofEverybody: Bool = false) {
        self.backend = backend
        call = context.call
        userID = ofEverybody ? "" : context.user.id
    }

    /// - Parameter request: what is listed, to which the query adds its filters.
    func list(_ jobs: ListJobsRequest, asked request: Request) async throws -> JobPageAnswer {
        var jobs = jobs
        jobs.filter(by: request)
        let reply = try await backend.queue.listJobs(jobs, options: call)
        let names = try await TargetNames(of: reply.jobs, backend: backend, call: call)
        return JobPageAnswer(reply, names: names, tellsUser: userID.isEmpty)
    }

    func story(of jobID: String, asked request: Request) async throws -> StoryAnswer {
        async let timeline = backend.queue.getTimeline(
            TimelineRequest(
                userID: userID, jobID: jobID, songs: request.flag("songs"),
                pageToken: request.query("page_token") ?? ""),
            options: call)
        var job = try await backend.queue.getJob(JobRequest(userID: userID, jobID: jobID), options: call)
        job.failures = Array(job.failures.prefix(StoryAnswer.failuresLimit))
        let events = try await timeline.events
        let others = try await jobs(Set(events.map(\.byJobID)).subtracting([""]))
        let names = try await TargetNames(
            of: [job] + others.values, songs: [job.userID: Set(events.map(\.songID))], backend: backend, call: call)
        return StoryAnswer(
            job, timeline: try await timeline, others: others, names: names, tellsUser: userID.isEmpty)
    }

    /// Those of the jobs that are still kept.
    private func jobs(_ ids: Set<String>) async throws -> [String: Job] {
        var jobs: [String: Job] = [:]
        for id in ids {
            do {
                jobs[id] = try await backend.queue.getJob(JobRequest(userID: userID, jobID: id), options: call)
                jobs[id]?.failures = []
            } catch let error as RPCError where error.code == .notFound {
                continue
            }
        }
        return jobs
    }
}

extension ListJobsRequest {
    fileprivate static let outcomes: [JobState] = [.completed, .failed, .cancelled]
    private static let standardLimit: UInt32 = 20

    /// What a query can ask for.
    static let parameters = [
        QueryParameter("type", .one(of: JobType.named.map(\.shortName)), "all, if left out"),
        QueryParameter("limit", .integer(1...100), "jobs of a page; 20, if left out"),
        QueryParameter("page_token", .token, "next_page_token of the page before"),
    ]
    /// Of jobs that have ended, too.
    static let outcome = QueryParameter(
        "status", .one(of: outcomes.map(\.contractName)), "how they ended; however, if left out")

    fileprivate mutating func filter(by request: Request) {
        type = JobType.named.first { $0.shortName == request.query("type") } ?? .unspecified
        if ended { state = Self.outcomes.first { $0.contractName == request.query("status") } ?? .unspecified }
        limit = request.query("limit").flatMap { UInt32($0) } ?? Self.standardLimit
        pageToken = request.query("page_token") ?? ""
    }
}

extension TimelineRequest {
    /// What a query can ask for.
    static let parameters = [
        QueryParameter("songs", .flag, "what became of each song, too"),
        QueryParameter("page_token", .token, "next_page_token of the page before"),
    ]
}
