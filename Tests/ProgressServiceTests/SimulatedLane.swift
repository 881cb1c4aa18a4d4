// One lane with one worker in virtual time: songs that take what they take, jobs that displace each other. It tells a
// ProgressBook what the queue-service and a worker would tell it.

import AnalysisAPI

@testable import ProgressService

struct SimulatedSong {
    let id: String
    let audioMs: UInt64
    let tookMs: Double
}

struct SimulatedLane {
    var book = ProgressBook()
    private(set) var nowMs: Int64
    private(set) var jobs: [String: SimulatedJob] = [:]
    private var running: String?
    private var isFrozen = false
    private var sequence: UInt64 = 0
    private var events: UInt64 = 0
    /// Every change that the book announced, in order.
    private(set) var changed: [ContextKey] = []
    /// What the queue-service and the worker said, in order.
    private(set) var said: [Saying] = []
    /// How often a worker reports.
    static let tickMs = 100.0

    enum Saying: Sendable {
        case event(Event)
        case report(ProgressReport)
    }

    init(nowMs: Int64 = 1_000_000_000) {
        self.nowMs = nowMs
    }

    struct SimulatedJob {
        var job: Job
        let songs: [SimulatedSong]
        var ranMs = 0.0
        var endedAtMs: Int64?
    }

    mutating func enqueue(
        _ userID: String, _ type: JobType, target: String = "", force: Bool = false, _ songs: [SimulatedSong]
    ) -> String {
        sequence += 1
        let job = Job(
            id: "0-\(sequence)", lane: "0", userID: userID, type: type,
            priority: type == .song ? .high : type == .playlist ? .medium : .low, state: .pending,
            targetID: target, force: force, sequence: sequence, total: UInt32(songs.count),
            audioMs: songs.reduce(0) { $0 + $1.audioMs }, createdAtMs: nowMs)
        jobs[job.id] = SimulatedJob(job: job, songs: songs)
        emit(.enqueued, job.id)
        if let running, job.precedes(jobs[running, default: .init(job: job, songs: [])].job) {
            jobs[running]?.job.state = .interrupted
            emit(.interrupted, running, byJobID: job.id)
            self.running = nil
        }
        claim()
        return job.id
    }

    mutating func end(_ jobID: String, as kind: EventKind, _ state: JobState) {
        jobs[jobID]?.job.state = state
        jobs[jobID]?.job.songID = ""
        jobs[jobID]?.job.endedAtMs = nowMs
        jobs[jobID]?.endedAtMs = nowMs
        if running == jobID { running = nil }
        emit(kind, jobID)
        claim()
    }

    mutating func pause(_ jobID: String) {
        jobs[jobID]?.job.state = .paused
        if running == jobID { running = nil }
        emit(.paused, jobID)
        claim()
    }

    mutating func resume(_ jobID: String) {
        jobs[jobID]?.job.state = .interrupted
        emit(.resumed, jobID)
        claim()
    }

    /// Nothing is claimed any more, and what runs is frozen; the queue answers at once until when.
    mutating func freezeQueue(_ pause: QueuePause) {
        guard case .pause(let pauses)? = emit(.queuePaused).queries.first else { return }
        changed += book.learn(pause, pauses: pauses, nowMs: nowMs).keys
        isFrozen = true
        guard let running else { return }
        jobs[running]?.job.state = .interrupted
        self.running = nil
        emit(.interrupted, running)
    }

    mutating func resumeQueue() {
        isFrozen = false
        changed += emit(.queueResumed).keys
        claim()
    }

    /// The book learns what songs cost.
    mutating func learn(_ songs: [SimulatedSong]) {
        var costs = book.costs
        for song in songs { costs.learn(analyzers: "audio@1", audioMs: Double(song.audioMs), tookMs: song.tookMs) }
        _ = book.restore(ProgressBook.Kept(costs: costs, accuracy: book.accuracy), nowMs: nowMs)
    }

    /// The worker dies and another takes over: the song starts again.
    mutating func loseWorker() {
        guard let running else { return }
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
            let step = min(left, Self.tickMs, overflow ? .infinity : Double(end - nowMs))
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

    private mutating func finish(_ jobID: String, _ song: SimulatedSong) {
        jobs[jobID]?.job.cursor += 1
        jobs[jobID]?.job.analysed += 1
        jobs[jobID]?.job.audioDoneMs += song.audioMs
        jobs[jobID]?.job.songID = ""
        jobs[jobID]?.ranMs = 0
        emit(.songAnalysed, jobID, songID: song.id)
        if jobs[jobID]?.current == nil { end(jobID, as: .completed, .completed) } else { claim() }
    }

    private mutating func claim() {
        let ready = jobs.values.map(\.job).filter { $0.endedAtMs == 0 && $0.state != .paused }
        guard !isFrozen, running == nil || jobs[running ?? ""]?.job.songID.isEmpty == true,
            let first = ready.min(by: { $0.precedes($1) }), let song = jobs[first.id]?.current
        else { return }
        running = first.id
        jobs[first.id]?.job.state = .inProgress
        jobs[first.id]?.job.epoch += 1
        jobs[first.id]?.job.songID = song.id
        emit(.started, first.id, songID: song.id)
    }

    private mutating func report(_ jobID: String, _ song: SimulatedSong) {
        guard let simulated = jobs[jobID] else { return }
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
        // The catalog answers at once.
        for case .song(let userID, let songID) in changes.queries {
            guard let song = jobs.values.lazy.flatMap(\.songs).first(where: { $0.id == songID }) else { continue }
            _ = book.learn(
                Song(id: song.id, title: "Song \(song.id)", durationMs: song.audioMs > 0 ? song.audioMs : nil),
                userID: userID, nowMs: nowMs)
        }
        for case .playlistNames(let userID) in changes.queries {
            _ = book.learn(playlistNames: ["trip": "Road trip"], userID: userID, nowMs: nowMs)
        }
    }

    private mutating func emit(_ kind: EventKind, _ fill: (inout Event) -> Void = { _ in }) -> ProgressBook.Changes {
        events += 1
        var event = Event(lane: "0", cursor: "\(events)", atMs: nowMs, kind: kind)
        fill(&event)
        said.append(.event(event))
        return book.apply(event, nowMs: nowMs)
    }
}

extension SimulatedLane.SimulatedJob {
    var current: SimulatedSong? { Int(job.cursor) < songs.count ? songs[Int(job.cursor)] : nil }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension [SimulatedSong] {
    /// Songs of one length each, taking the same.
    static func alike(_ count: Int, _ name: String = "s", audioMs: UInt64 = 200_000, tookMs: Double = 1_000) -> Self {
        (1...count).map { SimulatedSong(id: "\(name)\($0)", audioMs: audioMs, tookMs: tookMs) }
    }

    /// Songs of 20 seconds to 20 minutes whose cost varies around `msPerSecond` of audio.
    static func mixed(_ count: Int, _ name: String, msPerSecond: Double, _ random: inout some RandomNumberGenerator)
        -> Self
    {
        (1...count).map { number in
            let seconds = 20 * Double.random(in: 1...60, using: &random)
            let pace = Double.random(in: 0.85...1.18, using: &random)
            return SimulatedSong(
                id: "\(name)\(number)", audioMs: UInt64(seconds * 1000), tookMs: 50 + seconds * msPerSecond * pace)
        }
    }
}
