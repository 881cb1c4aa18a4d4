// What one event stream says of each view, as pure state.

import AnalysisAPI

/// Tells beside progress when a job begins and how it ends: once each in a stream, and again where a reader comes back.
///
///     unheard ──a view of a job that has started──▶ started ──a view of its end──▶ ended
///        │                                             ▲                          ▲ │
///        └──a view of its end: both are told at once───┼──────────────────────────┘ │
///                                                      └──────────replayed──────────┘
struct EventStreamState {
    enum Event: Equatable {
        case progress(ProgressView)
        case jobStarted(Job)
        case jobEnded(Job)
    }

    private enum Phase {
        case started
        case ended
    }

    private var phases: [String: Phase] = [:]

    mutating func events(of view: ProgressView) -> [Event] {
        guard let job = view.ownJob, job.startedAtMs > 0 || job.state.hasEnded else { return [.progress(view)] }
        let before = phases.updateValue(job.state.hasEnded ? .ended : .started, forKey: job.id)
        return switch (before, job.state.hasEnded) {
        case (.started, false), (.ended, true): [.progress(view)]
        case (nil, false), (.ended, false): [.jobStarted(job), .progress(view)]
        case (.started, true): [.progress(view), .jobEnded(job)]
        // Of a short job there may be no other view; one that was cancelled while it waited has never started.
        case (nil, true): (job.startedAtMs > 0 ? [.jobStarted(job)] : []) + [.progress(view), .jobEnded(job)]
        }
    }
}

extension ProgressView {
    /// The job that the view is about; others only name the one that works for them.
    fileprivate var ownJob: Job? {
        if case .jobID = context?.context { job } else { nil }
    }
}
