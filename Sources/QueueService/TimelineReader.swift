// What became of a job when and why, as the event log of its lane tells it.

import AnalysisAPI
import Jobs
import RPC
import Redis

struct TimelineReader: Sendable {
    let lane: String
    let store: Store

    /// How many events a page has where the caller does not say, and at most.
    private static let limits = (standard: 200, maximum: 1000)
    /// How many events of the log are read at once.
    private static let batch = 500
    /// By so much, the time in an event's cursor can differ from the time that the script wrote into the job.
    private static let slackMs: Int64 = 1000

    /// - Throws: `QueueError.notFound` where there is no such job, `invalidArgument` where the token is not one of an earlier page.
    func page(_ request: TimelineRequest) async throws -> Timeline {
        let job = try await JobReader(lane: lane, store: store).job(request.jobID, userID: request.userID)
        let token = try LogCursor(pageToken: request.pageToken)
        var timeline = try await read(request, of: job, after: token)
        if !request.userID.isEmpty { try await hideOthers(in: &timeline.events, from: request.userID) }
        return timeline
    }

    private func read(_ request: TimelineRequest, of job: Job, after token: LogCursor?) async throws -> Timeline {
        let limit = request.limit == 0 ? Self.limits.standard : min(Int(request.limit), Self.limits.maximum)
        // No event is skipped on the way: of a job that has ended, the log is read only from its beginning to its end.
        let end = job.endedAtMs == 0 ? "+" : "\(job.endedAtMs + Self.slackMs)"
        var start = token?.description ?? "\(max(0, job.createdAtMs - Self.slackMs))"
        var timeline = Timeline(isCut: token == nil)
        var before: JobState?
        while true {
            let command = ["XRANGE", store.keys.lane(lane, .log), start, end, "COUNT", "\(Self.batch)"]
            let entries = try await store.send(command.map { RedisArgument($0) }).elements ?? []
            let events = try entries.map { try Event(lane: lane, entry: $0) }
            for event in events where event.job?.id == job.id {
                defer { before = event.job?.state }
                if event.cursor == token?.description { continue }
                if before == nil, token == nil { timeline.isCut = event.kind != .enqueued }
                guard request.songs || !event.isOfSong(before: before) else { continue }
                guard timeline.events.count < limit else {
                    timeline.nextPageToken = timeline.events.last?.cursor ?? ""
                    return timeline
                }
                timeline.events.append(event)
            }
            guard entries.count == Self.batch, let last = events.last else { return timeline }
            start = "(\(last.cursor)"
        }
    }

    /// Of others' work, only the class is told.
    private func hideOthers(in events: inout [Event], from userID: String) async throws {
        let ids = Array(Set(events.map(\.byJobID)).subtracting([""]))
        let replies = try await store.pipeline(
            ids.map { id in
                ["HMGET", RedisArgument(store.keys.lane(lane, .job, id))]
                    + [JobField.userID, .rank].map { RedisArgument($0.rawValue) }
            })
        let known = Dictionary(zip(ids, replies.map { $0.elements ?? [] })) { first, _ in first }
        for index in events.indices where !events[index].byJobID.isEmpty {
            let fields = known[events[index].byJobID] ?? []
            let owner = fields.first?.text
            if owner == userID { continue }
            events[index].byJobID = ""
            // What is 0 is not stored.
            let priority = owner == nil ? nil : Priority(rank: Int(fields.last?.int ?? 0))
            events[index].reason = priority.map { "\($0.name)-priority work of somebody else" } ?? "more urgent work"
        }
    }
}

extension Event {
    /// Whether this is about one of the job's songs and no transition of the job: also that the next song is begun.
    fileprivate func isOfSong(before state: JobState?) -> Bool {
        switch kind {
        case .songAnalysed, .songFailed, .songSkipped, .songRetry: true
        case .started: state == .inProgress
        default: false
        }
    }
}

extension LogCursor {
    /// Nil for an empty token, which asks for the first page.
    fileprivate init?(pageToken: String) throws {
        if pageToken.isEmpty { return nil }
        guard let cursor = LogCursor(pageToken) else {
            throw RPCError(.invalidArgument, "page_token must be the next_page_token of an earlier page")
        }
        self = cursor
    }
}
