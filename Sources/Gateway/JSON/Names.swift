// How the contract spells what the messages enumerate, and times as people read them.

import AnalysisAPI

extension JobType {
    static let named: [JobType] = [.song, .playlist, .background]

    /// `song_analysis`, as in progress entries. Upper-cased where the contract shows a job.
    var contractName: String {
        switch self {
        case .song: "song_analysis"
        case .playlist: "playlist_analysis"
        case .background: "background_analysis"
        case .unspecified, .unrecognized: "unknown"
        }
    }

    /// `song`, `playlist` or `background`.
    var shortName: String {
        switch self {
        case .song: "song"
        case .playlist: "playlist"
        case .background: "background"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}

extension Priority {
    static let named: [Priority] = [.high, .medium, .low]

    var contractName: String {
        switch self {
        case .high: "high"
        case .medium: "medium"
        case .low: "low"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}

extension JobState {
    var contractName: String {
        switch self {
        case .scheduled: "scheduled"
        case .pending: "pending"
        case .inProgress: "in_progress"
        case .interrupted: "interrupted"
        case .paused: "paused"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .unspecified, .unrecognized: "unknown"
        }
    }

    var hasEnded: Bool {
        switch self {
        case .completed, .failed, .cancelled: true
        case .unspecified, .scheduled, .pending, .inProgress, .interrupted, .paused, .unrecognized: false
        }
    }
}

extension SongState {
    /// `completed`, `failed` or `pending`: the existing pages know no other words.
    var contractName: String {
        switch self {
        case .analysed: "completed"
        case .failed: "failed"
        case .unspecified, .notAnalysed, .unrecognized: "pending"
        }
    }
}

extension Role {
    var contractName: String {
        switch self {
        case .administrator: "administrator"
        case .unspecified, .listener, .unrecognized: "listener"
        }
    }
}

/// "1 song", "12 songs".
func songs(_ count: some BinaryInteger) -> String {
    count == 1 ? "1 song" : "\(count) songs"
}

/// "a few seconds", "about 40 seconds", "about 3 minutes", "about 2 hours".
func approximateDuration(seconds: Double) -> String {
    switch seconds {
    case ..<5: return "a few seconds"
    case ..<55: return "about \(Int((seconds / 5).rounded()) * 5) seconds"
    case ..<90: return "about a minute"
    case ..<5400: return "about \(Int((seconds / 60).rounded())) minutes"
    default: return "about \(Int((seconds / 3600).rounded())) hours"
    }
}
