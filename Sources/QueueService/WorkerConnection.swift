// The way to one connected worker: what is pushed to it, in order, until its call ends.

import AnalysisAPI
import RPC
import Synchronization

final class WorkerConnection: Sendable {
    /// A worker that reads so slowly is as good as dead.
    static let maximumWaiting = 1024

    let id: UInt64
    let workerID: String
    /// To be read once, by the worker's call.
    let commands: AsyncThrowingStream<WorkerCommand, any Error>
    private let outbox: AsyncThrowingStream<WorkerCommand, any Error>.Continuation

    init(id: UInt64, workerID: String) {
        self.id = id
        self.workerID = workerID
        (commands, outbox) = AsyncThrowingStream.makeStream(
            of: WorkerCommand.self, bufferingPolicy: .bufferingOldest(Self.maximumWaiting))
    }

    func send(_ command: WorkerCommand) {
        if case .dropped = outbox.yield(command) {
            end(RPCError(.resourceExhausted, "worker \(workerID) does not read what it is sent"))
        }
    }

    /// Ends the worker's call, after what was sent before.
    func end(_ error: RPCError?) {
        outbox.finish(throwing: error)
    }
}
