// The services behind the gateway.

import AnalysisAPI
import Daemon
import NIOCore
import RPC

/// Clients of the queue service (jobs and catalog) and of the progress service, and the key that signs for whom they are called.
struct Backend: Sendable {
    let queue: QueueClient
    let catalog: CatalogClient
    let alerts: AlertsClient
    let audit: AuditClient
    let progress: ProgressClient
    let queueHealth: HealthClient
    let progressHealth: HealthClient
    let metrics: [(process: String, metrics: MetricsClient)]
    private let signer: TokenSigner?

    /// - Parameter signer: nil where the services let this process act for everyone.
    init(queue: RPCClient, progress: RPCClient, signer: TokenSigner?) {
        self.queue = QueueClient(queue)
        self.catalog = CatalogClient(queue)
        alerts = AlertsClient(queue)
        audit = AuditClient(queue)
        self.progress = ProgressClient(progress)
        queueHealth = HealthClient(queue)
        progressHealth = HealthClient(progress)
        metrics = [("queue-service", MetricsClient(queue)), ("progress-service", MetricsClient(progress))]
        self.signer = signer
    }

    /// For calls that a request waits for: a service that is away is told at once, not after a wait.
    static let call = CallOptions(timeout: .seconds(10), waitForReady: false)

    /// The same on behalf of a user; an administrator may ask about everyone.
    func call(for user: User) async throws -> CallOptions {
        var options = Self.call
        if let signer {
            let token = try await signer.token(for: user.role == .administrator ? "*" : user.id, actor: user.id)
            options.metadata["authorization"] = "Bearer \(token)"
        } else {
            options.metadata[CallContext.actorKey] = user.id
        }
        return options
    }
}

extension CallOptions {
    /// For calls that last as long as the client listens.
    var unlimited: CallOptions {
        var options = self
        options.timeout = nil
        return options
    }
}

extension ProgressContext {
    static func job(_ id: String) -> ProgressContext { ProgressContext(context: .jobID(id)) }
    static func playlist(_ id: String) -> ProgressContext { ProgressContext(context: .playlistID(id)) }
    static let library = ProgressContext(context: .library(true))
}
