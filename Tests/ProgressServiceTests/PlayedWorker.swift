// A worker's side of the queue-service and the progress-service, played by a test: it runs nothing.

import AnalysisAPI
import Logging
import NIOCore
import RPC
import Synchronization
import Testing

final class PlayedWorker: Sendable {
    private let workers: WorkersClient
    private let reports: RPCClient
    private let lease = Mutex<[UInt8]>([])
    private let commands: AsyncStream<WorkerCommand.Command>
    private let received: AsyncStream<WorkerCommand.Command>.Continuation
    private static let analyzers = [AnalyzerVersion(name: "audio", version: "1")]

    init(workers: WorkersClient, progress: RPCAddress, group: any EventLoopGroup, logger: Logger) {
        self.workers = workers
        reports = RPCClient(address: progress, eventLoopGroup: group, logger: logger)
        (commands, received) = AsyncStream.makeStream()
    }

    /// Stays connected, and holds its lane, while `body` runs.
    func connected(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await workers.work { writer, commands in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.reports.run() }
                group.addTask { for try await command in commands { try await self.take(command) } }
                group.addTask {
                    for sequence in UInt64(1)... {
                        try await writer.write(
                            WorkerMessage(workerID: "w", analyzers: Self.analyzers, sequence: sequence))
                        try await Task.sleep(for: .milliseconds(500))
                    }
                }
                defer { group.cancelAll() }
                try await body()
            }
        }
    }

    private func take(_ command: WorkerCommand) async throws {
        switch command.command {
        case .laneGranted(let granted): lease.withLock { $0 = granted.lease }
        case .probe(let probe): try await answer(probe)
        default: break
        }
        if let command = command.command { received.yield(command) }
    }

    private func answer(_ probe: ProbeRequest) async throws {
        let files = ["Road trip", "Evening"].flatMap { folder in
            (1...3).map { track in
                ProbedFile(
                    location: "\(folder)/\(track).ogg", title: "\(folder) \(track)", track: UInt32(track),
                    durationMs: 200_000, modifiedAtMs: 1, bytes: 1)
            }
        }
        _ = try await workers.reportProbe { try await $0.write(ProbeReport(probeID: probe.probeID, files: files)) }
    }

    /// The next assignment, waited for.
    func work() async throws -> Assignment {
        while true {
            if let assignment = try? await exchange(nil, nil) { return assignment }
            for await command in commands {
                if case .wake = command { break }
                if case .laneGranted = command { break }
            }
        }
    }

    func preempted() async throws {
        for await command in commands { if case .preempt = command { return } }
    }

    func exchange(_ item: Assignment?, _ outcome: ItemReport.Outcome?) async throws -> Assignment? {
        let report = item.map { ItemReport(jobID: $0.jobID, epoch: $0.epoch, claim: $0.claim, outcome: outcome) }
        let lease = lease.withLock { $0 }
        return try await workers.exchange(
            ExchangeRequest(workerID: "w", lane: "0", lease: lease, item: report, claim: true)
        ).assignment
    }

    func analysed(_ item: Assignment) async throws -> Assignment? {
        let result = AnalysisResult(analyzer: Self.analyzers[0], json: Array("{}".utf8), tookMs: 1_000)
        return try await exchange(item, .analysed(Analysed(results: [result])))
    }

    func report(_ item: Assignment, _ fraction: Double) async throws {
        let report = ProgressReport(
            workerID: "w", lane: "0", jobID: item.jobID, epoch: item.epoch, songID: item.song?.id ?? "",
            fraction: fraction, stage: "listening", runningMs: UInt64(fraction * 1_000), analyzers: item.analyzers)
        _ = try await ProgressClient(reports).report { try await $0.write(report) }
    }
}
