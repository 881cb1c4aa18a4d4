// What the book has the store keep: what is shown, and a little more, so that nothing falls after a crash.

import AnalysisAPI

extension ProgressBook {
    /// What a run of the service leaves to the next.
    struct Kept: Sendable {
        /// Those that had not ended.
        var jobs: [ProgressView] = []
        /// By job.
        var estimates: [String: ShownEstimates] = [:]
        /// By lane.
        var cursors: [String: String] = [:]
        /// By lane.
        var delays: [String: LaneDelays] = [:]
        var costs = CostModel()
        var accuracy = AccuracyLog()
    }

    /// A context as it is to be kept; `nil` where it is not known here.
    ///
    /// - Parameter aheadMs: how long it may be until it is kept again. What a running item may show until then counts as
    ///   shown.
    mutating func kept(_ key: ContextKey, aheadMs: Double, nowMs: Int64) -> ProgressView? {
        guard var view = view(of: key, nowMs: nowMs) else { return nil }
        // When its estimate was made.
        if view.etaMs != nil { view.updatedAtMs = nowMs }
        guard view.inProgress > 0, view.total > 0, let progress = view.job.flatMap({ jobs[$0.id] }),
            let item = progress.item
        else { return view }
        let gain = item.gain(inMs: aheadMs, expectedMs: progress.expectedMs(item, costs: costs))
        view.songFraction = min(view.songFraction + gain, 1)
        view.fraction = max(view.fraction, Share.below(view.fraction + gain / Double(view.total), total: view.total))
        return view
    }

    /// What was kept ahead is to be kept once more, as it is.
    mutating func keepAsShown() {
        for (jobID, progress) in jobs where progress.isRunning {
            unsaved.keys.insert(.job(jobID))
            let contexts = users[progress.job.userID]?.contexts ?? []
            unsaved.keys.formUnion(contexts.filter { self.contexts[$0]?.coverage != nil })
        }
    }
}
