// A queue and a progress service that do only what a test tells them, over a real socket.

import AnalysisAPI
import Foundation
import Logging
import NIOPosix
import RPC
import Synchronization

@testable import AnalysisWorker

/// Serves `Workers` and `Progress` to one worker. What the worker says comes as streams; exchanges wait for the test's answer.
final class Driver: WorkersProvider, ProgressProvider {
    struct Exchange: Sendable {
        let request: ExchangeRequest
        /// What the worker says of the trace that it belongs to.
        let traceparent: String?
        let answer: @Sendable (Result<ExchangeReply, RPCError>) -> Void

        func reply(_ assignment: Assignment?) { answer(.success(ExchangeReply(assignment: assignment))) }
        func fail(_ code: StatusCode) { answer(.failure(RPCError(code, "as the test wants it"))) }
    }

    private struct State {
        var known: [[UInt8]: AnalysisResult] = [:]
        var commands: AsyncStream<WorkerCommand>.Continuation?
        var lanes: [String] = []
        var leaseMs: UInt64 = 60_000
    }

    let messages: AsyncStream<WorkerMessage>
    let exchanges: AsyncStream<Exchange>
    let reports: AsyncStream<ProgressReport>
    let probed: AsyncStream<ProbeReport>
    private let messagesContinuation: AsyncStream<WorkerMessage>.Continuation
    private let exchangesContinuation: AsyncStream<Exchange>.Continuation
    private let reportsContinuation: AsyncStream<ProgressReport>.Continuation
    private let probedContinuation: AsyncStream<ProbeReport>.Continuation
    private let stopped: AsyncStream<Never>
    private let stoppedContinuation: AsyncStream<Never>.Continuation
    private let state = Mutex(State())

    init() {
        (messages, messagesContinuation) = AsyncStream.makeStream()
        (exchanges, exchangesContinuation) = AsyncStream.makeStream()
        (reports, reportsContinuation) = AsyncStream.makeStream()
        (probed, probedContinuation) = AsyncStream.makeStream()
        (stopped, stoppedContinuation) = AsyncStream.makeStream()
    }

    var methods: [MethodHandler] {
        [
            .bidirectional(Method<WorkerMessage, WorkerCommand>("analysis.v1.Workers/Work")) {
                try await self.work($0, to: $1, context: $2)
            },
            .unary(Method<ExchangeRequest, ExchangeReply>("analysis.v1.Workers/Exchange")) {
                try await self.exchange($0, context: $1)
            },
            .unary(Method<FindResultRequest, FindResultReply>("analysis.v1.Workers/FindResult")) {
                try await self.findResult($0, context: $1)
            },
            .clientStream(Method<ProbeReport, ProbeReportReply>("analysis.v1.Workers/ReportProbe")) {
                try await self.reportProbe($0, context: $1)
            },
            .clientStream(Method<ProgressReport, ReportReply>("analysis.v1.Progress/Report")) {
                try await self.report($0, context: $1)
            },
        ]
    }

    // What the test does

