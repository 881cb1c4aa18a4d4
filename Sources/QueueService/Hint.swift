import AnalysisAPI
import Redis

/// What the worker that holds a lane should be told.
struct Hint: Hashable, Sendable {
    enum Kind: String {
        case none
        /// The lane is idle and has jobs that wait.
        case wake
        /// A job of a higher class waits.
        case preempt
        /// The running job was paused.
        case pause
        /// The running job was cancelled.
        case discard
    }

    let lane: String
    let kind: Kind
    /// Who holds the lane; empty: nobody.
    let worker: String
    /// What runs there; empty unless the hint is about it.
    let jobID: String
    let epoch: UInt64

    init(lane: String, reply: RedisValue?) throws {
        guard let reply = reply?.elements, reply.count == 4, let kind = Kind(rawValue: reply[0].text ?? ""),
            let worker = reply[1].text, let jobID = reply[2].text, let epoch = reply[3].int
        else { throw QueueError.corrupt("a script's hint is not understood") }
        (self.lane, self.kind, self.worker, self.jobID, self.epoch) = (
            lane, kind, worker, jobID, UInt64(clamping: epoch)
        )
    }

    var command: WorkerCommand? {
        switch kind {
        case .none: nil
        case .wake: WorkerCommand(command: .wake(Wake(lane: lane)))
        case .preempt: WorkerCommand(command: .preempt(Preempt(lane: lane, epoch: epoch, jobID: jobID)))
        case .pause: WorkerCommand(command: .preempt(Preempt(lane: lane, epoch: epoch, pause: true, jobID: jobID)))
        case .discard: WorkerCommand(command: .discard(Discard(lane: lane, jobID: jobID, epoch: epoch)))
        }
    }
}
