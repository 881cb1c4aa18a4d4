// What kept the jobs of a lane waiting that nobody could foresee: work that came later and went first, and pauses.

import AnalysisAPI
import Jobs

/// The latest delays of a lane, by when they began to cost time.
struct LaneDelays: Hashable, Sendable {
    /// A time during which some jobs could not go on.
    struct Delay: Hashable, Sendable, Codable {
        enum Cause: Hashable, Sendable, Codable {
            /// A job of this place in line ran: those behind it waited.
            case run(jobID: String, priority: Int, sequence: UInt64)
            /// This job was paused, or scheduled for later.
            case held(jobID: String)
            /// The queue was paused.
            case queuePause
        }

        let cause: Cause
        /// When the cause came up, which may be long before it cost time.
        let beganAtMs: Int64
        let fromMs: Int64
        var toMs: Int64

        /// What the store calls it: what of it never changes.
        var name: String {
            switch cause {
            case .run(let jobID, _, _): "\(fromMs) \(beganAtMs) run \(jobID)"
            case .held(let jobID): "\(fromMs) \(beganAtMs) held \(jobID)"
            case .queuePause: "\(fromMs) \(beganAtMs) pause"
            }
        }

        fileprivate func concerns(_ job: Job) -> Bool {
            switch cause {
            case .run(let jobID, let priority, let sequence):
                jobID != job.id && (priority, sequence) < (Int(job.priority.rawValue), job.sequence)
            case .held(let jobID): jobID == job.id
            case .queuePause: true
            }
        }
    }

    /// What the store does not know yet.
    struct Changes: Hashable, Sendable {
        var written: [Delay] = []
        /// After all that was written.
        var removed: [Delay] = []
    }

    private(set) var delays: [Delay] = []
    private var changes = Changes()

    /// What is not worth more memory: what happened before is left out of the reckoning.
    private static let limit = 2_000
    /// Between two songs of a job, its worker asks for the next.
    private static let gapMs: Int64 = 1_000

    init(_ delays: [Delay] = []) {
        self.delays = delays.sorted { $0.fromMs < $1.fromMs }
    }

    mutating func add(_ delay: Delay) {
        guard delay.toMs > delay.fromMs else { return }
        if let last = delays.last, last.cause == delay.cause, last.beganAtMs == delay.beganAtMs,
            delay.fromMs - last.toMs < Self.gapMs
        {
            delays[delays.count - 1].toMs = delay.toMs
            changes.written.append(delays[delays.count - 1])
            return
        }
        let index = delays.lastIndex { $0.fromMs <= delay.fromMs }.map { $0 + 1 } ?? 0
        delays.insert(delay, at: index)
        changes.written.append(delay)
        if delays.count > Self.limit { changes.removed.append(delays.removeFirst()) }
    }

    /// How long a job was kept by what came up after a time: each moment counts once, however many things kept it.
    func delayMs(of job: Job, after atMs: Int64) -> Int64 {
        var total: Int64 = 0
        var reachedMs = atMs
        for delay in delays where delay.beganAtMs > atMs && delay.concerns(job) {
            total += max(0, delay.toMs - max(reachedMs, delay.fromMs))
            reachedMs = max(reachedMs, delay.toMs)
        }
        return total
    }

    /// Forgets what was over before a time.
    mutating func forget(before atMs: Int64) {
        changes.removed += delays.filter { $0.toMs < atMs }
        delays.removeAll { $0.toMs < atMs }
    }

    var hasChanges: Bool { changes != Changes() }

    /// What is to be saved, which from now on counts as saved.
    mutating func takeChanges() -> Changes {
        defer { changes = Changes() }
        return changes
    }

    /// They could not be saved.
    mutating func putBack(_ unsaved: Changes) {
        changes.written = unsaved.written + changes.written
        changes.removed = unsaved.removed + changes.removed
    }
}
