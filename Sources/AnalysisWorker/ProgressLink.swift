// Sends the fractions of running analyses to the progress service, as fast as it takes them.

import AnalysisAPI
import Logging
import RPC
import Synchronization

/// The newest report of every lane waits here; an older one that was not sent by then is never sent. A progress service that is
/// away costs the analyses nothing.
final class ProgressLink: Sendable {
    private let client: ProgressClient
    private let logger: Logger
    private let newest = Mutex<[String: ProgressReport]>([:])
    private let news: AsyncStream<Void>
    private let newsContinuation: AsyncStream<Void>.Continuation

    init(client: ProgressClient, logger: Logger) {
        self.client = client
        self.logger = logger
        (news, newsContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Sends what is reported until cancelled.
    func run() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                _ = try await client.report { writer in
                    for await _ in news {
                        for report in take() { try await send(report, over: writer) }
                        failures = 0
                    }
                }
            } catch {
                logger.debug("the stream of progress broke", metadata: ["error": "\(error)"])
            }
            failures += 1
            try? await Task.sleep(for: Backoff().delay(failures: failures))
        }
    }

    func report(_ report: ProgressReport) {
        newest.withLock { $0[report.lane] = report }
        newsContinuation.yield()
    }

    private func send(_ report: ProgressReport, over writer: RPCWriter<ProgressReport>) async throws {
        do {
            try await writer.write(report)
        } catch {
            newest.withLock { $0[report.lane] = $0[report.lane] ?? report }
            newsContinuation.yield()
            throw error
        }
    }

    private func take() -> [ProgressReport] {
        newest.withLock { newest in
            defer { newest = [:] }
            return Array(newest.values)
        }
    }
}
