// One lane with one worker in virtual time: songs that take what they take, jobs that displace each other, pauses, and a
// progress service that may be away. It tells a ProgressBook what the queue-service and a worker would tell it.

import AnalysisAPI
import Jobs

@testable import ProgressService

struct SimulatedLane {
    var book = ProgressBook()
    private(set) var nowMs: Int64
    private(set) var jobs: [String: SimulatedJob] = [:]
    private var liveIDs: Set<String> = []
    private var songs: [String: SimulatedSong] = [:]
    private var running: String?
    private var frozenAtMs: Int64?
    private var pause: QueuePause?
    private var sequence: UInt64 = 0
    private var events: UInt64 = 0
    /// Users' songs that have a fresh result, and since when.
    private(set) var fresh: [String: [String: Int64]] = [:]
    /// What the service left when it stopped, and what it has missed since.
    private var left: (kept: ProgressBook.Kept, missed: [Event])?
    /// How often songs were found fresh.
    private(set) var skips = 0
    /// Every change that the book announced, in order.
    private(set) var changed: [ContextKey] = []
    /// What the queue-service and the worker said, in order.
    private(set) var said: [Saying] = []
    /// How often a worker reports.
    let tickMs: Double
    /// What was so for how long.
    private(set) var stretches: [Stretch] = []
    private var stretchFromMs: Int64

    enum Saying: Sendable {
        case event(Event)
        case report(ProgressReport)
    }

    init(nowMs: Int64 = 1_000_000_000, tickMs: Double = 100) {
        self.nowMs = nowMs
        self.tickMs = tickMs
        stretchFromMs = nowMs
    }

    var isFrozen: Bool { frozenAtMs != nil }
    var isServed: Bool { left == nil }

    /// Jobs that have not ended, in queue order.
    var live: [Job] { liveIDs.compactMap { jobs[$0]?.job }.sorted { $0.precedes($1) } }

    mutating func enqueue(
        _ userID: String, _ type: JobType, target: String = "", force: Bool = false, _ songs: [SimulatedSong]
    ) -> String {
        cut()
        sequence += 1
        let job = Job(
            id: "0-\(sequence)", lane: "0", userID: userID, type: type,
            priority: type == .song ? .high : type == .playlist ? .medium : .low, state: .pending,
            targetID: target, force: force, sequence: sequence, total: UInt32(songs.count),
            audioMs: songs.reduce(0) { $0 + $1.audioMs }, createdAtMs: nowMs)
        jobs[job.id] = SimulatedJob(job: job, songs: songs, arrivedAtMs: nowMs)
        liveIDs.insert(job.id)
        for song in songs { self.songs[song.id] = song }
        emit(.enqueued, job.id)
        interruptFor(job)
        claim()
        return job.id
    }

    mutating func end(_ jobID: String, as kind: EventKind, _ state: JobState) {
        cut()
        jobs[jobID]?.job.state = state
        jobs[jobID]?.job.songID = ""
        jobs[jobID]?.job.endedAtMs = nowMs
        jobs[jobID]?.endedAtMs = nowMs
        liveIDs.remove(jobID)
        if running == jobID { running = nil }
        emit(kind, jobID)
        claim()
    }

    mutating func pause(_ jobID: String) {
        cut()
        jobs[jobID]?.job.state = .paused
        jobs[jobID]?.pausedAtMs = nowMs
        if running == jobID { running = nil }
        emit(.paused, jobID)
        claim()
    }

    mutating func resume(_ jobID: String) {
        cut()
        let hasBegun = jobs[jobID]?.job.startedAtMs != 0
        jobs[jobID]?.job.state = hasBegun ? .interrupted : .pending
        jobs[jobID]?.pausedAtMs = nil
        jobs[jobID]?.arrivedAtMs = nowMs
        emit(.resumed, jobID)
        if let job = jobs[jobID]?.job { interruptFor(job) }
        claim()
    }

