// The Progress service as it is called: reports come in, views go out.

import AnalysisAPI
import RPC

struct ProgressHandler: ProgressProvider {
    let hub: ProgressHub
    let store: ProgressStore
    let lookups: Lookups
    let queue: QueueClient

    /// Contexts of one `Watch`.
    private static let maxContexts = 1_000
    /// Days that `GetAccuracy` looks back where it is not told.
    private static let defaultDays: Int64 = 7
    private static let options = CallOptions(timeout: .seconds(5))

    func report(_ requests: RPCStream<ProgressReport>, context: CallContext) async throws -> ReportReply {
        context.endsOnDrain()
        for try await report in requests {
            guard (0...1).contains(report.fraction) else {
                throw RPCError(
                    .invalidArgument, "fraction is \(report.fraction) of song \(report.songID); it must be from 0 to 1."
                )
            }
            hub.change { $0.apply(report, nowMs: $1) }
        }
        return ReportReply()
    }

    func get(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
        try await current(ContextKey(request.context, userID: request.userID), userID: request.userID)
    }

    func listActive(_ request: ListActiveRequest, context: CallContext) async throws -> ListActiveReply {
        guard !request.userID.isEmpty else { throw Self.missingUser }
        let views = hub.look { book, nowMs in
            book.activeJobs(of: request.userID).compactMap { book.view(of: $0, nowMs: nowMs) }
        }
        return ListActiveReply(jobs: views)
    }

    func watch(_ request: WatchRequest, to writer: RPCWriter<ProgressView>, context: CallContext) async throws {
        context.endsOnDrain()
        let keys = try contexts(request)
        // A context that cannot be shown ends the call before it shows any.
        var first: [ContextKey: ProgressView] = [:]
        for key in keys { first[key] = try await current(key, userID: request.userID) }

        let since = hub.look { book, nowMs in book.known(request.sinceVersion, nowMs: nowMs) }
        let activeJobsOf = request.activeJobs ? request.userID : nil
        let watch = hub.watch(keys, activeJobsOf: activeJobsOf, since: since)
        defer { hub.unwatch(watch) }
        // Jobs that ended long ago, or that the log has not told yet, are not in the book.
        first = first.filter { $1.version > since || $1.version == 0 }
        if let activeJobsOf, since > 0, since < hub.look({ book, _ in book.endsKnownSince }) {
            for view in try await store.jobsEnded(of: activeJobsOf, since: since) {
                if let key = try view.context.map({ try ContextKey($0, userID: activeJobsOf) }) { first[key] = view }
            }
        }
        for view in hub.take(watch, and: first) { try await writer.write(view) }
        for await _ in watch.signals {
            // While the reader has no room, changes gather and the next look shows what they came to.
            for view in hub.take(watch) { try await writer.write(view) }
        }
    }

    func forget(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
        guard case .jobID(let jobID) = request.context?.context else {
            throw RPCError(.invalidArgument, "context must be a job: playlists and the library are never over.")
        }
        let view = try await currentJob(jobID, .job(jobID), userID: request.userID)
        guard view.ended, let userID = view.job?.userID else {
            throw RPCError(.failedPrecondition, "Job \(jobID) has not ended; cancel it, or wait for its end.")
        }
        try await store.forget(jobID, of: userID)
        hub.look { book, _ in book.forget(jobID) }
        return view
    }

    func getAccuracy(_ request: AccuracyRequest, context: CallContext) async throws -> Accuracy {
        try context.require(actingFor: "")
        guard request.days <= AccuracyLog.keptDays else {
            throw RPCError(
                .invalidArgument, "days is \(request.days); errors are kept for \(AccuracyLog.keptDays) days.")
        }
        let days = request.days == 0 ? Self.defaultDays : Int64(request.days)
        let accuracy = hub.look { book, nowMs in
            book.isRestored ? book.accuracy.accuracy(days: days, nowMs: nowMs) : nil
        }
        guard let accuracy else { throw RPCError(.unavailable, "What is kept of earlier estimates is not read yet.") }
        return accuracy
    }

    private func contexts(_ request: WatchRequest) throws -> Set<ContextKey> {
        guard request.activeJobs || !request.contexts.isEmpty else {
            throw RPCError(.invalidArgument, "There is nothing to watch; give contexts, or active_jobs = true.")
        }
        guard !request.activeJobs || !request.userID.isEmpty else { throw Self.missingUser }
        guard request.contexts.count <= Self.maxContexts else {
            throw RPCError(
                .invalidArgument,
                "\(request.contexts.count) contexts are too many for one call; it takes up to \(Self.maxContexts).")
        }
        return Set(try request.contexts.map { try ContextKey($0, userID: request.userID) })
    }

    /// A context as it stands, for a user who may see it.
    private func current(_ key: ContextKey, userID: String) async throws -> ProgressView {
        if case .job(let jobID) = key { return try await currentJob(jobID, key, userID: userID) }
        if !hub.look({ book, nowMs in book.use(key, nowMs: nowMs) }) {
            let kept = try await store.context(key)
            hub.look { book, nowMs in book.open(key, kept: kept, nowMs: nowMs) }
        }
        do {
            try await lookups.freshen(key)
        } catch let error as RPCError {
            if error.code == .notFound { hub.look { book, _ in book.close(key) } }
            // The last that is known is better than nothing while the catalog is away.
            guard error.code == .unavailable, let view = hub.view(of: key) else { throw error }
            return view
        }
        guard let view = hub.view(of: key) else {
            throw RPCError(.unavailable, "The catalog's answer is not there yet.")
        }
        return view
    }

    private func currentJob(_ jobID: String, _ key: ContextKey, userID: String) async throws -> ProgressView {
        if let known = hub.view(of: key) {
            return try owned(known, jobID, by: userID)
        }
        if let kept = try await store.job(jobID) {
            // What was forgotten has left no more than a mark.
            guard kept.job != nil else { throw Self.unknownJob(jobID) }
            return try owned(kept, jobID, by: userID)
        }
        let job: Job
        do {
            job = try await queue.getJob(JobRequest(userID: userID, jobID: jobID), options: Self.options)
        } catch let error as RPCError where error.code == .notFound {
            throw Self.unknownJob(jobID)
        }
        return hub.look { book, nowMs in
            book.view(of: key, nowMs: nowMs) ?? ProgressView(unfollowed: job, nowMs: nowMs)
        }
    }

    /// - Throws: what a job that does not exist gets, where the job is somebody else's.
    private func owned(_ view: ProgressView, _ jobID: String, by userID: String) throws -> ProgressView {
        guard userID.isEmpty || view.job?.userID == userID else { throw Self.unknownJob(jobID) }
        return view
    }

    private static func unknownJob(_ jobID: String) -> RPCError {
        RPCError(.notFound, "There is no job \(jobID).")
    }

    private static var missingUser: RPCError {
        RPCError(.invalidArgument, "user_id is empty; it must name the user whose jobs are asked for.")
    }
}
