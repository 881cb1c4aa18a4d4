// How far one job is: its latest state from the event log, the item that it runs or that is suspended, and the marks
// below which what is shown never falls.

import AnalysisAPI
import Jobs

struct JobProgress: Sendable {
    private(set) var job: Job
    private(set) var item: Item?
    /// The share of the job that is shown; 1 only when it has completed.
    private(set) var fraction = 0.0
    /// The song that was reached last and the most of it that was shown; holds when the song has to start again.
    private var reached = (songID: "", fraction: 0.0)
    /// The name of its song or playlist; empty until the catalog has told.
    var targetName = ""
    var version: UInt64 = 0
    var updatedAtMs: Int64 = 0
    /// Since when it has been interrupted, paused or scheduled; holds no more once it runs.
    private(set) var asideAtMs: Int64 = 0
    /// Since when it has stood in line where it stands.
    private(set) var arrivedAtMs: Int64
    /// The songs that were seen to be skipped, and their audio.
    private var skips: (songs: UInt32, audioMs: UInt64) = (0, 0)
    var countdown: Countdown?
    var estimates = ShownEstimates()

    init(_ job: Job) {
        self.job = job
        arrivedAtMs = job.createdAtMs
        settle()
    }

    /// The job as it was kept: its marks hold, its item goes on with the next report.
    init?(kept view: ProgressView, estimates: ShownEstimates = ShownEstimates()) {
        guard let job = view.job else { return nil }
        self.job = job
        self.estimates = estimates
        arrivedAtMs = job.createdAtMs
        fraction = view.fraction
        version = view.version
        updatedAtMs = view.updatedAtMs
        countdown = view.etaMs.map { Countdown(estimateMs: Double($0), nowMs: view.updatedAtMs) }
        asideAtMs = view.suspension?.sinceMs ?? 0
        if let song = view.song {
            reached = (song.id, view.songFraction)
            item = Item(songID: song.id, epoch: job.epoch, fraction: view.songFraction)
            item?.song = song
            item?.stage = view.stage
        }
        settle()
    }

    /// Takes over the job as it stands after an event.
    mutating func apply(_ event: Event, job: Job) {
        let isAside = [.interrupted, .paused, .scheduled].contains(self.job.state)
        if !isAside || event.kind == .paused || event.kind == .scheduled { asideAtMs = event.atMs }
        if [.resumed, .due, .reprioritised, .replayed, .moved].contains(event.kind) { arrivedAtMs = event.atMs }
        if job.skipped > self.job.skipped, job.audioDoneMs >= self.job.audioDoneMs {
            skips.songs += job.skipped - self.job.skipped
            skips.audioMs += job.audioDoneMs - self.job.audioDoneMs
        }
        self.job = job
        let epoch = event.epoch > 0 ? event.epoch : job.epoch
        let songID = event.songID.isEmpty ? job.songID : event.songID
        switch event.kind {
        case .started:
            // What was suspended goes on; its worker tells where if its child had to start again.
            if item?.songID != songID { item = Item(songID: songID, epoch: epoch, startedAtMs: event.atMs) }
            item?.start(epoch: epoch, atMs: event.atMs)
        case .songAnalysed, .songFailed, .songRetry, .workerLost:
            item = nil
        case .replayed:
            (fraction, reached, estimates) = (0, ("", 0), ShownEstimates())
        case .interrupted, .paused:
            item?.stop(atMs: event.atMs)
        case .snapshot where !job.songID.isEmpty:
            if item?.songID != job.songID { item = Item(songID: job.songID, epoch: job.epoch) }
            item?.epoch = job.epoch
        default:
            break
        }
        if job.state.hasEnded || (job.songID.isEmpty && job.state != .inProgress) { item = nil }
        settle()
    }

    /// Takes a worker's word for how far the running item is.
    ///
    /// - Returns: whether the report is about the item that runs.
    mutating func apply(_ report: ProgressReport, nowMs: Int64) -> Bool {
        guard isRunning, item?.epoch == report.epoch, item?.songID == report.songID else { return false }
        item?.apply(report, nowMs: nowMs)
        settle()
        return true
    }

    /// Gives the item its song, now that the catalog has told.
    mutating func learn(_ song: Song) {
        guard item?.songID == song.id else { return }
        item?.song = song
    }

    /// What the job is about, as its user calls it.
    var title: String {
        switch job.type {
        case .song: targetName.isEmpty ? "song" : targetName
        case .playlist: targetName.isEmpty ? "playlist" : targetName
        default: "background analysis"
        }
    }

    var isRunning: Bool { job.state == .inProgress && item != nil }

    var endedSongs: UInt32 { job.analysed &+ job.skipped &+ job.failed }

    /// How much of the item's song is shown as analysed.
    var songFraction: Double {
        guard let item else { return 0 }
        let held = reached.songID == item.songID ? reached.fraction : 0
        return max(item.fraction, held)
    }

    /// Songs that have not ended and their audio, without the song of the item.
    var waiting: (songs: Double, audioMs: Double) {
        let songs = job.total > endedSongs ? Double(job.total - endedSongs) : 0
        let audioMs = job.audioMs > job.audioDoneMs ? Double(job.audioMs - job.audioDoneMs) : 0
        guard let item, songs > 0 else { return (songs, audioMs) }
        return (songs - 1, max(0, audioMs - (item.audioMs ?? audioMs / songs)))
    }

