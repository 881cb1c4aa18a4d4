// The worker's connection to the queue: says who it is and what it holds, and passes commands on to the lanes.

import AnalysisAPI
import Daemon
import Logging
import Metrics
import RPC

/// Holds `Workers.Work` open and the lanes that were granted over it.
actor QueueLink {
    struct Configuration: Sendable {
        var workerID: String
        /// 0: as many as its share.
        var lanesWanted: UInt32 = 0
        var suspension = SuspensionRules()
        var heartbeatInterval: Duration = .seconds(1)
        /// What it tells of its metrics, with every so many-th message; nil: nothing.
        var metrics: MetricsCollector?
        var metricsEvery: UInt64 = 5
    }

    private let configuration: Configuration
    private let services: LaneRunner.Services
    private let probes: ProbeLink
    private var lanes: [String: LaneRunner] = [:]
    private var isDraining = false
    private var writer: RPCWriter<WorkerMessage>?
    /// When the messages of this call were sent; the last few are enough to count a lease from.
    private var sent: [UInt64: ContinuousClock.Instant] = [:]
    private var lastSequence: UInt64 = 0
    private var announced: Set<AnalyzerVersion> = []
    /// Connections that brought no command, in a row.
    private var failures = 0
    private var lastError = ""
    /// The message that says that nothing is held any more; its answer ends the call.
    private var goodbye: UInt64?
    private let farewell: AsyncStream<Never>
    private let farewellContinuation: AsyncStream<Never>.Continuation

    init(configuration: Configuration, services: LaneRunner.Services, probes: ProbeLink) {
        self.configuration = configuration
        self.services = services
        self.probes = probes
        (farewell, farewellContinuation) = AsyncStream.makeStream()
    }

    /// Stays connected until cancelled or drained.
    func run() async {
        await services.pool.usable()
        while !Task.isCancelled, !isDraining {
            do {
                try await services.workers.work { @Sendable writer, commands in
                    try await self.serve(writer, commands)
                }
            } catch {
                tell(of: error)
            }
            writer = nil
            for lane in lanes.values { await lane.handle(.disconnected) }
            failures += 1
            try? await Task.sleep(for: Backoff().delay(failures: failures))
        }
    }

    /// Once for each reason: a queue that is away is asked every second.
    private func tell(of error: any Error) {
        guard !Task.isCancelled, lastError != "\(error)" else { return }
        lastError = "\(error)"
        services.logger.notice("the connection to the queue ended", metadata: ["error": "\(error)"])
    }

    /// Gives everything back to the queue, and ends when the queue has said so.
    func drain() async {
        isDraining = true
        try? await sayWhatIsHeld()
        await withDiscardingTaskGroup { group in
            for lane in lanes.values { group.addTask { await lane.drain() } }
        }
        goodbye = lastSequence + 1
        guard (try? await sayWhatIsHeld()) != nil, writer != nil else { return }
        for await _ in farewell {}
    }

    private func serve(_ writer: RPCWriter<WorkerMessage>, _ commands: RPCStream<WorkerCommand>) async throws {
        self.writer = writer
        sent = [:]
        lastSequence = 0
        announced = services.pool.versions
        try await sayWhatIsHeld()
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.beat() }
            group.addTask { try await self.obey(commands) }
            // Without heartbeats the lanes would be lost, and without commands there is no queue.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func obey(_ commands: RPCStream<WorkerCommand>) async throws {
        for try await command in commands {
            failures = 0
            lastError = ""
            await carryOut(command)
        }
    }

    private func beat() async throws {
        while true {
            try await Task.sleep(for: configuration.heartbeatInterval)
            guard services.pool.versions == announced else {
                throw RPCError(.aborted, "what the worker can run has changed, which only a first message can say")
            }
            try await sayWhatIsHeld()
        }
    }

    private func sayWhatIsHeld() async throws {
        guard let writer else { return }
        var message = WorkerMessage(
            workerID: configuration.workerID, lanesWanted: configuration.lanesWanted, draining: isDraining,
            diagnostics: await services.pool.diagnostics(), machine: MachineLoad.now())
        for lane in lanes.values {
            let report = await lane.report
            message.held += report.held
            message.songsAnalysed += report.songsAnalysed
            message.songsFailed += report.songsFailed
            message.interruptions += report.interruptions
        }
        lastSequence += 1
        message.sequence = lastSequence
        if let metrics = configuration.metrics, lastSequence % configuration.metricsEvery == 1 {
            message.metrics = await collect(metrics, message)
        }
        if lastSequence == 1 { message.analyzers = announced.sorted { $0.name < $1.name } }
        sent[lastSequence] = .now
        if lastSequence > 60 { sent[lastSequence - 60] = nil }
        try await writer.write(message)
    }
}

// Metrics

extension QueueLink {
    private func collect(_ metrics: MetricsCollector, _ message: WorkerMessage) async -> ProcessMetrics {
        Gauge(label: "analysis_worker_suspended_items").record(message.held.count { !$0.running })
        services.pool.recordMetrics(message.diagnostics?.processes ?? [])
        return await metrics.collect()
    }
}

// Commands

extension QueueLink {
    private func carryOut(_ command: WorkerCommand) async {
        switch command.command {
        case .laneGranted(let granted):
            services.logger.info("lane granted", metadata: ["lane": "\(granted.lane)"])
            let stale = staleAt(answerTo: granted.answers, leaseMs: granted.leaseMs)
            await lane(granted.lane).handle(.granted(lease: granted.lease, kept: granted.kept), freshUntil: stale)
        case .lanesRenewed(let renewed):
            let stale = staleAt(answerTo: renewed.answers, leaseMs: renewed.leaseMs)
            for name in renewed.lanes { await lanes[name]?.handle(.renewed, freshUntil: stale) }
            if let goodbye, renewed.answers >= goodbye { farewellContinuation.finish() }
        case .laneRevoked(let revoked):
            services.logger.info("lane revoked", metadata: ["lane": "\(revoked.lane)"])
            await lanes[revoked.lane]?.handle(.revoked)
        case .wake(let wake):
            await lanes[wake.lane]?.handle(.woken)
        case .preempt(let preempt):
            await lanes[preempt.lane]?.handle(.preempted(jobID: preempt.jobID, epoch: preempt.epoch))
        case .discard(let discard):
            await lanes[discard.lane]?.handle(.discarded(jobID: discard.jobID, epoch: discard.epoch))
        case .probe(let probe):
            probes.probe(probe)
        case nil:
            services.logger.warning("the queue sent a command that this worker does not know")
        }
    }

    private func lane(_ name: String) -> LaneRunner {
        if let lane = lanes[name] { return lane }
        let lane = LaneRunner(
            lane: name, workerID: configuration.workerID, rules: configuration.suspension, services: services)
        lanes[name] = lane
        // One for each lane, and one for who cancels a song and asks for another at once.
        services.pool.keep(spares: lanes.count + 1)
        return lane
    }

    /// The moment from which a lease is no longer relied on: two thirds of it, counted from when the worker sent what it
    /// answers, which is not after the queue set it.
    private func staleAt(answerTo sequence: UInt64, leaseMs: UInt64) -> ContinuousClock.Instant {
        let asked = sent[sequence] ?? sent.values.min() ?? .now
        return asked + .milliseconds(min(leaseMs, 3_600_000) * 2 / 3)
    }
}
