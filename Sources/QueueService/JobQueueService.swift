// The service of those who ask for analyses and of those who follow them.

import AnalysisAPI
import Foundation
import Jobs
import RPC

/// A class, because each call takes its provider along: one reference, and not one for each part.
final class JobQueueService: QueueProvider {
    /// Characters of what a user says of a job.
    private static let maxComment = 1000

    let lanes: Lanes
    let store: Store
    let accounts: Accounts
    let background: BackgroundWork
    let rules: BackgroundRules
    let dispatcher: Dispatcher
    let audit: AuditLog
    let users: UserCounts

    /// How many targets are enqueued in one step: Redis answers nobody else meanwhile.
    private static let targetsLimit = 1000
    /// How many bytes an idempotency key may have.
    private static let keyLimit = 128
    /// How many bytes the reason of a pause may have; every event of it carries them.
    private static let reasonLimit = 500

    init(
        lanes: Lanes, store: Store, accounts: Accounts, background: BackgroundWork, rules: BackgroundRules,
        dispatcher: Dispatcher, users: UserCounts, audit: AuditLog
    ) {
        (self.lanes, self.store, self.accounts, self.users) = (lanes, store, accounts, users)
        (self.background, self.rules, self.dispatcher) = (background, rules, dispatcher)
        self.audit = audit
    }

    func enqueue(_ request: EnqueueRequest, context: CallContext) async throws -> EnqueueReply {
        try check(request.type, request.targetID, request.priority)
        try check(idempotencyKey: request.idempotencyKey)
        let replies = try await accounts.inLane(of: request.userID) { lane in
            let songs =
                request.type == .background
                ? try await background.songs(of: request.userID, lane: lane, force: request.force) : []
            return try await enqueue(
                [LaneQueue.Target(request, songs: songs)], userID: request.userID, key: request.idempotencyKey,
                lane: lane)
        }
        guard let reply = replies.first else { throw QueueError.corrupt("the reply of enqueue is not understood") }
        return reply
    }

    func enqueueMany(_ request: EnqueueManyRequest, context: CallContext) async throws -> EnqueueManyReply {
        guard (1...Self.targetsLimit).contains(request.targets.count) else {
            throw RPCError(
                .invalidArgument, "targets has \(request.targets.count) entries; 1 to \(Self.targetsLimit) are right")
        }
        try check(idempotencyKey: request.idempotencyKey)
        for (index, target) in request.targets.enumerated() {
            let field = "targets[\(index)]."
            guard target.type == .song || target.type == .playlist else {
                throw RPCError(.invalidArgument, "\(field)type must be song or playlist")
            }
            try check(target.type, target.targetID, target.priority, in: field)
        }
        let targets = request.targets.map {
            LaneQueue.Target(type: $0.type, id: $0.targetID, force: $0.force, priority: $0.priority)
        }
        return try await accounts.inLane(of: request.userID) { lane in
            EnqueueManyReply(
                replies: try await enqueue(targets, userID: request.userID, key: request.idempotencyKey, lane: lane))
        }
    }

