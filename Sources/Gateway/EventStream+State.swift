// What one event stream says of each view, as pure state.

import AnalysisAPI

/// Tells beside progress when a job begins and how it ends: once each in a stream, and again where a reader comes back.
///
///     unheard ──a view of a job that has started──▶ started ──a view of its end──▶ ended
///        └───────────────────a view of its end───────────────────▲  └──replayed──▶ unheard
struct EventStreamState {
    enum Event: Equatable {
        case progress(ProgressView)
        case jobStarted(Job)
        case jobEnded(Job)
    }

    private var started: Set<String> = []

    mutating func events(of view: ProgressView) -> [Event] {
        var events: [Event] = []
        if let job = view.startedJob, started.insert(job.id).inserted { events.append(.jobStarted(job)) }
        events.append(.progress(view))
        if let job = view.endedJob {
            started.remove(job.id)
            events.append(.jobEnded(job))
        }
        return events
    }
}

extension ProgressView {
    /// The job that the view is about; others only name the one that works for them.
    private var ownJob: Job? {
        if case .jobID = context?.context { job } else { nil }
    }

    fileprivate var startedJob: Job? { ownJob.flatMap { $0.startedAtMs > 0 && !$0.state.hasEnded ? $0 : nil } }
    fileprivate var endedJob: Job? { ownJob.flatMap { $0.state.hasEnded ? $0 : nil } }
}
