// The service that workers call.

import AnalysisAPI
import Jobs
import Logging
import RPC
import Synchronization

/// Answers workers: their connection, the exchange of items, and what their probes found.
struct WorkersService: WorkersProvider {
    let analyzers: Analyzers
    let lanes: Lanes
    let store: Store
    let preferences: PreferenceStore
    let dispatcher: Dispatcher
    let imports: Imports
    let metrics: MetricsExchange
    let known: KnownFiles

    func work(
        _ requests: RPCStream<WorkerMessage>, to writer: RPCWriter<WorkerCommand>, context: CallContext
    ) async throws {
        context.endsOnDrain()
        guard let first = try await requests.next() else {
            throw RPCError(.invalidArgument, "the call ended without its first message, which says who the worker is")
        }
        try check(first)
        // Where Redis is away, the sweep tells it.
        try? await dispatcher.refreshDrained()
        let connection = dispatcher.connect(first)
        var isOver = false
        do {
            isOver = try await converse(first, requests, writer, connection)
        } catch {
            await leave(connection, gracefully: false)
            throw error
        }
        await leave(connection, gracefully: isOver)
    }

    private static let clockPause = Duration.milliseconds(100)

    func exchange(_ request: ExchangeRequest, context: CallContext) async throws -> ExchangeReply {
        guard try await lanes.contains(request.lane) else {
            throw RPCError(.notFound, "there is no lane \(request.lane)")
        }
        try check(request.item)
        let reported = request.item?.bounded
        let highlights = await Highlights.of(reported?.results ?? [])
        let queue = LaneQueue(lane: request.lane, store: store)
        let heard = try await hear(reported, queue)
        var item = reported
        var refreshed: Set<String> = []
        while true {
            let exchanged = try await queue.exchange(
                worker: request.workerID, lease: request.lease, item: item, highlights: highlights, sound: heard?.sound,
                nextClaim: request.claim && !dispatcher.isDrained(request.workerID) ? randomBytes(16) : nil)
            if item != nil, let heard { known.note(heard.results, of: heard.song) }
            switch exchanged {
            case .idle: return ExchangeReply()
            case .again: item = nil
            case .stale(let userID, let stored):
                // Still stale: Redis' clock is ahead of this one.
                if !refreshed.insert(userID).inserted { try await Task.sleep(for: Self.clockPause) }
                try await preferences.refresh(stored, of: userID, lane: request.lane)
                item = nil
            case .run(let record, let song, let mark):
                return ExchangeReply(assignment: assignment(record, song, mark: mark))
            }
        }
    }

    func findResult(_ request: FindResultRequest, context: CallContext) async throws -> FindResultReply {
        guard let analyzer = request.analyzer, Analyzers(analyzer.word) != nil else {
            throw RPCError(.invalidArgument, "analyzer must have a name and a version")
        }
        guard request.fileHash.count == AudioIdentity.hashBytes else {
            throw RPCError(
                .invalidArgument,
                "file_hash has \(request.fileHash.count) bytes; the \(AudioIdentity.hashBytes) of SHA-256 are right")
        }
        return FindResultReply(result: try await known.result(of: analyzer, fileHash: request.fileHash))
    }

    func reportProbe(_ requests: RPCStream<ProbeReport>, context: CallContext) async throws -> ProbeReportReply {
        try await imports.take(requests)
        return ProbeReportReply()
    }

    // MARK: Details

    /// What the item's results say of how its song sounds; nil where they say nothing.
    private func hear(
        _ item: ItemReport?, _ queue: LaneQueue
    ) async throws -> (song: SongName, results: [AnalysisResult], sound: SongSound?)? {
        let results = item?.results.filter { $0.identity != nil } ?? []
        guard let item, !results.isEmpty, let song = try await queue.song(of: item) else { return nil }
        let twins = AcousticTwins(userID: song.userID, lane: queue.lane, store: store)
        return (song, results, try await twins.sound(of: song.songID, results: results))
    }

    private func check(_ first: WorkerMessage) throws {
        guard !first.workerID.isEmpty, first.workerID.utf8.count <= 128 else {
            throw RPCError(.invalidArgument, "worker_id must have 1 to 128 bytes")
        }
        for analyzer in analyzers.enabled where !first.analyzers.contains(analyzer) {
            let offered = first.analyzers.map(\.word).joined(separator: ", ")
            throw RPCError(
                .failedPrecondition,
                "this queue needs the analyzer \(analyzer.word); the worker has \(offered.isEmpty ? "none" : offered)")
        }
    }

    private func check(_ item: ItemReport?) throws {
        guard let item else { return }
        guard item.outcome != nil else { throw RPCError(.invalidArgument, "the item has no outcome") }
        for result in item.results {
            guard let word = result.analyzer?.word, Analyzers(word) != nil else {
                throw RPCError(.invalidArgument, "a result does not name its analyzer and its version")
            }
            guard result.identity?.isWellFormed ?? true else {
                throw RPCError(
                    .invalidArgument,
                    "the identity of the result of \(word) has hashes of other lengths than SHA-256, or no whole fingerprint"
                )
            }
        }
    }

    /// Reads the worker's messages and writes what is pushed to it.
    ///
    /// - Returns: whether the worker has ended the call by itself, in good order.
    private func converse(
        _ first: WorkerMessage, _ requests: RPCStream<WorkerMessage>, _ writer: RPCWriter<WorkerCommand>,
        _ connection: WorkerConnection
    ) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for try await command in connection.commands { try await writer.write(command) }
                return false
            }
            group.addTask {
                await heard(first, from: connection)
                while let message = try await requests.next() { await heard(message, from: connection) }
                return true
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }

    private func heard(_ message: WorkerMessage, from connection: WorkerConnection) async {
        if let told = message.metrics { metrics.heard(told, from: connection) }
        await dispatcher.heard(message, from: connection)
    }

    /// The lanes are given back even where the call was cancelled, as it is when its connection breaks.
    private func leave(_ connection: WorkerConnection, gracefully: Bool) async {
        metrics.left(connection)
        await Task { await dispatcher.disconnect(connection, gracefully: gracefully) }.value
        imports.workerLeft(connection)
    }

    private func assignment(_ record: JobRecord, _ song: Song, mark: String) -> Assignment {
        let job = record.job
        return Assignment(
            jobID: job.id, epoch: job.epoch, claim: record.claim, userID: job.userID, priority: job.priority,
            song: song,
            analyzers: job.force ? analyzers.enabled : analyzers.stale(mark: mark), cursor: job.cursor,
            total: job.total, force: job.force, traceparent: job.traceparent)
    }
}

extension ItemReport {
    /// What the analyzers found out.
    var results: [AnalysisResult] {
        switch outcome {
        case .analysed(let analysed): analysed.results
        case .failed(let failed): failed.results
        case .suspended, .released, nil: []
        }
    }
}

extension ItemReport {
    /// The same within bounds: what is stored of it is told again and again.
    fileprivate var bounded: ItemReport {
        var item = self
        switch outcome {
        case .analysed(var analysed):
            analysed.results = analysed.results.map(\.bounded)
            item.outcome = .analysed(analysed)
        case .failed(var failed):
            failed.results = failed.results.map(\.bounded)
            item.outcome = .failed(failed.withShortReason)
        case .suspended, .released, nil: break
        }
        return item
    }
}

extension AnalysisResult {
    /// The same, of no time but the past.
    fileprivate var bounded: AnalysisResult {
        var result = self
        result.createdAtMs = min(max(createdAtMs, 0), .now)
        return result
    }
}
