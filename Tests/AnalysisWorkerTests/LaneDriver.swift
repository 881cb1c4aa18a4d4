// A lane's state machine as its tests drive it, and the songs that they give it.

import AnalysisAPI

@testable import AnalysisWorker

/// A lane state with a clock that only the test moves.
struct Lane {
    private var state = LaneState(
        lane: "0", workerID: "w", rules: SuspensionRules(maximumBytes: 100, finishSong: ["live"]))
    private var now = ContinuousClock.now

    init() {}

    init(running assignment: Assignment) {
        _ = handle(.granted(lease: [1], kept: []))
        _ = handle(.exchanged(ticket: 1, assignment))
    }

    /// The song `s` of the job `owner` was frozen, and runs on for the job `click`.
    init(clicked click: String, onto owner: String) {
        self.init(running: song(owner, epoch: 1, songID: "s"))
        _ = handle(.preempted(jobID: owner, epoch: 1))
        _ = handle(.exchanged(ticket: ticket, song(click, epoch: 1, songID: "s", priority: .high)))
    }

    /// The job `high` runs, and those of lower classes were frozen in their order, the more important ones first.
    init(frozen classes: KeyValuePairs<String, Priority>) {
        _ = handle(.granted(lease: [1], kept: []))
        for (jobID, priority) in classes {
            _ = handle(.exchanged(ticket: ticket, song(jobID, epoch: 1, priority: priority)))
            _ = handle(.preempted(jobID: jobID, epoch: 1))
        }
        _ = handle(.exchanged(ticket: ticket, song("high", epoch: 1, priority: .high)))
    }

    mutating func handle(_ event: LaneState.Event) -> [LaneState.Action] { state.handle(event, at: now) }

    mutating func exchange(after event: LaneState.Event) -> LaneState.Exchange? { handle(event).exchange }

    mutating func pass(_ duration: Duration) { now += duration }

    var held: [HeldItem] { state.held }
    var ticket: Int { state.lastTicket }

    /// What runs; a run of nothing where nothing does.
    var running: Run {
        guard case .running(let run, _) = state.phase else { return Run(id: 0, assignment: Assignment()) }
        return run
    }
}

extension [LaneState.Action] {
    var exchange: LaneState.Exchange? {
        for case .exchange(let exchange) in self { return exchange }
        return nil
    }

    var report: ProgressReport? {
        for case .report(let report) in self { return report }
        return nil
    }
}

func song(
    _ jobID: String, epoch: UInt64, user: String = "ann", songID: String? = nil, priority: Priority = .low,
    analyzers: [String] = ["audio"]
) -> Assignment {
    Assignment(
        jobID: jobID, epoch: epoch, claim: Array("\(jobID)\(epoch)".utf8), userID: user, priority: priority,
        song: Song(id: songID ?? jobID), analyzers: analyzers.map { AnalyzerVersion(name: $0, version: "1") })
}

func held(_ jobID: String, epoch: UInt64, running: Bool) -> HeldItem {
    HeldItem(song(jobID, epoch: epoch).item, lane: "0", running: running)
}

func result(_ analyzer: String) -> AnalysisResult {
    AnalysisResult(analyzer: AnalyzerVersion(name: analyzer, version: "1"), json: Array("{}".utf8))
}
