// Carries out what a lane's state machine decides: signals, frames, exchanges.

import AnalysisAPI
import Foundation
import Instrumentation
import Logging
import RPC

/// One lane of this worker.
actor LaneRunner {
    struct Services: Sendable {
        let workers: WorkersClient
        let progress: ProgressLink
        let pool: ChildPool
        let folders: MusicFolders
        let logger: Logger
    }

    /// The longest that an exchange may take before it is asked again.
    private static let exchangeTimeout: Duration = .seconds(5)

    private let services: Services
    private var state: LaneState
    /// The children that have begun a run.
    private var seats: [Run.ID: Child] = [:]
    /// Runs that wait for a child to start.
    private var waiting: Set<Run.ID> = []
    private var exchange: Task<Void, Never>?
    /// Of the job whose item ran last: what is said about it to the queue belongs to its trace.
    private var traceparent = ""
    private var staleTimer: Task<Void, Never>?
    private let released: AsyncStream<Never>
    private let releasedContinuation: AsyncStream<Never>.Continuation

    init(lane: String, workerID: String, rules: SuspensionRules, services: Services) {
        self.services = services
        (released, releasedContinuation) = AsyncStream.makeStream()
        state = LaneState(lane: lane, workerID: workerID, rules: rules)
    }

    /// Lets the state machine decide, and does what it decided.
    func handle(_ event: LaneState.Event) {
        for action in state.handle(event, at: .now) { carryOut(action) }
    }

    /// The lease holds; what runs is frozen at `stale` unless it is renewed before.
    func handle(_ event: LaneState.Event, freshUntil stale: ContinuousClock.Instant) {
        staleTimer?.cancel()
        staleTimer = Task {
            guard (try? await Task.sleep(until: stale)) != nil else { return }
            handle(.leaseWentStale)
        }
        handle(event)
    }

    /// Gives back what runs, and ends when the queue has taken it or the task is cancelled.
    func drain() async {
        handle(.draining)
        for await _ in released {}
    }

    struct Report: Sendable {
        var held: [HeldItem] = []
        var songsAnalysed: UInt64 = 0
        var songsFailed: UInt64 = 0
        var interruptions: UInt64 = 0
    }

    var report: Report {
        Report(
            held: state.held, songsAnalysed: state.songsAnalysed, songsFailed: state.songsFailed,
            interruptions: state.interruptions)
    }

    private func carryOut(_ action: LaneState.Action) {
        switch action {
        case .run(let run):
            traceparent = run.assignment.traceparent
            goOn(with: run)
        case .freeze(let id):
            waiting.remove(id)
            seats[id]?.freeze()
        case .kill(let id):
            waiting.remove(id)
            // Without a child there is no ending that would tell.
            if let child = seats[id] { child.kill() } else { handle(.killed(id)) }
        case .find(let id, let analyzer, let fileHash):
            Task { handle(.found(id, analyzer, await result(of: analyzer, fileHash: fileHash))) }
        case .proceed(let id): seats[id]?.proceed()
        case .skip(let id): seats.removeValue(forKey: id)?.skip()
        case .exchange(let exchange): start(exchange)
        case .report(let report): services.progress.report(report)
        case .released:
            staleTimer?.cancel()
            exchange?.cancel()
            releasedContinuation.finish()
        }
    }
}

// Exchanges

extension LaneRunner {
    private func start(_ next: LaneState.Exchange) {
        exchange?.cancel()
        exchange = Task {
            if next.attempt == 0 { next.report?.recordMetrics() }
            if next.attempt > 0 { try? await Task.sleep(for: Backoff().delay(failures: next.attempt)) }
            guard !Task.isCancelled else { return }
            let event = await answer(to: next)
            guard !Task.isCancelled else { return }
            handle(event)
            weigh()
        }
    }

    /// What is frozen grows no more, so that it is enough to look when something may have been frozen.
    private func weigh() {
        guard state.rules.maximumBytes < .max, !state.suspended.isEmpty else { return }
        let frozen = state.suspended.compactMap { run in seats[run.id].map { (run.id, $0.residentBytes) } }
        handle(.weighed(Dictionary(uniqueKeysWithValues: frozen)))
    }

    /// What the queue knows of a file. Where it cannot be asked, the file is analysed.
    private func result(of analyzer: AnalyzerVersion, fileHash: [UInt8]) async -> AnalysisResult? {
        let request = FindResultRequest(analyzer: analyzer, fileHash: fileHash)
        let reply = try? await ServiceContext.continuing(traceparent) {
            try await services.workers.findResult(request, options: CallOptions(timeout: Self.exchangeTimeout))
        }
        return reply?.result
    }

