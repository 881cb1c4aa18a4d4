// The queue as a whole, and the workers that serve it.

import AnalysisAPI
import Hummingbird
import RPC

struct QueueRoutes: Sendable {
    let backend: Backend

    func add(to routes: Endpoints<SignedInContext>) {
        routes.poll("queue/status", "What is in the queue.", use: status)
        routes.get(
            "queue/health", "Whether the queue answers.", unavailable: QueueHealthAnswer.self, use: health)
        routes.get("worker/health", "What the workers do.", use: workers)
    }

    @Sendable private func status(request: Request, context: SignedInContext) async throws -> QueueStatusAnswer {
        async let queue = queueStatus(context)
        let library = try await backend.progress.get(
            ProgressRequest(userID: context.user.id, context: .library), options: context.call)
        return QueueStatusAnswer(try await queue, etaMs: library.etaMs)
    }

    /// 503 in the contract's own shape while the queue does not answer.
    @Sendable private func health(
        request: Request, context: SignedInContext
    ) async throws -> Reply<QueueHealthAnswer> {
        do {
            _ = try await queueStatus(context)
            return Reply(QueueHealthAnswer(error: nil))
        } catch let error as RPCError {
            let problem = GatewayError(error)
            return Reply(
                QueueHealthAnswer(error: problem.message), status: .serviceUnavailable, headers: [.retryAfter: "1"])
        }
    }

    @Sendable private func workers(request: Request, context: SignedInContext) async throws -> WorkerHealthAnswer {
        WorkerHealthAnswer(try await queueStatus(context), now: .now)
    }

    /// Running jobs are shown to their owners, and to administrators.
    private func queueStatus(_ context: SignedInContext) async throws -> QueueStatus {
        let userID = context.user.role == .administrator ? "" : context.user.id
        return try await backend.queue.getStatus(QueueStatusRequest(userID: userID), options: context.call)
    }
}
