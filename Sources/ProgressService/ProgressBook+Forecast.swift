// When a job, a playlist or a library will be done: the work ahead in the queue, its own, and the pauses that lie ahead.

import AnalysisAPI
import Jobs

/// What is expected of a job, in milliseconds from now.
struct Forecast: Sendable {
    /// Until it runs.
    var aheadMs: Double
    /// While it runs, until it ends.
    var ownMs: Double

    var totalMs: Double { aheadMs + ownMs }
}

extension ProgressBook {
    /// How long a lane may be without an item before it counts as idle: the next one starts within milliseconds.
    private static let idleAfterMs: Int64 = 2_000

    /// None for a job that is not in line, and while nobody works on the lane, for nobody knows how long.
    mutating func forecast(_ jobID: String, nowMs: Int64) -> Forecast? {
        guard let progress = jobs[jobID], !progress.job.state.hasEnded, progress.job.state != .paused else {
            return nil
        }
        let job = progress.job
        let order = order(ofLane: job.lane, nowMs: nowMs)
        if job.state == .scheduled {
            guard job.dueAtMs > 0 else { return nil }
            // It stands in line again once it is due; what is ahead of it is worked on until then.
            let aheadMs = order.workMs(before: job) + runningMs(order, before: job, nowMs: nowMs)
            return Forecast(
                aheadMs: max(aheadMs, Double(job.dueAtMs - nowMs), pauseMs(nowMs) ?? 0),
                ownMs: progress.workMs(costs: costs, nowMs: nowMs))
        }
        guard let throughMs = order.workMs(through: jobID) else { return nil }
        let isRunning = order.runningJobID == jobID
        let runningMs = order.runs(noLaterThan: jobID) ? runningMs(order, before: nil, nowMs: nowMs) : 0
        // The song that runs is finished whatever is paused.
        if isRunning, progress.waiting.songs == 0 { return Forecast(aheadMs: 0, ownMs: throughMs + runningMs) }
        guard let pauseMs = pauseMs(nowMs) else { return nil }
        if pause == nil, isIdle(job.lane, order, since: job.createdAtMs, nowMs: nowMs) { return nil }
        let aheadMs = order.workMs(before: job)
        return isRunning
            ? Forecast(aheadMs: 0, ownMs: throughMs + runningMs + pauseMs)
            : Forecast(aheadMs: aheadMs + runningMs + pauseMs, ownMs: throughMs - aheadMs)
    }

    /// The time until a playlist's own job ends, or until the user's last job has ended and the songs that are in none of
    /// them are analysed as well.
    mutating func remainingMs(
        of key: ContextKey, active: [JobProgress], coverage: Coverage, nowMs: Int64
    ) -> Double? {
        let estimates = active.map { ($0.job, forecast($0.job.id, nowMs: nowMs)?.totalMs) }
        if case .playlist(_, let playlistID) = key {
            return estimates.first { $0.0.type == .playlist && $0.0.targetID == playlistID }?.1
        }
        let unended = Double(coverage.total - coverage.ended)
        guard unended > 0, let last = estimates.compactMap(\.1).max() else { return nil }
        let queued = Set(active.map(\.job.lane)).reduce(0) { queued, lane in
            queued + order(ofLane: lane, nowMs: nowMs).songs(of: key.userID ?? "")
        }
        // What is in no job is as long as the rest on average.
        let unqueued = max(0, unended - queued)
        let audioMs = coverage.audioMs > coverage.audioDoneMs ? Double(coverage.audioMs - coverage.audioDoneMs) : 0
        return last + costs.workMs(songs: unqueued, audioMs: audioMs * unqueued / unended)
    }

    /// Whether nobody works on a lane although a job has been there for a while.
    func isIdle(_ lane: String, _ order: LaneOrder, since atMs: Int64, nowMs: Int64) -> Bool {
        order.runningJobID == nil && nowMs - max(lanes[lane]?.ranAtMs ?? 0, atMs) > Self.idleAfterMs
    }

    mutating func order(ofLane lane: String, nowMs: Int64) -> LaneOrder {
        if let order = lanes[lane]?.order { return order }
        let inLane = (lanes[lane]?.jobs ?? []).compactMap { jobs[$0] }
        let backlogs = Set(inLane.lazy.map(\.job.userID)).reduce(into: [:]) { $0[$1] = users[$1]?.backlog }
        let order = LaneOrder(inLane, backlogs: backlogs, costs: costs, nowMs: nowMs)
        lanes[lane]?.order = order
        return order
    }

    /// What remains of the item that runs, where its job comes before another.
    private func runningMs(_ order: LaneOrder, before job: Job?, nowMs: Int64) -> Double {
        guard let running = order.runningJobID.flatMap({ jobs[$0] }), let item = running.item,
            job.map({ running.job.precedes($0) }) ?? true
        else { return 0 }
        return item.remainingMs(expectedMs: running.expectedMs(item, costs: costs), nowMs: nowMs)
    }

    /// How long the queue is still paused; `nil` where nobody has said.
    private func pauseMs(_ nowMs: Int64) -> Double? {
        guard let pause else { return 0 }
        return pause.untilMs > 0 ? max(0, Double(pause.untilMs - nowMs)) : nil
    }
}
