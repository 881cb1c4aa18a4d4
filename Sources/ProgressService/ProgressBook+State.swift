// What is known about all jobs and contexts, as a pure value: events of the log, workers' reports and the catalog's
// answers go in; which contexts changed and what to ask next come out. No clock, no I/O.

import AnalysisAPI
import Jobs

struct ProgressBook: Sendable {
    var jobs: [String: JobProgress] = [:]
    var lanes: [String: Lane] = [:]
    var users: [String: User] = [:]
    var contexts: [ContextKey: ContextProgress] = [:]
    var costs = CostModel()
    var accuracy = AccuracyLog()
    /// What holds back the whole queue.
    private(set) var pause: QueuePause?
    /// Rises with every pause and its end, so that a late answer never replaces a later event.
    private var pauses: UInt64 = 0
    var unsaved = Unsaved()
    private(set) var ended: [(jobID: String, atMs: Int64)] = []
    /// All jobs that ended after this version are known here, those before only to the store.
    private(set) var endsKnownSince = UInt64.max
    private var lastVersion: UInt64 = 0
    /// Whether what was kept is known.
    var isRestored: Bool { endsKnownSince < .max }

    struct Lane: Sendable {
        /// The last event that was applied.
        var cursor = ""
        /// Jobs that have not ended.
        var jobs: Set<String> = []
        /// None of them comes after this one, which may have ended.
        private(set) var last: Job?
        /// While a snapshot arrives: the jobs that it named.
        var snapshot: Set<String>?
        /// A report about an item whose start the log has not told yet.
        var early: ProgressReport?
        /// Made when it is asked for, after the last event.
        var order: LaneOrder?
        /// When an item last ran, or ended.
        var ranAtMs: Int64 = 0
        /// What runs, and until when something ran before, both by the queue's clock.
        var run: Run?
        var ranToMs: Int64 = 0
        var delays = LaneDelays()

        mutating func add(_ job: Job) {
            jobs.insert(job.id)
            if last?.precedes(job) != false { last = job }
        }
    }

    struct User: Sendable {
        /// Jobs that have not ended.
        var jobs: Set<String> = []
        var contexts: Set<ContextKey> = []
        /// How many of the user's songs have no fresh result; told while there is background work of theirs.
        var backlog: UInt32?
    }

    /// What was kept when the service ran last; comes before all else.
    mutating func restore(_ kept: Kept, nowMs: Int64) -> Changes {
        var changes = Changes()
        costs = kept.costs
        accuracy = kept.accuracy
        for (lane, cursor) in kept.cursors { lanes[lane, default: Lane()].cursor = cursor }
        for (lane, delays) in kept.delays { lanes[lane, default: Lane()].delays = delays }
        for view in kept.jobs {
            let estimates = kept.estimates[view.job?.id ?? ""] ?? ShownEstimates()
            guard let progress = JobProgress(kept: view, estimates: estimates), !progress.job.state.hasEnded else {
                continue
            }
            let job = progress.job
            if progress.isRunning { lanes[job.lane, default: Lane()].run = Run(jobID: job.id, fromMs: job.startedAtMs) }
            lastVersion = max(lastVersion, progress.version)
            jobs[job.id] = progress
            lanes[job.lane, default: Lane()].add(job)
            users[job.userID, default: User()].jobs.insert(job.id)
            changes.keys.insert(.job(job.id))
        }
        endsKnownSince = nextVersion(nowMs)
        changes.queries = Set(users.keys.filter(hasBackgroundWork).map { .backlog(userID: $0) })
        return changes
    }

    /// The log is followed from the cursors on, again: a snapshot that broke off counts no more. Whether the queue is
    /// paused is asked for: the log may not reach back to where that began.
    mutating func beginFollowing() -> Changes {
        for lane in lanes.keys { lanes[lane]?.snapshot = nil }
        pauses += 1
        return Changes(queries: [.pause(pauses)])
    }

    mutating func apply(_ event: Event, nowMs: Int64) -> Changes {
        var changes = Changes()
        switch event.kind {
        case .snapshot:
            lanes[event.lane, default: Lane()].snapshot = lanes[event.lane]?.snapshot ?? []
            lanes[event.lane]?.snapshot?.insert(event.job?.id ?? "")
        case .snapshotEnd:
            let named = lanes[event.lane]?.snapshot ?? []
            let missed = lanes[event.lane]?.jobs.subtracting(named) ?? []
            changes.queries.formUnion(missed.map { .job($0, lane: event.lane) })
            lanes[event.lane, default: Lane()].snapshot = nil
            follow(event)
            // Of what changed in libraries before it, a snapshot does not tell.
            for userID in users.keys { invalidateContexts(of: userID, libraryChanged: true, &changes) }
            // What it named is told at once: each by itself would tell all that are behind it again.
            for jobID in named where jobs[jobID] != nil {
                touch(jobID, nowMs: nowMs)
                changes.keys.insert(.job(jobID))
            }
        case .queuePaused:
            follow(event)
            pauses += 1
            // Until when, only the queue knows.
            changes.queries.insert(.pause(pauses))
        case .queueResumed:
            follow(event)
            pauses += 1
            changes = learn(nil, pauses: pauses, nowMs: nowMs)
        case .libraryChanged:
            follow(event)
            invalidateContexts(of: event.userID, libraryChanged: true, &changes)
        case .userRemoved:
            follow(event)
            remove(userHash: event.userHash)
        case .rated:
            // It has ended, and its progress may be forgotten.
            follow(event)
            return changes
        default:
            follow(event)
        }
        if let job = event.job { update(job, after: event, nowMs: nowMs, &changes) }
        return changes
    }

