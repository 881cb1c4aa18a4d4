// One caller that follows a lane: a snapshot where it has none, then every event, once and in order.

import AnalysisAPI
import Jobs
import RPC
import Redis

struct Follower: Sendable {
    /// How many jobs of a snapshot are read at once. A snapshot of one page is true at one instant.
    private static let page = 500

    let log: LaneLog
    let store: Store
    let writer: RPCWriter<Event>

    /// Never ends by itself.
    ///
    /// - Parameter cursor: the last event that the caller has; nil: it has nothing.
    func run(after cursor: LogCursor?) async throws {
        try await log.followed { try await follow(after: cursor) }
    }

    private func follow(after cursor: LogCursor?) async throws {
        var cursor = cursor
        var pages: [String: LogCursor] = [:]
        while true {
            if let place = cursor, let entries = try await log.entries(after: place) {
                for entry in entries {
                    // A job of a later page was read when this had happened already.
                    let isKnown = entry.event.job.flatMap { pages[$0.id] }.map { entry.cursor <= $0 } ?? false
                    if !isKnown { try await writer.write(entry.event) }
                    cursor = entry.cursor
                }
                if pages.values.allSatisfy({ cursor ?? .zero >= $0 }) { pages = [:] }
            } else {
                (cursor, pages) = try await snapshot()
            }
        }
    }

    /// Writes all live jobs.
    ///
    /// - Returns: where the log stood when the first page was read; and where it stood for jobs that were read later.
    private func snapshot() async throws -> (LogCursor, [String: LogCursor]) {
        var start: LogCursor?
        var pages: [String: LogCursor] = [:]
        var score = "-inf"
        while !score.isEmpty {
            let parts =
                try await store.run(
                    \.snapshot, lane: log.lane, [RedisArgument(score), RedisArgument(Self.page)]
                ).elements ?? []
            guard parts.count == 3, let cursor = parts[0].text.flatMap({ LogCursor($0) }), let next = parts[1].text,
                let jobs = parts[2].elements
            else { throw QueueError.corrupt("the reply of snapshot is not understood") }
            for pairs in jobs {
                let job = try JobRecord(pairs: pairs, lane: log.lane).job
                if start != nil { pages[job.id] = cursor }
                try await writer.write(
                    Event(
                        lane: log.lane, atMs: .now, kind: .snapshot, job: job, songID: job.songID, userID: job.userID,
                        epoch: job.epoch))
            }
            start = start ?? cursor
            score = next
        }
        let cursor = start ?? .zero
        try await writer.write(
            Event(lane: log.lane, cursor: cursor.description, atMs: .now, kind: .snapshotEnd))
        return (cursor, pages)
    }
}
