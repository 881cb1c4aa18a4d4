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
        case notification(Notification)
    }

    private enum Phase {
        case started
        case ended
    }

    private var phases: [String: Phase] = [:]
    private var states: [String: JobState] = [:]
    private let openedAtMs: Int64
    private let isResumed: Bool

    /// - Parameters:
    ///   - openedAtMs: what began or ended before is no news.
    ///   - isResumed: whether the reader goes on after an earlier stream: then whatever ended since is news, too.
    init(openedAtMs: Int64, isResumed: Bool) {
        self.openedAtMs = openedAtMs
        self.isResumed = isResumed
    }

    mutating func events(of view: ProgressView) -> [Event] {
        let news = news(of: view).map { [Event.notification($0)] } ?? []
        return progressEvents(of: view) + news
    }

    /// What is worth a sentence to the user: a job starts or goes on, makes way, or ends.
    private mutating func news(of view: ProgressView) -> Notification? {
        guard let job = view.ownJob else { return nil }
        let before = states.updateValue(job.state, forKey: job.id)
        guard before != job.state else { return nil }
        if let end = NotificationKind(endOf: job) {
            guard before != nil || isResumed || job.endedAtMs >= openedAtMs else { return nil }
            return Notification(kind: end, job: job, atMs: job.endedAtMs)
        }
        switch (before, job.state) {
        case (nil, .inProgress) where job.startedAtMs < openedAtMs: return nil
        case (_, .inProgress):
            let goesOn = before == .interrupted || before == .paused
            // The work was told of when its first batch began.
            guard goesOn || job.batch <= 1 else { return nil }
            return Notification(kind: .started, job: job, atMs: view.updatedAtMs, goesOn: goesOn)
        case (.inProgress, .interrupted): return Notification(kind: .displaced, job: job, atMs: view.updatedAtMs)
        default: return nil
        }
    }

    private mutating func progressEvents(of view: ProgressView) -> [Event] {
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
