// Jobs in lists and with their story: what ran, when, what came between, and what failed.

import AnalysisAPI

/// A job as one line of a list tells it.
struct JobSummary: Codable, Sendable {
    let jobID: String
    /// Only to administrators: whose it is.
    var userID: Identifier?
    let type: String
    @OrNull var targetID: Identifier?
    /// `null` for background work, and for what has left the library.
    @OrNull var name: String?
    let status: String
    let priority: String
    @OrNull var createdAt: Timestamp?
    @OrNull var startedAt: Timestamp?
    @OrNull var endedAt: Timestamp?
    let total: UInt32
    let analyzed: UInt32
    let skipped: UInt32
    let failed: UInt32
    /// Of background work: which of its batches the job is, from 1 on, and how many songs there were for those after it; otherwise 0.
    let batch: UInt32
    let songsLeft: UInt32
    let force: Bool
    @OrNull var error: String?
    /// What its user thinks of it.
    @OrNull var rating: RatingJSON?

    init(_ job: Job, names: TargetNames, tellsUser: Bool) {
        jobID = job.id
        userID = tellsUser ? Identifier(job.userID) : nil
        type = job.type.shortName
        targetID = Identifier(nonEmpty: job.targetID)
        name = names.target(of: job)
        status = job.state.contractName
        priority = job.priority.contractName
        createdAt = Timestamp(job.createdAtMs)
        startedAt = Timestamp(job.startedAtMs)
        endedAt = Timestamp(job.endedAtMs)
        total = job.total
        analyzed = job.analysed
        skipped = job.skipped
        failed = job.failed
        batch = job.batch
        songsLeft = job.left
        force = job.force
        error = JobJSON.reason(of: job)
        rating = job.rating.map { RatingJSON($0) }
    }
}

/// What a user thinks of a job that has ended.
struct RatingJSON: Codable, Sendable {
    let thumb: ThumbName
    let comment: String
    @OrNull var ratedAt: Timestamp?

    init(_ rating: JobRating) {
        thumb = rating.thumb == .up ? .up : .down
        comment = rating.comment
        ratedAt = Timestamp(rating.ratedAtMs)
    }
}

enum ThumbName: String, Codable, CaseIterable, Sendable, Described {
    case up, down
}

struct RatingBody: Decodable, Sendable, Limited {
    let thumb: ThumbName
    let comment: String?

    static let limits: [String: JSONValue] = ["comment": ["maxLength": 1000]]
}

struct RatingAnswer: Answer {
    var success = true
    /// `null`: nothing is said of it any more.
    @OrNull var rating: RatingJSON?
}

/// A page of jobs.
struct JobPageAnswer: Answer {
    var success = true
    let jobs: [JobSummary]
    /// `null`: this was the last page.
    @OrNull var nextPageToken: String?

    init(_ reply: ListJobsReply, names: TargetNames, tellsUser: Bool) {
        jobs = reply.jobs.map { JobSummary($0, names: names, tellsUser: tellsUser) }
        nextPageToken = reply.nextPageToken.isEmpty ? nil : reply.nextPageToken
    }
}

/// A job with everything that became of it.
struct StoryAnswer: Answer {
    var success = true
    let job: JobSummary
    /// The first of them; `job.failed` tells how many there are.
    let failures: [Failure]
    let events: [Entry]
    /// `null`: this was the last page of events.
    @OrNull var nextPageToken: String?
    /// Whether the beginning is not known any more.
    let isCut: Bool

    struct Failure: Codable, Sendable {
        let songID: Identifier
        @OrNull var name: String?
        let reason: String
    }

    struct Entry: Codable, Sendable {
        let at: Timestamp
        let kind: String
        /// Of the job, after it.
        let status: String
        @OrNull var song: SongName?
        /// How many songs in a row.
        let songs: UInt32
        @OrNull var reason: String?
        /// What displaced the job.
        @OrNull var by: JobSummary?
    }

    static let failuresLimit = 200

    /// - Parameter others: the jobs that displaced it, as far as they are still known.
    init(_ job: Job, timeline: Timeline, others: [String: Job], names: TargetNames, tellsUser: Bool) {
        self.job = JobSummary(job, names: names, tellsUser: tellsUser)
        failures = job.failures.prefix(Self.failuresLimit).map {
            Failure(
                songID: Identifier($0.songID), name: names.song($0.songID, of: job.userID)?.name, reason: $0.reason)
        }
        events = timeline.events.map { event in
            Entry(
                at: Timestamp(millisecondsSince1970: event.atMs), kind: event.kind.contractName,
                status: event.job?.state.contractName ?? "unknown", song: names.song(event.songID, of: job.userID),
                songs: event.songs, reason: event.reason.isEmpty ? nil : event.reason,
                by: others[event.byJobID].map { JobSummary($0, names: names, tellsUser: tellsUser) })
        }
        nextPageToken = timeline.nextPageToken.isEmpty ? nil : timeline.nextPageToken
        isCut = timeline.isCut
    }
}

extension EventKind {
    /// Those that are about a job.
    fileprivate var contractName: String {
        switch self {
        case .enqueued: "enqueued"
        case .started: "started"
        case .songAnalysed: "song_analyzed"
        case .songFailed: "song_failed"
        case .songSkipped: "song_skipped"
        case .songRetry: "song_retry"
        case .interrupted: "interrupted"
        case .workerLost: "worker_lost"
        case .paused: "paused"
        case .resumed: "resumed"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .reprioritised: "reprioritized"
        case .replayed: "replayed"
        case .scheduled: "scheduled"
        case .due: "due"
        case .moved: "moved"
        case .rated: "rated"
        case .unspecified, .snapshot, .snapshotEnd, .libraryChanged, .queuePaused, .queueResumed, .breakerOpened,
            .breakerClosed, .userRemoved, .unrecognized:
            "unknown"
        }
    }
}