    private func answer(to exchange: LaneState.Exchange) async -> LaneState.Event {
        let request = ExchangeRequest(
            workerID: state.workerID, lane: state.lane, lease: exchange.lease, item: exchange.report,
            claim: exchange.claim)
        do {
            let reply = try await ServiceContext.continuing(exchange.report == nil ? "" : traceparent) {
                try await services.workers.exchange(request, options: CallOptions(timeout: Self.exchangeTimeout))
            }
            return .exchanged(ticket: exchange.ticket, reply.assignment)
        } catch let error as RPCError {
            if exchange.attempt == 0, error.code != .cancelled {
                services.logger.notice(
                    "an exchange failed", metadata: ["lane": "\(state.lane)", "error": "\(error)"])
            }
            return .exchangeFailed(ticket: exchange.ticket, LaneState.ExchangeFailure(error))
        } catch {
            return .exchangeFailed(ticket: exchange.ticket, .unanswered)
        }
    }
}

extension LaneState.ExchangeFailure {
    init(_ error: RPCError) {
        switch error.code {
        case .failedPrecondition:
            self = .stale
        case .unavailable, .deadlineExceeded, .cancelled, .unknown, .aborted, .internalError, .resourceExhausted, .ok:
            self = .unanswered
        case .invalidArgument, .notFound, .alreadyExists, .permissionDenied, .outOfRange, .unimplemented, .dataLoss,
            .unauthenticated:
            self = .refused(error.detail)
        }
    }
}

// Children

extension LaneRunner: ChildOwner {
    private func goOn(with run: Run) {
        if let child = seats[run.id] { return child.thaw() }
        guard let analyzer = run.analyzer?.name else { return }
        if let child = services.pool.take(analyzer), begin(run, on: child) { return }
        waiting.insert(run.id)
        Task {
            do throws(ChildUnavailable) {
                let child = try await services.pool.next(analyzer)
                guard waiting.remove(run.id) != nil else { return services.pool.giveBack(child) }
                if !begin(run, on: child) { goOn(with: run) }
            } catch {
                guard waiting.remove(run.id) != nil else { return }
                handle(.failed(run.id, error.kind, reason: error.reason))
            }
        }
    }

    private func begin(_ run: Run, on child: Child) -> Bool {
        let song = run.assignment.song ?? Song()
        let folders = services.folders
        let trace = TraceContext(traceparent: run.assignment.traceparent)?.child
        let request = Analyze(
            song: song, path: folders.path(of: song.location), roots: folders.roots,
            traceparent: trace?.traceparent ?? "")
        guard child.begin(.analyze(request), for: self) else { return false }
        seats[run.id] = child
        var metadata: Logger.Metadata = [
            "job_id": "\(run.item.jobID)", "song_id": "\(song.id)", "analyzer": "\(child.analyzer.name)",
            "lane": "\(state.lane)",
        ]
        if let trace { metadata["trace_id"] = "\(trace.traceID)" }
        services.logger.debug("analysing", metadata: metadata)
        return true
    }

    private func run(of child: Child) -> Run.ID? {
        seats.first { $0.value === child }?.key
    }

    func child(_ child: Child, said reply: AnalyzerReply.Reply) {
        // Its end is told, and ends the run.
        guard !child.isEnding else { return }
        guard let id = run(of: child) else {
            if case .skipped = reply { services.pool.giveBack(child) }
            return
        }
        switch reply {
        case .identified(let identified): handle(.identified(id, fileHash: identified.fileHash))
        case .progress(let progress):
            handle(.progressed(id, fraction: progress.fraction, stage: progress.stage))
            services.pool.refill(child.analyzer.name)
        case .analyzed(let analyzed):
            seats[id] = nil
            guard JSONObject.isValid(analyzed.json) else {
                child.kill()
                let reason = "The analyzer '\(child.analyzer.name)' broke the protocol: its result is no JSON object."
                return handle(.failed(id, .crashed, reason: reason))
            }
            services.pool.giveBack(child)
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            let result = AnalysisResult(
                analyzer: child.version, json: analyzed.json, createdAtMs: now, identity: analyzed.identity)
            handle(.analysed(id, result))
        case .rejected(let rejected):
            seats[id] = nil
            services.pool.giveBack(child)
            handle(.failed(id, FailureKind(rejected.kind), reason: rejected.reason))
        case .ready, .probed, .probeEnded, .skipped:
            break
        }
    }

    func childEnded(_ child: Child, _ ending: Child.Ending) async {
        await services.pool.childEnded(child, ending)
        guard let id = run(of: child) else { return }
        seats[id] = nil
        handle(ending.wasAskedFor ? .killed(id) : .childFailed(id, ending.kind, reason: ending.reason))
    }
}

extension FailureKind {
    init(_ kind: RejectionKind) {
        self =
            switch kind {
            case .missing: .missing
            case .unreadable: .unreadable
            case .limit: .limit
            case .refused, .unspecified, .unrecognized: .refused
            }
    }
}

/// Tells whether bytes are one JSON object, which is all that is asked of a result.
private struct JSONObject: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        _ = try decoder.container(keyedBy: Key.self)
    }

    static func isValid(_ bytes: [UInt8]) -> Bool {
        (try? JSONDecoder().decode(JSONObject.self, from: Data(bytes))) != nil
    }
}
