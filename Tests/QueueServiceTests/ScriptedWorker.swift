// Plays a worker's side of the service, over a real connection, as a test tells it: it keeps its connection and its leases by
// itself, and runs nothing.

import AnalysisAPI
import RPC
import Synchronization
import Testing

@testable import QueueService

final class ScriptedWorker: Sendable {
    let id: String
    private let queue: RunningQueue
    private let state = Mutex(State())
    private let commands: AsyncStream<WorkerCommand>
    private let received: AsyncStream<WorkerCommand>.Continuation

    private struct State: Sendable {
        var leases: [String: [UInt8]] = [:]
        var held: [HeldItem] = []
        var machine: MachineLoad?
        var sequence: UInt64 = 0
        var hasLeft = false
    }

    init(_ id: String, of queue: RunningQueue) {
        self.id = id
        self.queue = queue
        (commands, received) = AsyncStream.makeStream(of: WorkerCommand.self)
    }

    /// Stays connected while `body` runs.
    ///
    /// - Parameters:
    ///   - beating: how often it says that it is there; nil: once, at the beginning.
    ///   - farewell: whether it takes leave; otherwise its connection just breaks.
    func connected<Value: Sendable>(
        beating: Duration? = .milliseconds(100), farewell: Bool = false, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await queue.workers.work { writer, commands in
            try await writer.write(self.message())
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await command in commands { self.take(command) }
                }
                group.addTask {
                    do {
                        while let beating, !self.state.withLock(\.hasLeft) {
                            try await Task.sleep(for: beating)
                            try await writer.write(self.message())
                        }
                    } catch  where self.state.withLock(\.hasLeft) {
                        // Nothing more can be said after a farewell.
                    }
                }
                let result = await Result { try await body() }
                if farewell {
                    self.state.withLock { $0.hasLeft = true }
                    writer.finish()
                    // The queue ends the call when it has taken the lanes back.
                    try await group.waitForAll()
                }
                group.cancelAll()
                while (try? await group.next()) != nil {}
                return try result.get()
            }
        }
    }

    /// Tells that the items are still there, at the next connection or message.
    func keep(_ items: [HeldItem]) {
        state.withLock { $0.held = items }
    }

    /// Tells how busy its machine is, at the next connection or message.
    func report(_ machine: MachineLoad) {
        state.withLock { $0.machine = machine }
    }

    private func message() -> WorkerMessage {
        state.withLock { state in
            state.sequence += 1
            return WorkerMessage(
                workerID: id, held: state.held, analyzers: [AnalyzerVersion(name: "audio", version: "1")],
                sequence: state.sequence, machine: state.machine)
        }
    }

    private func take(_ command: WorkerCommand) {
        if case .laneGranted(let granted) = command.command {
            state.withLock { $0.leases[granted.lane] = granted.lease }
        }
        received.yield(command)
    }

    /// The next command that `pick` makes something of; the others before it are passed over.
    func next<Value>(_ pick: (WorkerCommand.Command) -> Value?) async throws -> Value {
        for await command in commands {
            if let value = command.command.flatMap(pick) { return value }
        }
        throw CancellationError()
    }

    @discardableResult
    func granted(_ lane: String = "0") async throws -> LaneGranted {
        try await next { if case .laneGranted(let granted) = $0, granted.lane == lane { granted } else { nil } }
    }

    func preempted() async throws -> Preempt {
        try await next { if case .preempt(let preempt) = $0 { preempt } else { nil } }
    }

    func discarded() async throws -> Discard {
        try await next { if case .discard(let discard) = $0 { discard } else { nil } }
    }

    /// Reports an item and claims the next; nil where there is none.
    @discardableResult
    func exchange(
        _ item: Assignment? = nil, _ outcome: ItemReport.Outcome? = nil, lane: String = "0", claims: Bool = true
    ) async throws -> Assignment? {
        let lease = state.withLock { $0.leases[lane] ?? [] }
        let report = item.map { ItemReport(jobID: $0.jobID, epoch: $0.epoch, claim: $0.claim, outcome: outcome) }
        let assignment = try await queue.workers.exchange(
            ExchangeRequest(workerID: id, lane: lane, lease: lease, item: report, claim: claims)
        ).assignment
        keep(assignment.map { [$0.held(lane)] } ?? [])
        return assignment
    }

    /// Reports an item whose result was found with an identical file, and claims the next.
    func credit(_ item: Assignment, with result: AnalysisResult) async throws -> Assignment? {
        let lease = state.withLock { $0.leases["0"] ?? [] }
        let report = ItemReport(
            jobID: item.jobID, epoch: item.epoch, claim: item.claim, outcome: .analysed(Analysed(results: [result])),
            credited: [result.analyzer?.name ?? ""])
        return try await queue.workers.exchange(
            ExchangeRequest(workerID: id, lane: "0", lease: lease, item: report, claim: true)
        ).assignment
    }

    /// Claims, and waits for work where there is none.
    func work(_ lane: String = "0") async throws -> Assignment {
        while true {
            if let assignment = try await exchange(lane: lane) { return assignment }
            try await next { if case .wake = $0 { () } else { nil } }
        }
    }

    func analysed(_ item: Assignment, lane: String = "0") async throws -> Assignment? {
        try await exchange(item, .analysed(Analysed(results: TestLane.results)), lane: lane)
    }

    /// Analyses until nothing waits.
    ///
    /// - Returns: "<job> <song>" of each, in order.
    func drain(from item: Assignment?, lane: String = "0") async throws -> [String] {
        var done: [String] = []
        var next = item
        while let item = next {
            done.append("\(item.jobID) \(item.song?.id ?? "")")
            next = try await analysed(item, lane: lane)
        }
        return done
    }
}

extension Assignment {
    func held(_ lane: String = "0") -> HeldItem {
        HeldItem(lane: lane, jobID: jobID, epoch: epoch, claim: claim, running: true)
    }
}
