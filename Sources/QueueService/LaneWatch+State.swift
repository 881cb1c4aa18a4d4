// What the event log of a lane says about how users and their work fare. A pure value: the service around it records what it finds.

import AnalysisAPI
import Jobs

/// Follows one lane. What it keeps does not grow with the number of jobs.
struct LaneWatch: Sendable {
    /// What waits and runs at one place of the log.
    struct Standing: Sendable {
        var waiting: [Priority: Int] = [:]
        var running: Job?
        var isPaused = false
        var openBreakers: Set<String> = []
    }

    /// What an event tells that is counted or measured.
    enum Finding: Hashable, Sendable {
        case claimed(Priority)
        /// A job's first song begins.
        case waited(Priority, ms: Int64)
        /// A song that somebody clicked on begins, or was found analysed.
        case clicked(ms: Int64)
        /// What ran was frozen; `ms`: since something more urgent was there, nil where nothing was.
        case preempted(Priority, ms: Int64?)
        /// Something waited for so long while less urgent work ran, the grace left out.
        case inverted(ms: Int64)
        /// - Parameter ms: from its first song to its end; nil where it did not complete, or never ran.
        case ended(JobType, JobState, ms: Int64?)
        case songs(SongOutcome, count: UInt32)
        case workerLost
        /// The user has said so, or something else before.
        case rated(Thumb)
        /// A job that had lost its worker runs again.
        case recovered(ms: Int64)
    }

    enum SongOutcome: String, Sendable {
        case analysed, failed, skipped, retried
    }

    /// So long less urgent work may go on: it takes that to be told, to be frozen and to be replaced.
    static let graceMs: Int64 = 100
    /// What users were promised.
    static let promptMs: Int64 = 2_000

    private var standing: Standing
    /// When jobs lost their worker that have not run again.
    private var lost: [String: Int64] = [:]
    /// Since when something more urgent waits than what runs.
    private var invertedSinceMs: Int64?

    init(_ standing: Standing = Standing()) {
        self.standing = standing
    }

    /// Some jobs leave a lane without an event: now and then, what is counted here is replaced by what Redis has counted.
    ///
    /// - Parameter standing: after the event that was applied last.
    mutating func correct(_ standing: Standing) {
        self.standing = standing
    }

    /// Takes note of the next event.
    ///
    /// - Parameter from: as of a `LogEntry`.
    mutating func apply(_ event: Event, from: String?) -> [Finding] {
        var findings = findings(of: event, from: from)
        switch event.kind {
        case .queuePaused: standing.isPaused = true
        case .queueResumed: standing.isPaused = false
        case .breakerOpened: standing.openBreakers.insert(event.analyzer)
        case .breakerClosed: standing.openBreakers.remove(event.analyzer)
        default: if let job = event.job { place(job, event.kind, from: from) }
        }
        if let ms = noteInversion(atMs: event.atMs) { findings.append(.inverted(ms: ms)) }
        return findings
    }

    private mutating func findings(of event: Event, from: String?) -> [Finding] {
        guard let job = event.job else { return [] }
        switch event.kind {
        case .started: return started(job, atMs: event.atMs)
        case .interrupted:
            // What merely lets go, as a worker that drains does, is displaced by nothing.
            guard !event.byJobID.isEmpty else { return [] }
            return [.preempted(job.priority, ms: invertedSinceMs.map { max(event.atMs - $0, 0) })]
        case .songAnalysed: return [.songs(.analysed, count: 1)]
        case .songFailed: return [.songs(.failed, count: 1)]
        case .songSkipped: return [.songs(.skipped, count: event.songs)]
        case .songRetry: return [.songs(.retried, count: 1)]
        case .workerLost:
            lost[job.id] = event.atMs
            return [.workerLost]
        case .completed, .failed, .cancelled: return ended(job, event.kind)
        case .rated where from != nil: return job.rating.map { [.rated($0.thumb)] } ?? []
        default: return []
        }
    }

    private mutating func started(_ job: Job, atMs: Int64) -> [Finding] {
        var findings = [Finding.claimed(job.priority)]
        if job.startedAtMs == atMs || job.epoch == 1 {
            let ms = max(job.startedAtMs - job.createdAtMs, 0)
            findings.append(.waited(job.priority, ms: ms))
            if job.type == .song { findings.append(.clicked(ms: ms)) }
        }
        if let lostAtMs = lost.removeValue(forKey: job.id) { findings.append(.recovered(ms: max(atMs - lostAtMs, 0))) }
        return findings
    }

    private mutating func ended(_ job: Job, _ kind: EventKind) -> [Finding] {
        lost[job.id] = nil
        var findings: [Finding] = []
        if kind == .completed, job.startedAtMs == 0, job.type == .song {
            findings.append(.clicked(ms: max(job.endedAtMs - job.createdAtMs, 0)))
        }
        let ran = kind == .completed && job.startedAtMs > 0
        return findings + [.ended(job.type, job.state, ms: ran ? max(job.endedAtMs - job.startedAtMs, 0) : nil)]
    }

    private mutating func place(_ job: Job, _ kind: EventKind, from: String?) {
        if kind == .reprioritised {
            if job.state.isWaiting, let before = Priority.known.first(where: { $0.name == from }) {
                standing.waiting[before, default: 0] -= 1
                standing.waiting[job.priority, default: 0] += 1
            }
        } else if from != nil || kind == .enqueued || kind == .moved {
            if let before = from.flatMap({ JobState(name: $0) }), before.isWaiting {
                standing.waiting[job.priority, default: 0] -= 1
            }
            if job.state.isWaiting { standing.waiting[job.priority, default: 0] += 1 }
        }
        if job.state == .inProgress {
            standing.running = job
        } else if standing.running?.id == job.id {
            standing.running = nil
        }
    }

    /// - Returns: how long an inversion lasted that is over now; nil where none is.
    private mutating func noteInversion(atMs: Int64) -> Int64? {
        var isInverted = false
        if !standing.isPaused, standing.openBreakers.isEmpty, let runs = standing.running?.priority.rank {
            isInverted = standing.waiting.contains { priority, count in
                count > 0 && priority.rank.map { $0 < runs } ?? false
            }
        }
        guard !isInverted else {
            invertedSinceMs = invertedSinceMs ?? atMs
            return nil
        }
        guard let since = invertedSinceMs else { return nil }
        invertedSinceMs = nil
        return atMs - since > Self.graceMs ? atMs - since - Self.graceMs : nil
    }
}
