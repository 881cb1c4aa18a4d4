// The imports that run, and the probes of workers that feed them: one call asks, another one, of a worker, brings the files.

import AnalysisAPI
import RPC
import Synchronization

final class Imports: Sendable {
    private struct Running: Sendable {
        let library: LibraryImport
        let connection: WorkerConnection
        let outcome: AsyncThrowingStream<Never, any Error>.Continuation
    }

    private let dispatcher: Dispatcher
    private let running = Mutex<[String: Running]>([:])

    init(dispatcher: Dispatcher) {
        self.dispatcher = dispatcher
    }

    /// Has a worker list a folder, and returns when all that it found is stored.
    func run(_ library: LibraryImport, folder: String) async throws {
        let connection = try await dispatcher.anyWorker()
        let id = randomBytes(16).hexadecimal
        let (outcome, continuation) = AsyncThrowingStream.makeStream(of: Never.self, throwing: (any Error).self)
        running.withLock { $0[id] = Running(library: library, connection: connection, outcome: continuation) }
        defer { running.withLock { $0[id] = nil } }
        // It may have left before this import was among those that run.
        if dispatcher.connection(of: connection.workerID) !== connection { workerLeft(connection) }
        let known = try await library.known
        connection.send(WorkerCommand(command: .probe(ProbeRequest(probeID: id, folder: folder, known: known))))
        for try await _ in outcome {}
        try Task.checkCancellation()
    }

    /// Takes what a probe found. It reads on only when a batch is stored, so the worker waits with it.
    func take(_ reports: RPCStream<ProbeReport>) async throws {
        guard let first = try await reports.next() else {
            throw RPCError(.invalidArgument, "the call ended without a report, which says whose probe it is")
        }
        guard let importing = running.withLock({ $0[first.probeID] }) else {
            throw RPCError(.notFound, "nobody waits for probe \(first.probeID) any more")
        }
        do {
            var report: ProbeReport? = first
            while let found = report {
                try await importing.library.take(found.files)
                if let failure = found.failure {
                    throw RPCError(.failedPrecondition, "the folder cannot be listed: \(failure)")
                }
                report = try await reports.next()
            }
            try await importing.library.finish()
            importing.outcome.finish()
        } catch {
            importing.outcome.finish(throwing: error)
            throw error
        }
    }

    /// Ends the imports that the worker was listing folders for.
    func workerLeft(_ connection: WorkerConnection) {
        for importing in running.withLock({ Array($0.values) }) where importing.connection === connection {
            importing.outcome.finish(
                throwing: RPCError(.unavailable, "the worker that listed the folder has left; import again"))
        }
    }
}
