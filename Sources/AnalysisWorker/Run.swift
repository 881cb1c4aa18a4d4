// A song on its way through its analyzers, and what has come of it so far.

import AnalysisAPI

/// Which claim of which job: everything that a worker writes carries it.
struct ItemID: Hashable, Sendable {
    let jobID: String
    let epoch: UInt64
    let claim: [UInt8]
}

/// The analyses of one item. It outlives the claim that began it: a frozen run goes on under whichever item asks for the
/// same work next.
struct Run: Hashable, Sendable {
    typealias ID = Int

    /// What makes two items the same work.
    struct Work: Hashable, Sendable {
        let userID: String
        let songID: String
        let location: String
        let attributes: [Attribute]
        let analyzers: [AnalyzerVersion]
    }

    let id: ID
    private(set) var assignment: Assignment
    /// Items of other jobs that were frozen with this very work; the one that it left last at the end.
    private var others: [Assignment] = []
    private(set) var results: [AnalysisResult] = []
    /// The analyzers whose results were found with an identical file.
    private(set) var credited: [String] = []
    private(set) var failure: Failed?
    /// Of the song, over all its analyzers; it never falls.
    private(set) var fraction = 0.0
    private(set) var stage = ""
    var stopwatch = Stopwatch()
    /// It is to make way, and does so as soon as its analyzer can.
    var isToMakeWay = false

    /// How many analyzers have ended, well or not.
    private var ended = 0
    /// What the stopwatch showed when the current analyzer began.
    private var began: Duration = .zero

    init(id: ID, assignment: Assignment) {
        self.id = id
        self.assignment = assignment
    }

    var item: ItemID { assignment.item }

    /// The analyzer whose turn it is; `nil` when all have ended.
    var analyzer: AnalyzerVersion? {
        assignment.analyzers.indices.contains(ended) ? assignment.analyzers[ended] : nil
    }

    /// It goes on under `assignment`. The item of another job that it was frozen as waits for what comes of it.
    mutating func goOn(as assignment: Assignment) {
        others.removeAll { $0.jobID == assignment.jobID }
        if self.assignment.jobID != assignment.jobID { others.append(self.assignment) }
        self.assignment = assignment
    }

    /// Nobody wants its item any more.
    ///
    /// - Returns: whether another job wants the work all the same, as whose item it is frozen from now on.
    mutating func handOver() -> Bool {
        guard let other = others.popLast() else { return false }
        assignment = other
        return true
    }

    /// Another job that waits for this work has been withdrawn.
    mutating func forget(jobID: String) {
        others.removeAll { $0.jobID == jobID }
    }

    mutating func progressed(to fraction: Double, stage: String) {
        let part = min(max(fraction, 0), 1)
        self.fraction = max(self.fraction, (Double(ended) + part) / Double(max(1, assignment.analyzers.count)))
        self.stage = stage
    }

    /// The current analyzer has ended with `result`.
    ///
    /// - Parameter isCredited: it has not: the result was found with an identical file.
    mutating func succeeded(with result: AnalysisResult, isCredited: Bool = false, at now: ContinuousClock.Instant) {
        let size = results.reduce(result.size) { $0 + $1.size }
        guard size <= Self.maximumResultBytes else {
            let reason = "The results of the song are \(size) bytes; at most \(Self.maximumResultBytes) can be stored."
            return failed(.limit, reason, at: now)
        }
        var result = result
        if isCredited {
            credited.append(result.analyzer?.name ?? "")
        } else {
            result.tookMs = (stopwatch.elapsed(at: now) - began).wholeMilliseconds
        }
        results.append(result)
        proceed(at: now)
    }

    /// The current analyzer has failed; the item fails with the first reason, and the other analyzers run all the same.
    mutating func failed(_ kind: FailureKind, _ reason: String, at now: ContinuousClock.Instant) {
        failure = failure ?? Failed(reason: reason, kind: kind, analyzer: analyzer?.name ?? "").withShortReason
        proceed(at: now)
    }

    private mutating func proceed(at now: ContinuousClock.Instant) {
        ended += 1
        began = stopwatch.elapsed(at: now)
        progressed(to: 0, stage: stage)
    }

    /// What became of the item, once all its analyzers have ended.
    var report: ItemReport {
        var report = ItemReport(item, .analysed(Analysed(results: results)))
        report.credited = credited
        if var failure {
            failure.results = results
            report.outcome = .failed(failure)
        }
        return report
    }

    /// All results of an item travel in one message of at most 4 MiB; what remains is for the rest of it.
    static let maximumResultBytes = 3 << 20
}

extension Assignment {
    var item: ItemID { ItemID(jobID: jobID, epoch: epoch, claim: claim) }

    var work: Run.Work {
        Run.Work(
            userID: userID, songID: song?.id ?? "", location: song?.location ?? "", attributes: song?.attributes ?? [],
            analyzers: analyzers)
    }
}

extension ItemReport {
    init(_ item: ItemID, _ outcome: Outcome) {
        self.init(jobID: item.jobID, epoch: item.epoch, claim: item.claim, outcome: outcome)
    }

    var id: ItemID { ItemID(jobID: jobID, epoch: epoch, claim: claim) }
}

extension HeldItem {
    init(_ item: ItemID, lane: String, running: Bool) {
        self.init(lane: lane, jobID: item.jobID, epoch: item.epoch, claim: item.claim, running: running)
    }

    var id: ItemID { ItemID(jobID: jobID, epoch: epoch, claim: claim) }
}

extension AnalysisResult {
    /// Bytes of what the analyzer has said.
    fileprivate var size: Int { json.count + (identity?.fingerprint.count ?? 0) }
}