    /// The length of a song that was skipped, on average; of any song, where none was seen to be.
    var averageSkippedMs: Double {
        if skips.songs > 0 { return Double(skips.audioMs) / Double(skips.songs) }
        return job.total > 0 ? Double(job.audioMs) / Double(job.total) : 0
    }

    /// What remains of it, without what is ahead; of an item that runs, nothing.
    ///
    /// - Parameter share: of the songs that wait, those that will have to be analysed.
    func workMs(share: Double = 1, costs: CostModel, nowMs: Int64) -> Double {
        let workMs = costs.workMs(songs: waiting.songs * share, audioMs: waiting.audioMs * share)
        guard let item, !isRunning else { return workMs }
        return workMs + item.remainingMs(expectedMs: expectedMs(item, costs: costs), nowMs: nowMs)
    }

    /// What the item's song takes in all, as far as is known without having run it.
    func expectedMs(_ item: Item, costs: CostModel) -> Double {
        let songs = max(1, Double(job.total) - Double(endedSongs))
        let share = job.audioMs > job.audioDoneMs ? Double(job.audioMs - job.audioDoneMs) / songs : 0
        return costs.workMs(songs: 1, audioMs: item.audioMs ?? share, analyzers: item.analyzers)
    }

    private mutating func settle() {
        if let item { reached = (item.songID, songFraction) }
        if job.state == .completed {
            fraction = 1
        } else if !job.state.hasEnded, endedSongs < job.total {
            // The state alone says whether all ended well, so the last step waits for it.
            fraction = max(fraction, Share.of(job.total, ended: endedSongs, inProgress: songFraction))
        }
    }
}

/// The song at a job's cursor, from when its item starts until it ends; suspended time included.
struct Item: Hashable, Sendable {
    let songID: String
    var epoch: UInt64
    var song: Song?
    /// As the worker tells; falls where a song has to start again.
    private(set) var fraction = 0.0
    var stage = ""
    private(set) var analyzers = ""
    /// How long it ran until `runningSinceMs`, or in all while suspended; unknown where its start was missed.
    private var ranMs: Double?
    private var runningSinceMs: Int64?
    private var reportedMs = 0.0

    init(songID: String, epoch: UInt64, startedAtMs: Int64? = nil, fraction: Double = 0) {
        self.songID = songID
        self.epoch = epoch
        self.fraction = fraction
        ranMs = startedAtMs.map { _ in 0 }
        runningSinceMs = startedAtMs
    }

    /// Its length, where it is known.
    var audioMs: Double? { song?.durationMs.flatMap { $0 > 0 ? Double($0) : nil } }

    mutating func start(epoch: UInt64, atMs: Int64) {
        self.epoch = epoch
        runningSinceMs = atMs
    }

    mutating func stop(atMs: Int64) {
        ranMs = ranMs(atMs: atMs)
        runningSinceMs = nil
    }

    mutating func apply(_ report: ProgressReport, nowMs: Int64) {
        fraction = report.fraction
        stage = report.stage
        if !report.analyzers.isEmpty {
            analyzers = report.analyzers.map(\.word).joined(separator: " ")
        }
        reportedMs = Double(report.runningMs)
        ranMs = reportedMs
        runningSinceMs = nowMs
    }

    /// How long it has run at a time, suspended time left out; `nil` where its start was missed.
    func ranMs(atMs: Int64) -> Double? {
        guard let ranMs else { return nil }
        guard let runningSinceMs else { return ranMs }
        return ranMs + max(0, Double(atMs) - Double(runningSinceMs))
    }

    /// How much of the song it may get through in a time, at the pace that it shows or the one that is expected.
    func gain(inMs timeMs: Double, expectedMs: Double) -> Double {
        guard runningSinceMs != nil else { return 0 }
        let shown = reportedMs > 0 ? fraction / reportedMs : 0
        return timeMs * max(shown, 1 / max(expectedMs, 1))
    }

    /// What remains of it where all of it is expected to take `expectedMs`. The pace that it shows counts more the
    /// further it is; an item that takes longer than expected is taken to need a little more.
    func remainingMs(expectedMs: Double, nowMs: Int64) -> Double {
        let ran = ranMs(atMs: nowMs) ?? fraction * expectedMs
        let trust = fraction.squareRoot()
        let total =
            fraction > 0 && reportedMs > 0 ? expectedMs * (1 - trust) + reportedMs / fraction * trust : expectedMs
        return max(total - ran, (1 - fraction) * ran * 0.1, 0)
    }
}

/// Shares of songs, for jobs, playlists and libraries alike.
enum Share {
    /// Below 1 whatever the numbers say: the last hundredth of a song is for those who know that all ended well.
    static func of(_ total: UInt32, ended: UInt32, inProgress: Double) -> Double {
        total > 0 ? below((Double(ended) + inProgress) / Double(total), total: total) : 0
    }

    /// A share of `total` songs, held below 1.
    static func below(_ share: Double, total: UInt32) -> Double {
        min(share, (Double(total) - 0.01) / Double(total))
    }
}

extension Job {
    /// Whether it comes before another job of its lane: by class, then first come first served.
    func precedes(_ other: Job) -> Bool {
        (priority.rawValue, sequence) < (other.priority.rawValue, other.sequence)
    }
}
