// The life of a job: every legal transition stands in one table, which the scripts that run inside Redis are given, too.
//
//   enqueue ──▶ pending ──started──▶ in_progress ──completed──▶ completed   (failures listed)
//                  ▲                   │  │  │ └───failed─────▶ failed      (every song failed)
//                  └────worker_lost────┘  │  └────paused──────▶ paused ──resumed──▶ interrupted
//                                         └─interrupted─▶ interrupted  (goes on when it is first again; keeps its place)
//
//                failed ──replayed──▶ pending  (from its first song on, in its old place)
//
// A job of which no song may be begun yet is scheduled, and keeps its place for when its time has come:
// pending, in_progress or interrupted ──scheduled──▶ scheduled ──due──▶ pending.
//
// What has not ended can be cancelled, and what waits can be paused. What waits ends without running where all its songs
// turn out to be fresh; what is paused ends where its last song ended before the pause reached the worker.

package import AnalysisAPI

/// What moves a job from one state to another.
package enum JobEvent: String, CaseIterable, Sendable {
    /// An item of the job runs: its first, its next, or again after any stop.
    case started
    /// Another job goes first, or the worker stops in good order.
    case interrupted
    /// The lease of the worker that ran the item ended, or the worker does not know the item any more.
    case workerLost = "worker_lost"
    case paused
    case resumed
    /// All songs have ended, at least one of them well.
    case completed
    /// All songs have ended in failure.
    case failed
    case cancelled
    /// A job that failed begins again, from its first song on.
    case replayed
    /// No song of the job may be begun yet.
    case scheduled
    /// The time has come that the job was scheduled for.
    case due

    /// The event as the log tells it.
    package var kind: EventKind {
        switch self {
        case .started: .started
        case .interrupted: .interrupted
        case .workerLost: .workerLost
        case .paused: .paused
        case .resumed: .resumed
        case .completed: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        case .replayed: .replayed
        case .scheduled: .scheduled
        case .due: .due
        }
    }
}

extension JobState {
    /// The states that jobs are in: all but `unspecified` and what a later version may add.
    package static let known: [JobState] = [
        .scheduled, .pending, .inProgress, .interrupted, .paused, .completed, .failed, .cancelled,
    ]

    /// The legal transitions; an event that a state does not name is refused.
    package static let transitions: [JobState: [JobEvent: JobState]] = [
        .scheduled: [.due: .pending, .paused: .paused, .cancelled: .cancelled],
        .pending: [
            .started: .inProgress, .paused: .paused, .completed: .completed, .failed: .failed, .cancelled: .cancelled,
            .scheduled: .scheduled,
        ],
        .inProgress: [
            .started: .inProgress, .interrupted: .interrupted, .workerLost: .pending, .paused: .paused,
            .completed: .completed, .failed: .failed, .cancelled: .cancelled, .scheduled: .scheduled,
        ],
        .interrupted: [
            .started: .inProgress, .paused: .paused, .completed: .completed, .failed: .failed, .cancelled: .cancelled,
            .scheduled: .scheduled,
        ],
        .paused: [
            .resumed: .interrupted, .completed: .completed, .failed: .failed, .cancelled: .cancelled,
        ],
        .failed: [.replayed: .pending],
    ]

    /// The state after `event`; nil where the event is not legal.
    package func after(_ event: JobEvent) -> JobState? {
        Self.transitions[self]?[event]
    }

    /// Whether the job stands in line for a worker.
    package var isWaiting: Bool { self == .pending || self == .interrupted }

    /// Whether the job has ended; for good, unless it failed and is replayed.
    package var hasEnded: Bool { self == .completed || self == .failed || self == .cancelled }

    /// The name under which the state is stored, such as `in_progress`.
    package var name: String {
        switch self {
        case .scheduled: "scheduled"
        case .pending: "pending"
        case .inProgress: "in_progress"
        case .interrupted: "interrupted"
        case .paused: "paused"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .unspecified, .unrecognized: "unspecified"
        }
    }

    /// The state that is stored as `name`; nil where no state is.
    package init?(name: String) {
        guard let state = Self.known.first(where: { $0.name == name }) else { return nil }
        self = state
    }
}