    /// Nothing is claimed any more, and what runs is frozen; the queue answers at once until when.
    mutating func freezeQueue(_ pause: QueuePause) {
        cut()
        (frozenAtMs, self.pause) = (nowMs, pause)
        changed += emit(.queuePaused).keys
        guard let running else { return }
        jobs[running]?.job.state = .interrupted
        self.running = nil
        emit(.interrupted, running)
    }

    mutating func resumeQueue() {
        cut()
        (frozenAtMs, pause) = (nil, nil)
        changed += emit(.queueResumed).keys
        claim()
    }

    /// The book learns what songs cost.
    mutating func learn(_ songs: [SimulatedSong]) {
        var costs = book.costs
        for song in songs { costs.learn(analyzers: "audio@1", audioMs: Double(song.audioMs), tookMs: song.tookMs) }
        _ = book.restore(ProgressBook.Kept(costs: costs, accuracy: book.accuracy), nowMs: nowMs)
    }

    /// The service ends; what it held is what it has kept.
    mutating func stopService() {
        left = (book.left(nowMs: nowMs), [])
        book = ProgressBook()
    }

    /// It starts again, and is told what it has missed.
    mutating func startService() {
        guard let (kept, missed) = left else { return }
        left = nil
        answer(book.restore(kept, nowMs: nowMs).queries.union(book.beginFollowing().queries))
        for event in missed { changed += tell(event).keys }
    }

    /// The worker dies and another takes over: the song starts again.
    mutating func loseWorker() {
        guard let running else { return }
        cut()
        jobs[running]?.ranMs = 0
        jobs[running]?.job.state = .pending
        jobs[running]?.job.songID = ""
        self.running = nil
        emit(.workerLost, running)
        claim()
    }

    /// Lets time pass until `deadlineMs` from now, or until nothing runs. `observe` looks after every tick.
    mutating func run(ms deadlineMs: Int64 = .max, _ observe: (inout SimulatedLane) -> Void = { _ in }) {
        let (end, overflow) = nowMs.addingReportingOverflow(deadlineMs)
        while let running, overflow || nowMs < end, let song = jobs[running]?.current {
            let left = song.tookMs - (jobs[running]?.ranMs ?? 0)
            let step = min(left, tickMs, overflow ? .infinity : Double(end - nowMs))
            nowMs += Int64(step.rounded(.up))
            jobs[running]?.ranMs += step
            if left - step < 0.5 { finish(running, song) } else { report(running, song) }
            observe(&self)
        }
    }

    mutating func wait(ms: Int64) { nowMs += ms }

    func view(_ key: ContextKey) -> ProgressView? {
        var book = book
        return book.view(of: key, nowMs: nowMs)
    }

    /// A view that is really shown, so that the countdown goes on from it.
    mutating func show(_ key: ContextKey) -> ProgressView? { book.view(of: key, nowMs: nowMs) }

    /// What was so until now is about to change.
    private mutating func cut() {
        defer { stretchFromMs = nowMs }
        guard nowMs > stretchFromMs else { return }
        stretches.append(
            Stretch(
                fromMs: stretchFromMs, toMs: nowMs,
                running: running.flatMap { jobs[$0] }.map { ($0.job, $0.arrivedAtMs) }, frozenAtMs: frozenAtMs,
                pausedAtMs: liveIDs.reduce(into: [:]) { $0[$1] = jobs[$1]?.pausedAtMs }))
    }

    private mutating func interruptFor(_ job: Job) {
        guard let running, let displaced = jobs[running]?.job, job.precedes(displaced) else { return }
        jobs[running]?.job.state = .interrupted
        self.running = nil
        emit(.interrupted, running, byJobID: job.id)
    }

    private mutating func finish(_ jobID: String, _ song: SimulatedSong) {
        cut()
        jobs[jobID]?.job.cursor += 1
        jobs[jobID]?.job.analysed += 1
        jobs[jobID]?.job.audioDoneMs += song.audioMs
        jobs[jobID]?.job.songID = ""
        jobs[jobID]?.ranMs = 0
        if let userID = jobs[jobID]?.job.userID, fresh[userID]?[song.id] == nil {
            fresh[userID, default: [:]][song.id] = nowMs
        }
        emit(.songAnalysed, jobID, songID: song.id)
        if jobs[jobID]?.current == nil { end(jobID, as: .completed, .completed) } else { claim() }
    }