    /// Serves at `socket` until cancelled or stopped.
    func serve(at socket: String) async {
        try? FileManager.default.removeItem(atPath: socket)
        let server = RPCServer(
            addresses: [.unix(path: socket)], services: [self], eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "driver"))
        await withTaskGroup { group in
            group.addTask { try? await server.run() }
            for await _ in stopped {}
            group.cancelAll()
        }
    }

    /// Breaks all connections, and serves no more.
    func stop() {
        stoppedContinuation.finish()
    }

    func send(_ command: WorkerCommand.Command) {
        state.withLock { state in
            switch command {
            case .laneGranted(let granted): state.lanes.append(granted.lane)
            case .laneRevoked(let revoked): state.lanes.removeAll { $0 == revoked.lane }
            default: break
            }
            _ = state.commands?.yield(WorkerCommand(command: command))
        }
    }

    /// Whether heartbeats renew the leases of the lanes that were granted.
    func renew(_ isOn: Bool) {
        state.withLock { $0.leaseMs = isOn ? 60_000 : 0 }
    }

    /// Waits for the worker's first message and grants it the lane.
    @discardableResult
    func connect(lease: [UInt8] = [1], leaseMs: UInt64 = 60_000, kept: [HeldItem] = []) async -> WorkerMessage? {
        for await message in messages where message.sequence == 1 {
            send(.laneGranted(LaneGranted(lane: "0", lease: lease, leaseMs: leaseMs, kept: kept, answers: 1)))
            return message
        }
        return nil
    }

    /// From now on it knows the result of the file.
    func know(_ result: AnalysisResult, ofFile hash: String) {
        state.withLock { $0.known[Array(hash.utf8)] = result }
    }

    func nextExchange() async -> Exchange? {
        for await exchange in exchanges { return exchange }
        return nil
    }

    /// The next report of a job that says anything.
    func nextReport(of jobID: String) async -> ProgressReport? {
        for await report in reports where report.jobID == jobID && report.fraction > 0 { return report }
        return nil
    }

    /// The next analyzer process of a heartbeat that fits.
    func nextProcess(where fits: (AnalyzerProcess) -> Bool) async -> AnalyzerProcess? {
        for await message in messages {
            if let process = message.diagnostics?.processes.first(where: fits) { return process }
        }
        return nil
    }

    // What the worker calls

    func work(
        _ requests: RPCStream<WorkerMessage>, to writer: RPCWriter<WorkerCommand>, context: CallContext
    ) async throws {
        let (commands, continuation) = AsyncStream<WorkerCommand>.makeStream()
        state.withLock { state in
            state.commands = continuation
            state.lanes = []
        }
        try await withThrowingTaskGroup { group in
            group.addTask {
                for await command in commands { try await writer.write(command) }
            }
            for try await message in requests {
                let (lanes, leaseMs) = state.withLock { ($0.lanes, $0.leaseMs) }
                messagesContinuation.yield(message)
                guard leaseMs > 0 else { continue }
                continuation.yield(
                    WorkerCommand(
                        command: .lanesRenewed(
                            LanesRenewed(lanes: lanes, leaseMs: leaseMs, answers: message.sequence))))
            }
            continuation.finish()
            try await group.waitForAll()
        }
    }

    func exchange(_ request: ExchangeRequest, context: CallContext) async throws -> ExchangeReply {
        let (answers, continuation) = AsyncStream<Result<ExchangeReply, RPCError>>.makeStream()
        exchangesContinuation.yield(
            Exchange(request: request, traceparent: context.metadata["traceparent"]) { continuation.yield($0) })
        for await answer in answers { return try answer.get() }
        throw CancellationError()
    }

    func findResult(_ request: FindResultRequest, context: CallContext) async throws -> FindResultReply {
        FindResultReply(result: state.withLock { $0.known[request.fileHash] })
    }

    func reportProbe(_ requests: RPCStream<ProbeReport>, context: CallContext) async throws -> ProbeReportReply {
        for try await report in requests { probedContinuation.yield(report) }
        probedContinuation.finish()
        return ProbeReportReply()
    }

    func report(_ requests: RPCStream<ProgressReport>, context: CallContext) async throws -> ReportReply {
        for try await report in requests { reportsContinuation.yield(report) }
        return ReportReply()
    }

    func get(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
        throw RPCError(.unimplemented, "workers do not call this")
    }

    func forget(_ request: ProgressRequest, context: CallContext) async throws -> ProgressView {
        throw RPCError(.unimplemented, "workers do not call this")
    }

    func getAccuracy(_ request: AccuracyRequest, context: CallContext) async throws -> Accuracy {
        throw RPCError(.unimplemented, "workers do not call this")
    }

    func listActive(_ request: ListActiveRequest, context: CallContext) async throws -> ListActiveReply {
        throw RPCError(.unimplemented, "workers do not call this")
    }

    func watch(_ request: WatchRequest, to writer: RPCWriter<ProgressView>, context: CallContext) async throws {
        throw RPCError(.unimplemented, "workers do not call this")
    }
}

extension Assignment {
    /// An item of the scripted analyzer `name`.
    static func scripted(
        _ jobID: String, epoch: UInt64 = 1, _ song: Song, by name: String, priority: Priority = .low
    ) -> Assignment {
        Assignment(
            jobID: jobID, epoch: epoch, claim: Array("\(jobID)/\(epoch)".utf8), userID: "ann", priority: priority,
            song: song, analyzers: [AnalyzerVersion(name: name, version: "1")])
    }
}
