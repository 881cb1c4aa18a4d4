// How far something is: the entries of /api/progress and the data of `progress` events.

import AnalysisAPI

/// One context's progress: of a job, a playlist or the whole library.
struct ProgressEntry: Codable, Sendable {
    let context: Context
    @OrNull var jobID: String?
    @OrNull var jobType: String?
    @OrNull var type: String?
    @OrNull var priority: String?
    @OrNull var targetID: Identifier?
    let status: String

    let progress: Double
    let currentProgress: Double
    let percentage: Double
    let total: UInt32
    let totalItems: UInt32
    let current: UInt32
    let completedItems: UInt32
    let failed: UInt32
    let skipped: UInt32
    /// Of background work: which of its batches the job is, from 1 on, and how many songs there are for those after it; otherwise 0.
    let batch: UInt32
    let songsLeft: UInt32

    let currentStep: String
    let stepProgress: Double
    let stage: String
    @OrNull var currentSong: SongName?
    let currentMessage: String
    let message: String

    @OrNull var etaSeconds: Double?
    @OrNull var etaText: String?
    @OrNull var startsInSeconds: Double?
    let position: UInt32
    let waitingFor: String
    @OrNull var suspended: SuspensionJSON?

    @OrNull var startTime: Timestamp?
    @OrNull var startedAt: Timestamp?
    @OrNull var updatedAt: Timestamp?
    let isComplete: Bool
    @OrNull var error: String?
    let basis: UInt32
    let version: UInt64

    /// What the entry is about. The library has no id.
    struct Context: Codable, Sendable {
        let type: String
        @OrNull var id: Identifier?

        init(_ context: ProgressContext.Context?) {
            switch context {
            case .jobID(let id): (type, _id) = ("job", OrNull(wrappedValue: Identifier(id)))
            case .playlistID(let id): (type, _id) = ("playlist", OrNull(wrappedValue: Identifier(id)))
            case .library, nil: (type, _id) = ("library", OrNull(wrappedValue: nil))
            }
        }
    }

    init(_ view: ProgressView) {
        let job = view.job
        let status = Self.status(of: view)
        let message = Self.message(of: view, status: status)
        context = Context(view.context?.context)
        jobID = job?.id
        jobType = job?.type.contractName
        type = job?.type.shortName
        priority = job?.priority.contractName
        targetID = job.flatMap { Identifier(nonEmpty: $0.targetID) }
        self.status = status
        progress = view.fraction
        currentProgress = view.fraction
        percentage = view.fraction.percentage
        total = view.total
        totalItems = view.total
        current = view.analysed
        completedItems = view.analysed
        failed = view.failed
        skipped = job?.skipped ?? 0
        batch = job?.batch ?? 0
        songsLeft = job?.left ?? 0
        currentStep = Self.step(of: view, status: status)
        stepProgress = view.songFraction
        stage = view.stage
        currentSong = view.song.map(SongName.init)
        currentMessage = message
        self.message = message
        etaSeconds = view.etaMs.map { Double($0) / 1000 }
        etaText = view.etaMs.map { approximateDuration(seconds: Double($0) / 1000) }
        startsInSeconds = view.startsInMs.map { Double($0) / 1000 }
        position = view.position
        waitingFor = view.waitingFor
        suspended = view.suspension.map(SuspensionJSON.init)
        startTime = job.flatMap { Timestamp($0.startedAtMs) }
        startedAt = job.flatMap { Timestamp($0.startedAtMs) }
        updatedAt = Timestamp(view.updatedAtMs)
        isComplete = view.ended
        error = job.flatMap(JobJSON.reason(of:))
        basis = view.basis
        version = view.version
    }

    /// A job's own state; of a playlist or the library, that of the job that works on it, otherwise whether it is done.
    private static func status(of view: ProgressView) -> String {
        if let job = view.job {
            if case .jobID = view.context?.context { return job.state.contractName }
            if !job.state.hasEnded { return job.state.contractName }
        }
        return view.total > 0 && view.analysed + view.failed >= view.total ? "completed" : "idle"
    }

    private static func step(of view: ProgressView, status: String) -> String {
        switch status {
        case "completed": "complete"
        case "in_progress": view.stage.isEmpty ? "analyzing" : view.stage
        case "scheduled", "pending", "interrupted": "waiting"
        default: status
        }
    }

    private static func message(of view: ProgressView, status: String) -> String {
        switch status {
        case "in_progress":
            guard let song = view.song else { return "Analysing" }
            let name = song.artist.isEmpty ? song.title : "\(song.title) – \(song.artist)"
            return view.total > 1 ? "Analysing \(name) (\(view.analysed) of \(view.total) done)" : "Analysing \(name)"
        case "scheduled", "pending", "interrupted":
            return view.waitingFor.isEmpty ? "Waiting to start" : view.waitingFor.capitalizingFirstLetter
        case "paused": return "Paused"
        case "cancelled": return "Cancelled"
        case "failed": return view.job.flatMap(JobJSON.reason(of:)) ?? "The analysis failed"
        case "completed": return view.failed == 0 ? "Analysis complete" : "Complete, but \(songs(view.failed)) failed"
        default: return "\(view.analysed) of \(songs(view.total)) analysed"
        }
    }
}

extension String {
    fileprivate var capitalizingFirstLetter: String { prefix(1).uppercased() + dropFirst() }
}

/// What keeps a job from going on, since when, and when it is expected to.
struct SuspensionJSON: Codable, Sendable {
    let by: String
    @OrNull var since: Timestamp?
    @OrNull var resumesInSeconds: Double?
    @OrNull var resumesInText: String?

    init(_ suspension: Suspension) {
        by = suspension.by
        since = Timestamp(suspension.sinceMs)
        resumesInSeconds = suspension.resumesInMs.map { Double($0) / 1000 }
        resumesInText = suspension.resumesInMs.map { approximateDuration(seconds: Double($0) / 1000) }
    }
}

/// A song, as briefly as a line about it needs.
struct SongName: Codable, Sendable {
    let id: Identifier
    let name: String
    let artist: String
    let album: String

    init(_ song: Song) {
        id = Identifier(song.id)
        name = song.title
        artist = song.artist
        album = song.album
    }
}

struct ProgressAnswer: PolledAnswer {
    var success = true
    let progress: ProgressEntry
    var pace: PollPace { PollPace(status: progress.status) }
}

struct ActiveProgressAnswer: PolledAnswer {
    var success = true
    let activeJobs: [String: ProgressEntry]
    let totalActive: Int
    var pace: PollPace { activeJobs.values.map { PollPace(status: $0.status) }.min() ?? .idle }
}
