// Jobs and events as Redis stores them: the same fields in a job's hash, in an event of the log, and in the replies of scripts.

import AnalysisAPI
import Jobs
import Redis

/// The fields of a job. Scripts are given the same list.
enum JobField: String, CaseIterable {
    case id
    case userID = "user_id"
    case type
    case rank = "class"
    case state
    case targetID = "target_id"
    case force
    case sequence
    case epoch
    case claim
    case total
    case cursor
    case analysed
    case skipped
    case failed
    case audioMs = "audio_ms"
    case audioDoneMs = "audio_done_ms"
    case songID = "song_id"
    case createdAtMs = "created_at_ms"
    case startedAtMs = "started_at_ms"
    case endedAtMs = "ended_at_ms"
    case error
    /// How often in a row the job was lost together with its worker.
    case losses
    case dueAtMs = "due_at_ms"
    case waitsFor = "waits_for"
    /// How many of its songs failed and are tried again.
    case aside
    /// Of the request that made it.
    case traceparent
    /// What its user thinks of it: up, down or nothing.
    case thumb
    case comment
    case ratedAtMs = "rated_at_ms"
    /// Which batch of background work it is, from 1 on.
    case batch
    /// Of background work: the songs for the batches after it.
    case left

    var isNumber: Bool {
        switch self {
        case .id, .userID, .type, .state, .targetID, .claim, .songID, .error, .waitsFor, .traceparent, .thumb,
            .comment:
            false
        case .rank, .force, .sequence, .epoch, .total, .cursor, .analysed, .skipped, .failed, .audioMs, .audioDoneMs,
            .createdAtMs, .startedAtMs, .endedAtMs, .losses, .dueAtMs, .aside, .ratedAtMs, .batch, .left:
            true
        }
    }
}

/// A job, and the claim of its item, which only the item's worker may know.
struct JobRecord: Sendable {
    let job: Job
    let claim: [UInt8]

    /// The pairs of a script's reply.
    init(pairs: RedisValue, lane: String) throws {
        guard let fields = pairs.map else { throw QueueError.corrupt("a job that is no list of names and values") }
        try self.init(fields: fields, lane: lane)
    }

    /// The pairs of a hash, of an event of the log or of a script's reply; what they do not name is 0 or empty.
    ///
    /// - Parameter lane: where the job is, which its user may have been moved to after it was made.
    init(fields: [String: RedisValue], lane: String) throws {
        func text(_ field: JobField) throws -> String {
            guard let value = fields[field.rawValue] else { return "" }
            guard let text = value.text else { throw QueueError.corrupt("a job whose \(field.rawValue) is no text") }
            return text
        }
        // Scripts reply with integers, hashes and the log hold text.
        func number<Number: FixedWidthInteger>(_ field: JobField) throws -> Number {
            guard let value = fields[field.rawValue] else { return 0 }
            guard let number = value.int.flatMap({ Number(exactly: $0) }) else {
                throw QueueError.corrupt("a job whose \(field.rawValue) is no number")
            }
            return number
        }
        func rating() throws -> JobRating? {
            guard let thumb = Thumb(name: try text(.thumb)) else { return nil }
            return JobRating(thumb: thumb, comment: try text(.comment), ratedAtMs: try number(.ratedAtMs))
        }
        let id = try text(.id)
        guard let type = JobType(name: try text(.type)), let priority = Priority(rank: try number(.rank)),
            let state = JobState(name: try text(.state)), JobID(id) != nil
        else { throw QueueError.corrupt("job \(id) of an unknown type, class or state") }
        job = Job(
            id: id, lane: lane, userID: try text(.userID), type: type, priority: priority, state: state,
            targetID: try text(.targetID), force: try number(.force) != 0, sequence: try number(.sequence),
            epoch: try number(.epoch), total: try number(.total), cursor: try number(.cursor),
            analysed: try number(.analysed), skipped: try number(.skipped), failed: try number(.failed),
            audioMs: try number(.audioMs), audioDoneMs: try number(.audioDoneMs), songID: try text(.songID),
            createdAtMs: try number(.createdAtMs), startedAtMs: try number(.startedAtMs),
            endedAtMs: try number(.endedAtMs), error: try text(.error), dueAtMs: try number(.dueAtMs),
            waitsFor: try text(.waitsFor), retrying: try number(.aside),
            traceparent: try text(.traceparent), rating: try rating(), batch: try number(.batch),
            left: try number(.left))
        claim = fields[JobField.claim.rawValue]?.bytes ?? []
    }
}

extension Thumb {
    /// Nil where none has the name.
    init?(name: String) {
        switch name {
        case "up": self = .up
        case "down": self = .down
        default: return nil
        }
    }

    /// The name under which it is stored; nil where it is neither.
    var name: String? {
        switch self {
        case .up: "up"
        case .down: "down"
        case .unspecified, .unrecognized: nil
        }
    }
}

extension EventKind {
    /// The kind that the log calls `name`; nil where it calls none so.
    init?(name: String) {
        if let event = JobEvent(rawValue: name) {
            self = event.kind
            return
        }
        switch name {
        case "enqueued": self = .enqueued
        case "song_analysed": self = .songAnalysed
        case "song_failed": self = .songFailed
        case "song_retry": self = .songRetry
        case "song_skipped": self = .songSkipped
        case "reprioritised": self = .reprioritised
        case "rated": self = .rated
        case "queue_paused": self = .queuePaused
        case "queue_resumed": self = .queueResumed
        case "breaker_opened": self = .breakerOpened
        case "breaker_closed": self = .breakerClosed
        case "moved": self = .moved
        case "library_changed": self = .libraryChanged
        case "user_removed": self = .userRemoved
        default: return nil
        }
    }
}

/// An entry of a lane's log.
struct LogEntry: Sendable {
    let cursor: LogCursor
    let event: Event
    /// As the log calls the event, which may be one of a later version.
    let name: String
    /// What state the job was in before, or of which class it was, or how it was rated, where that has changed; nil: it is new, or
    /// has changed in none of that.
    let from: String?

    init(lane: String, entry: RedisValue) throws {
        let parts = entry.elements ?? []
        guard parts.count == 2, let id = parts[0].text, let cursor = LogCursor(id), let fields = parts[1].map else {
            throw QueueError.corrupt("an event that is no entry of a stream")
        }
        func text(_ name: String) -> String { fields[name]?.text ?? "" }
        self.cursor = cursor
        name = text("event")
        from = fields["event_from"]?.text
        let job = fields[JobField.id.rawValue] == nil ? nil : try JobRecord(fields: fields, lane: lane).job
        event = Event(
            // What a later version has told, during an upgrade or after it was taken back, is passed on as it is.
            lane: lane, cursor: id, atMs: Int64(cursor.milliseconds), kind: EventKind(name: name) ?? .unspecified,
            job: job, songID: text("event_song_id"), songs: UInt32(text("event_songs")) ?? 0,
            reason: text("event_reason"), userID: fields["event_user_id"]?.text ?? job?.userID ?? "",
            byJobID: text("event_by_job_id"), epoch: UInt64(text("event_epoch")) ?? 0,
            analyzer: text("event_analyzer"),
            userHash: fields["event_user_hash"]?.text.flatMap { [UInt8](hexadecimal: $0) } ?? [])
    }
}

extension Event {
    /// An entry of the log: its id and its pairs.
    init(lane: String, entry: RedisValue) throws { self = try LogEntry(lane: lane, entry: entry).event }
}
