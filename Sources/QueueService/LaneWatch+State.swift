// What the event log of a lane says about how users and their work fare. A pure value: the service around it records what it finds.

import AnalysisAPI
import Jobs

/// Follows the jobs of one lane that have not ended.
struct LaneWatch: Sendable {
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

    private var waiting: [String: Priority] = [:]
    private var running: [String: Priority] = [:]
    /// When jobs lost their worker that have not run again.
    private var lost: [String: Int64] = [:]
    /// Why nothing is claimed, whatever waits.
    private var isPaused = false
    private var openBreakers: Set<String> = []
    /// Since when something more urgent waits than what runs.
    private var invertedSinceMs: Int64?

    /// Begins anew: what was known may be wrong.
    ///
    /// - Parameter jobs: the live ones.
    mutating func restart(with jobs: [Job], isPaused: Bool = false, openBreakers: [String] = []) {
        self = LaneWatch()
        self.isPaused = isPaused
        self.openBreakers = Set(openBreakers)
        for job in jobs { place(job) }
    }

    /// Takes note of the next event.
    mutating func apply(_ event: Event) -> [Finding] {
        var findings = findings(of: event)
        switch event.kind {
        case .queuePaused: isPaused = true
        case .queueResumed: isPaused = false
        case .breakerOpened: openBreakers.insert(event.analyzer)
        case .breakerClosed: openBreakers.remove(event.analyzer)
        default: if let job = event.job { place(job) }
        }
        if let ms = noteInversion(atMs: event.atMs) { findings.append(.inverted(ms: ms)) }
        return findings
    }

    private mutating func findings(of event: Event) -> [Finding] {
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

    private mutating func place(_ job: Job) {
        waiting[job.id] = nil
        running[job.id] = nil
        switch job.state {
        case .pending, .interrupted: waiting[job.id] = job.priority
        case .inProgress: running[job.id] = job.priority
        default: break
        }
    }

    /// - Returns: how long an inversion lasted that is over now; nil where none is.
    private mutating func noteInversion(atMs: Int64) -> Int64? {
        let isInverted: Bool
        if !isPaused, openBreakers.isEmpty, let runs = running.values.compactMap(\.rank).min(),
            let waits = waiting.values.compactMap(\.rank).min()
        {
            isInverted = waits < runs
        } else {
            isInverted = false
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