    func getJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
            try await JobReader(lane: lane, store: store).job(request.jobID, userID: request.userID)
        }
    }

    func getTimeline(_ request: TimelineRequest, context: CallContext) async throws -> Timeline {
        try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
            try await TimelineReader(lane: lane, store: store).page(request)
        }
    }

    func listJobs(_ request: ListJobsRequest, context: CallContext) async throws -> ListJobsReply {
        let ofEnded = [
            ("failed", request.failed), ("rated", request.rated), ("ended_from_ms", request.endedFromMs != 0),
        ]
        if !request.ended, let (name, _) = ofEnded.first(where: { $0.1 }) {
            throw RPCError(.invalidArgument, "\(name) needs ended, too: only jobs that have ended can be so")
        }
        guard request.state == .unspecified || request.state.hasEnded == request.ended else {
            throw RPCError(
                .invalidArgument, "no job of this list is \(request.state.name): ended must fit the state")
        }
        let lanes = request.userID.isEmpty ? lanes.ids : [try await accounts.lane(of: request.userID)]
        return try await JobList(request: request, lanes: lanes, store: store).page()
    }

    func getStatus(_ request: QueueStatusRequest, context: CallContext) async throws -> QueueStatus {
        var status = QueueStatus(hold: rules.hold(at: .now))
        for lane in lanes.ids { try await JobReader(lane: lane, store: store).add(to: &status, userID: request.userID) }
        status.workers = try await dispatcher.registeredWorkers()
        // They name songs of everybody.
        if !request.userID.isEmpty { for index in status.workers.indices { status.workers[index].diagnostics = nil } }
        return status
    }

    func getStatistics(_ request: StatisticsRequest, context: CallContext) async throws -> Statistics {
        try context.require(actingFor: "")
        guard (0...QueueLimits.statisticsDays).contains(Int(request.days)) else {
            throw RPCError(
                .invalidArgument, "days is \(request.days); 1 to \(QueueLimits.statisticsDays) are right, or 0 for 7")
        }
        let reader = StatisticsReader(lanes: lanes.ids, store: store)
        let users = try await users.current()
        return Statistics(
            days: try await reader.days(request.days == 0 ? 7 : Int(request.days), nowMs: .now), users: users.all,
            usersWithBackgroundAnalysis: users.withBackgroundAnalysis)
    }

    func cancelJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try await audit.noting(context, request) {
            let (job, hint) = try await change(request, .cancelled)
            // Its child may be frozen, of which the lane's state says nothing.
            if hint.kind != .discard { dispatcher.discard(job, workerID: hint.worker) }
            return job
        }
    }

    func pauseJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try await audit.noting(context, request) {
            try await change(request, .paused).job
        }
    }

    func resumeJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try await audit.noting(context, request) {
            try await change(request, .resumed).job
        }
    }

    func replayJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try await audit.noting(context, request) {
            try await change(request, .replayed).job
        }
    }

    func retryJob(_ request: JobRequest, context: CallContext) async throws -> Job {
        try await audit.noting(context, request) {
            let (job, hint) = try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
                try await LaneQueue(lane: lane, store: store).retry(jobID: request.jobID, userID: request.userID)
            }
            dispatcher.deliver(hint)
            return job
        }
    }

    func rateJob(_ request: RateJobRequest, context: CallContext) async throws -> Job {
        guard !request.userID.isEmpty else {
            throw RPCError(.invalidArgument, "user_id is empty; only its user can rate a job")
        }
        let comment = request.rating?.comment ?? ""
        guard comment.unicodeScalars.count <= Self.maxComment else {
            throw RPCError(
                .invalidArgument,
                "rating.comment has \(comment.unicodeScalars.count) characters; at most \(Self.maxComment) are right")
        }
        let thumb = request.rating?.thumb.name
        guard request.rating == nil || thumb != nil else {
            throw RPCError(
                .invalidArgument, "rating.thumb must be THUMB_UP or THUMB_DOWN; without a rating, it is taken back")
        }
        return try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
            try await LaneQueue(lane: lane, store: store)
                .rate(jobID: request.jobID, userID: request.userID, thumb: thumb, comment: comment)
        }
    }

    func replayJobs(_ request: JobFilter, context: CallContext) async throws -> ChangedJobs {
        try await audit.noting(context, request) {
            try await changeAll(request, .replayed)
        }
    }

    func clearJobs(_ request: JobFilter, context: CallContext) async throws -> ChangedJobs {
        try await audit.noting(context, request) {
            try await changeAll(request, .cancelled)
        }
    }

    func getPosition(_ request: JobRequest, context: CallContext) async throws -> JobPosition {
        try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
            try await JobReader(lane: lane, store: store).position(of: request.jobID, userID: request.userID)
        }
    }

    func reprioritiseJob(_ request: ReprioritiseJobRequest, context: CallContext) async throws -> Job {
        try await audit.noting(context, request) {
            guard let rank = request.priority.rank else {
                throw RPCError(.invalidArgument, "priority must be high, medium or low")
            }
            let (job, hint) = try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
                try await LaneQueue(lane: lane, store: store)
                    .reprioritise(jobID: request.jobID, userID: request.userID, rank: rank)
            }
            dispatcher.deliver(hint)
            return job
        }
    }

    func pauseQueue(_ request: PauseQueueRequest, context: CallContext) async throws -> PauseQueueReply {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            guard !request.reason.isEmpty else {
                throw RPCError(.invalidArgument, "reason must say why the queue is paused")
            }
            try check(reason: request.reason)
            try await lanes.refresh()
            for lane in lanes.ids {
                dispatcher.deliver(
                    try await LaneQueue(lane: lane, store: store).pause(request, by: "\(context.peer)"))
            }
            return PauseQueueReply(pause: try await JobReader(lane: "0", store: store).pause())
        }
    }

    func resumeQueue(_ request: ResumeQueueRequest, context: CallContext) async throws -> ResumeQueueReply {
        try await audit.noting(context, request) {
            try context.require(actingFor: "")
            try check(reason: request.reason)
            try await lanes.refresh()
            for lane in lanes.ids {
                dispatcher.deliver(try await LaneQueue(lane: lane, store: store).resume(reason: request.reason))
            }
            return ResumeQueueReply()
        }
    }

    func follow(_ request: FollowRequest, to writer: RPCWriter<Event>, context: CallContext) async throws {
        context.endsOnDrain()
        var cursors: [String: LogCursor] = [:]
        for cursor in request.cursors {
            guard try await lanes.contains(cursor.lane) else {
                throw RPCError(.notFound, "there is no lane \(cursor.lane)")
            }
            guard let place = LogCursor(cursor.cursor) else {
                throw RPCError(.invalidArgument, "'\(cursor.cursor)' is no cursor of an event")
            }
            cursors[cursor.lane] = place
        }
        try await withThrowingTaskGroup(of: [String].self) { group in
            // What is followed goes on for ever; what comes out is that lanes were added.
            group.addTask { try await self.lanes.more(than: 0) }
            var followed = 0
            for try await ids in group {
                for log in ids[followed...].compactMap({ lanes.log(of: $0) }) {
                    let cursor = cursors[log.lane]
                    group.addTask {
                        try await Follower(log: log, store: self.store, writer: writer).run(after: cursor)
                        return []
                    }
                }
                followed = ids.count
                group.addTask { [followed] in try await self.lanes.more(than: followed) }
            }
        }
    }

    private func enqueue(
        _ targets: [LaneQueue.Target], userID: String, key: String, lane: String
    ) async throws -> [EnqueueReply] {
        guard let group = lanes.group(of: lane) else { throw QueueError.corrupt("there is no lane \(lane)") }
        let enqueued = try await group.enqueue(
            LaneQueue.Request(userID: userID, idempotencyKey: key, targets: targets))
        if let hint = enqueued.first?.hint { dispatcher.deliver(hint) }
        return enqueued.map { EnqueueReply($0) }
    }

    private func changeAll(_ filter: JobFilter, _ event: JobEvent) async throws -> ChangedJobs {
        guard filter.type == .unspecified || JobType.known.contains(filter.type) else {
            throw RPCError(.invalidArgument, "type must be song, playlist or background, or left out")
        }
        guard filter.userID.isEmpty else {
            return ChangedJobs(
                changed: try await accounts.inLane(of: filter.userID) { try await changeAll(filter, event, in: $0) })
        }
        var changed: UInt64 = 0
        for lane in lanes.ids { changed += try await changeAll(filter, event, in: lane) }
        return ChangedJobs(changed: changed)
    }

    private func changeAll(_ filter: JobFilter, _ event: JobEvent, in lane: String) async throws -> UInt64 {
        var changed: UInt64 = 0
        try await LaneQueue(lane: lane, store: store)
            .changeAll(userID: filter.userID, type: filter.type, event: event) { jobs, hint in
                changed += UInt64(jobs.count)
                dispatcher.deliver(hint, cancelled: event == .cancelled ? jobs : [])
            }
        return changed
    }

    /// - Parameter field: what stands before the names of the fields.
    private func check(_ type: JobType, _ targetID: String, _ priority: Priority, in field: String = "") throws {
        switch type {
        case .song, .playlist:
            guard !targetID.isEmpty else {
                throw RPCError(.invalidArgument, "\(field)target_id must name the \(type.name)")
            }
        case .background:
            guard targetID.isEmpty else {
                throw RPCError(
                    .invalidArgument, "\(field)target_id must be empty: background work is about the whole library")
            }
        case .unspecified, .unrecognized:
            throw RPCError(.invalidArgument, "\(field)type must be song, playlist or background")
        }
        guard priority == .unspecified || priority.rank != nil else {
            throw RPCError(.invalidArgument, "\(field)priority must be high, medium or low, or left out")
        }
    }

    private func check(idempotencyKey key: String) throws {
        guard key.utf8.count <= Self.keyLimit else {
            throw RPCError(
                .invalidArgument, "idempotency_key has \(key.utf8.count) bytes; at most \(Self.keyLimit) are right")
        }
    }

    private func change(_ request: JobRequest, _ event: JobEvent) async throws -> (job: Job, hint: Hint) {
        let (job, hint) = try await finder.inLane(of: request.jobID, userID: request.userID) { lane in
            try await LaneQueue(lane: lane, store: store)
                .change(jobID: request.jobID, userID: request.userID, event: event)
        }
        dispatcher.deliver(hint)
        return (job, hint)
    }

    private func check(reason: String) throws {
        guard reason.utf8.count <= Self.reasonLimit else {
            throw RPCError(
                .invalidArgument, "reason has \(reason.utf8.count) bytes; at most \(Self.reasonLimit) are right")
        }
    }

    private var finder: JobFinder { JobFinder(accounts: accounts, lanes: lanes, store: store) }
}

extension EnqueueReply {
    fileprivate init(_ enqueued: LaneQueue.Enqueued) {
        self.init(job: enqueued.job, queued: enqueued.queued, existing: enqueued.existing)
    }
}