    /// Songs that are fresh by now are skipped.
    private mutating func skip(_ jobID: String) {
        guard let job = jobs[jobID]?.job, !job.force, jobs[jobID]?.ranMs == 0 else { return }
        var skipped: UInt32 = 0
        while let song = jobs[jobID]?.current, fresh[job.userID]?[song.id] != nil {
            jobs[jobID]?.job.cursor += 1
            jobs[jobID]?.job.audioDoneMs += song.audioMs
            jobs[jobID]?.skipped.insert(song.id)
            skipped += 1
        }
        guard skipped > 0 else { return }
        jobs[jobID]?.job.skipped += skipped
        skips += 1
        emit(.songSkipped, jobID)
    }

    private mutating func claim() {
        guard frozenAtMs == nil, running == nil || jobs[running ?? ""]?.job.songID.isEmpty == true,
            let first = live.first(where: { $0.state != .paused })?.id
        else { return }
        skip(first)
        guard let song = jobs[first]?.current else {
            running = nil
            return end(first, as: .completed, .completed)
        }
        running = first
        jobs[first]?.job.state = .inProgress
        jobs[first]?.job.epoch += 1
        jobs[first]?.job.songID = song.id
        if jobs[first]?.job.startedAtMs == 0 { jobs[first]?.job.startedAtMs = nowMs }
        emit(.started, first, songID: song.id)
    }

    private mutating func report(_ jobID: String, _ song: SimulatedSong) {
        guard let simulated = jobs[jobID], left == nil else { return }
        let report = ProgressReport(
            workerID: "w", lane: "0", jobID: jobID, epoch: simulated.job.epoch, songID: song.id,
            fraction: simulated.ranMs / song.tookMs, stage: "decode", runningMs: UInt64(simulated.ranMs),
            analyzers: [AnalyzerVersion(name: "audio", version: "1")])
        said.append(.report(report))
        changed += book.apply(report, nowMs: nowMs).keys
    }

    private mutating func emit(_ kind: EventKind, _ jobID: String, songID: String = "", byJobID: String = "") {
        guard let job = jobs[jobID]?.job else { return }
        let changes = emit(kind) { event in
            (event.job, event.songID, event.userID, event.byJobID, event.epoch) =
                (job, songID, job.userID, byJobID, job.epoch)
        }
        changed += changes.keys
    }

    private mutating func emit(_ kind: EventKind, _ fill: (inout Event) -> Void = { _ in }) -> ProgressBook.Changes {
        events += 1
        var event = Event(lane: "0", cursor: "\(events)", atMs: nowMs, kind: kind)
        fill(&event)
        said.append(.event(event))
        guard left == nil else {
            left?.missed.append(event)
            return ProgressBook.Changes()
        }
        return tell(event)
    }

    private mutating func tell(_ event: Event) -> ProgressBook.Changes {
        let changes = book.apply(event, nowMs: nowMs)
        answer(changes.queries)
        return changes
    }

    /// The catalog answers at once.
    private mutating func answer(_ queries: Set<ProgressBook.Query>) {
        for query in queries {
            switch query {
            case .song(let userID, let songID):
                guard let song = songs[songID] else { continue }
                let length = song.audioMs > 0 ? song.audioMs : nil
                _ = book.learn(
                    Song(id: song.id, title: "Song \(song.id)", durationMs: length), userID: userID, nowMs: nowMs)
            case .playlistNames(let userID):
                _ = book.learn(playlistNames: ["trip": "Road trip"], userID: userID, nowMs: nowMs)
            case .backlog(let userID):
                let songs = Set(live.filter { $0.userID == userID }.flatMap { jobs[$0.id]?.songs.map(\.id) ?? [] })
                let backlog = songs.subtracting(fresh[userID, default: [:]].keys).count
                _ = book.learn(backlog: UInt32(backlog), of: userID, nowMs: nowMs)
            case .pause(let pauses):
                _ = book.learn(pause, pauses: pauses, nowMs: nowMs)
            default: break
            }
        }
    }
}
