// Lists music folders for the queue: a child opens the files, and what it finds is passed on as it comes.

import AnalysisAPI
import Logging
import RPC

/// Carries out probes, each on a child of its own.
final class ProbeLink: Sendable {
    private let workers: WorkersClient
    private let pool: ChildPool
    private let folders: MusicFolders
    private let logger: Logger
    private let requests: AsyncStream<ProbeRequest>
    private let requestsContinuation: AsyncStream<ProbeRequest>.Continuation

    init(workers: WorkersClient, pool: ChildPool, folders: MusicFolders, logger: Logger) {
        self.workers = workers
        self.pool = pool
        self.folders = folders
        self.logger = logger
        (requests, requestsContinuation) = AsyncStream.makeStream()
    }

    /// Carries out probes until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await request in requests {
                group.addTask { await self.carryOut(request) }
            }
            group.cancelAll()
        }
    }

    func probe(_ request: ProbeRequest) {
        requestsContinuation.yield(request)
    }

    private func carryOut(_ request: ProbeRequest) async {
        do {
            _ = try await workers.reportProbe { writer in
                // Says whose files these are, also where there are none.
                try await writer.write(ProbeReport(probeID: request.probeID))
                do throws(ChildUnavailable) {
                    let child = try await pool.next(Analyzer.audioName)
                    try await Probing(id: request.probeID, pool: pool, writer: writer).run(
                        AnalysisAPI.Probe(roots: folders.roots, folder: request.folder, known: request.known), on: child
                    )
                } catch {
                    try await writer.write(ProbeReport(probeID: request.probeID, failure: error.reason))
                }
            }
        } catch {
            logger.warning("a probe broke off", metadata: ["folder": "\(request.folder)", "error": "\(error)"])
        }
    }
}

/// One probe. The child goes on only as fast as the queue takes what it finds.
private actor Probing: ChildOwner {
    private let id: String
    private let pool: ChildPool
    private let writer: RPCWriter<ProbeReport>
    private var end: CheckedContinuation<ChildUnavailable?, Never>?

    init(id: String, pool: ChildPool, writer: RPCWriter<ProbeReport>) {
        self.id = id
        self.pool = pool
        self.writer = writer
    }

    /// - Throws: why the probe ended early.
    func run(_ probe: Probe, on child: Child) async throws(ChildUnavailable) {
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                end = continuation
                if !child.begin(.probe(probe), for: self) {
                    finish(
                        ChildUnavailable(
                            kind: .crashed, reason: "The analyzer ended before it could look at the files."))
                }
            }
        } onCancel: {
            child.kill()
        }
        if let failure { throw failure }
    }

    func child(_ child: Child, said reply: AnalyzerReply.Reply) async {
        switch reply {
        case .probed(let probed):
            do {
                try await writer.write(ProbeReport(probeID: id, files: probed.files))
            } catch {
                // Nobody wants the rest.
                child.kill()
            }
        case .probeEnded(let ended):
            pool.giveBack(child)
            finish(ended.failure.map { ChildUnavailable(kind: .refused, reason: $0) })
        case .ready, .progress, .identified, .skipped, .analyzed, .rejected:
            break
        }
    }

    func childEnded(_ child: Child, _ ending: Child.Ending) async {
        await pool.childEnded(child, ending)
        finish(ChildUnavailable(kind: ending.kind, reason: ending.reason))
    }

    private func finish(_ failure: ChildUnavailable?) {
        end?.resume(returning: failure)
        end = nil
    }
}