    /// What holds back the whole queue, `nil` for nothing, as it was when so many pauses had been told.
    mutating func learn(_ pause: QueuePause?, pauses: UInt64, nowMs: Int64) -> Changes {
        var changes = Changes()
        guard pauses == self.pauses, pause != self.pause else { return changes }
        if let over = self.pause { endDelay(by: over, atMs: nowMs) }
        self.pause = pause
        for jobID in lanes.values.flatMap(\.jobs) {
            jobs[jobID]?.countdown = nil
            touch(jobID, nowMs: nowMs)
            changes.keys.insert(.job(jobID))
        }
        for key in contexts.keys {
            contexts[key]?.countdown = nil
            touch(key, nowMs: nowMs, &changes)
        }
        return changes
    }

    private mutating func follow(_ event: Event) {
        lanes[event.lane, default: Lane()].cursor = event.cursor
        unsaved.lanes.insert(event.lane)
    }

    mutating func update(_ job: Job, after event: Event, nowMs: Int64, _ changes: inout Changes) {
        let before = jobs[job.id]
        if event.kind == .songAnalysed, let before { learnCost(of: before, job: job, event: event) }
        var progress = before ?? JobProgress(job)
        progress.apply(event, job: job)
        // The report may have overtaken the log.
        if event.kind == .started, let early = lanes[job.lane]?.early, early.jobID == job.id {
            _ = progress.apply(early, nowMs: nowMs)
            lanes[job.lane]?.early = nil
        }
        trackDelays(from: before, to: progress, event.kind, atMs: event.atMs > 0 ? event.atMs : nowMs)
        if event.kind == .completed, before?.job.state.hasEnded == false {
            changes.scores = scores(progress, endedAtMs: job.endedAtMs)
            accuracy.note(changes.scores, nowMs: nowMs)
            unsaved.accuracy = unsaved.accuracy || !changes.scores.isEmpty
        }
        jobs[job.id] = progress
        unsaved.keys.insert(.job(job.id))
        if let left = before?.job.lane, left != job.lane {
            lanes[left]?.jobs.remove(job.id)
            lanes[left]?.order = nil
        }
        if before?.isRunning == true || progress.isRunning { lanes[job.lane]?.ranAtMs = nowMs }

        if job.state.hasEnded {
            lanes[job.lane]?.jobs.remove(job.id)
            users[job.userID]?.jobs.remove(job.id)
            if before?.job.state.hasEnded != true { ended.append((job.id, nowMs)) }
            if before?.estimates.estimates.isEmpty == false { unsaved.estimates.insert(job.id) }
        } else {
            lanes[job.lane, default: Lane()].add(job)
            users[job.userID, default: User()].jobs.insert(job.id)
        }
        changes.queries.formUnion(unknownNames(progress))
        if before?.endedSongs != progress.endedSongs || before == nil, hasBackgroundWork(job.userID) {
            changes.queries.insert(.backlog(userID: job.userID))
        }
        touchQueue(from: job, after: event, nowMs: nowMs, &changes)

        if event.kind == .songAnalysed || event.kind == .songFailed || before?.endedSongs != progress.endedSongs {
            invalidateContexts(of: job.userID, songID: event.songID, &changes)
        }
    }

    /// Every job at or behind the changed one sees another queue, which explains another estimate; so do the libraries of
    /// their users and the playlists that it is about.
    private mutating func touchQueue(from job: Job, after event: Event, nowMs: Int64, _ changes: inout Changes) {
        lanes[job.lane]?.order = nil
        let behind = jobsBehind(job, after: event.kind)
        let songID = event.songID.isEmpty ? job.songID : event.songID
        var concerned = (users[job.userID]?.contexts ?? []).filter { contexts[$0]?.contains(songID, in: $0) == true }
        // A song or job that ends and the next that begins are what was foreseen: the estimate follows them smoothly.
        let isForeseen = [.songAnalysed, .started, .completed, .snapshot].contains(event.kind)
        for jobID in behind.union([job.id]) {
            guard let affected = jobs[jobID]?.job else { continue }
            if !isForeseen { jobs[jobID]?.countdown = nil }
            concerned.insert(.library(userID: affected.userID))
            if affected.type == .playlist {
                concerned.insert(.playlist(userID: affected.userID, playlistID: affected.targetID))
            }
        }
        if !isForeseen { for key in concerned { contexts[key]?.countdown = nil } }

        // When a song of a running job ends, the queue starts the next, interrupts or ends the job in the same step. Only
        // the outcome is told, so that nobody sees the job without a song for a moment.
        let isHalfAStep =
            [.songAnalysed, .songFailed, .songRetry, .songSkipped].contains(event.kind) && job.state == .inProgress
        guard !isHalfAStep else { return }
        for jobID in behind.union([job.id]) {
            touch(jobID, nowMs: nowMs)
            changes.keys.insert(.job(jobID))
        }
        for key in concerned { touch(key, nowMs: nowMs, &changes) }
    }

    /// The jobs that see another queue for what happened to this one. Not looked for where there are none: a long queue arrives
    /// job by job, in a snapshot or at its end.
    private func jobsBehind(_ job: Job, after kind: EventKind) -> Set<String> {
        guard let lane = lanes[job.lane], kind != .snapshot, kind != .enqueued || lane.last?.id != job.id else {
            return []
        }
        return lane.jobs.filter { jobs[$0].map { !$0.job.precedes(job) } ?? false }
    }

    private mutating func learnCost(of progress: JobProgress, job: Job, event: Event) {
        guard let item = progress.item, item.epoch == event.epoch, let tookMs = item.ranMs(atMs: event.atMs) else {
            return
        }
        let advanced = job.audioDoneMs > progress.job.audioDoneMs ? job.audioDoneMs - progress.job.audioDoneMs : 0
        costs.learn(
            analyzers: item.analyzers, audioMs: item.audioMs ?? (advanced > 0 ? Double(advanced) : nil), tookMs: tookMs)
        unsaved.costs = true
    }

    /// What people call the job and its song, where that is not known yet.
    private func unknownNames(_ progress: JobProgress) -> Set<Query> {
        let job = progress.job
        guard !job.state.hasEnded else { return [] }
        var queries: Set<Query> = []
        if let item = progress.item, item.song == nil { queries.insert(.song(userID: job.userID, songID: item.songID)) }
        if progress.targetName.isEmpty {
            switch job.type {
            case .song: queries.insert(.song(userID: job.userID, songID: job.targetID))
            case .playlist: queries.insert(.playlistNames(userID: job.userID))
            default: break
            }
        }
        return queries
    }

    /// Takes a report that is about the item that runs; drops others, but for one whose item the log is about to name.
    mutating func apply(_ report: ProgressReport, nowMs: Int64) -> Changes {
        var changes = Changes()
        guard jobs[report.jobID]?.apply(report, nowMs: nowMs) == true, let progress = jobs[report.jobID] else {
            if (jobs[report.jobID]?.job.epoch ?? 0) < report.epoch { lanes[report.lane]?.early = report }
            return changes
        }
        touch(report.jobID, nowMs: nowMs)
        unsaved.keys.insert(.job(report.jobID))
        changes.keys.insert(.job(report.jobID))
        for key in users[progress.job.userID]?.contexts ?? []
        where contexts[key]?.contains(report.songID, in: key) == true {
            touch(key, nowMs: nowMs, &changes)
        }
        return changes
    }

    /// Marks a change of the job.
    mutating func touch(_ jobID: String, nowMs: Int64) {
        let version = nextVersion(nowMs)
        jobs[jobID]?.version = version
        jobs[jobID]?.updatedAtMs = nowMs
    }

    /// Rises with every change, and over restarts too, for it is not less than the clock in microseconds.
    mutating func nextVersion(_ nowMs: Int64) -> UInt64 {
        lastVersion = max(lastVersion + 1, UInt64(clamping: nowMs) * 1000)
        return lastVersion
    }

    /// A version that was given, or 0 where it cannot have been: the clock was set back, or it is another service's.
    func known(_ version: UInt64, nowMs: Int64) -> UInt64 {
        version <= max(lastVersion, UInt64(clamping: nowMs) * 1000) ? version : 0
    }

    /// Lets go of a job that has ended, also where it was not saved yet.
    mutating func forget(_ jobID: String) {
        guard jobs[jobID]?.job.state.hasEnded == true else { return }
        jobs[jobID] = nil
        unsaved.keys.remove(.job(jobID))
    }

    /// Lets go of ended jobs and unused contexts that the store has.
    mutating func prune(before atMs: Int64) {
        pruneDelays()
        let old = ended.prefix { $0.atMs < atMs && !unsaved.keys.contains(.job($0.jobID)) }
        for (jobID, _) in old {
            guard let progress = jobs[jobID], progress.job.state.hasEnded else { continue }
            endsKnownSince = max(endsKnownSince, progress.version)
            jobs[jobID] = nil
        }
        ended.removeFirst(old.count)
        let unused = contexts.filter { key, context in
            context.watchers == 0 && context.usedAtMs < atMs && !unsaved.keys.contains(key)
        }
        for key in unused.keys {
            contexts[key] = nil
            if let userID = key.userID { users[userID]?.contexts.remove(key) }
        }
        users = users.filter { !$0.value.jobs.isEmpty || !$0.value.contexts.isEmpty }
    }
}
