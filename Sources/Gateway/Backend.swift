// The services behind the gateway.

import AnalysisAPI
import NIOCore
import RPC

/// Clients of the queue service (jobs and catalog) and of the progress service.
struct Backend: Sendable {
    let queue: QueueClient
    let catalog: CatalogClient
    let progress: ProgressClient

    init(queue: RPCClient, progress: RPCClient) {
        self.queue = QueueClient(queue)
        self.catalog = CatalogClient(queue)
        self.progress = ProgressClient(progress)
    }

    /// For calls that a request waits for: a service that is away is told at once, not after a wait.
    static let call = CallOptions(timeout: .seconds(10), waitForReady: false)
    /// For calls that last as long as the client listens.
    static let stream = CallOptions(waitForReady: false)
}

extension ProgressContext {
    static func job(_ id: String) -> ProgressContext { ProgressContext(context: .jobID(id)) }
    static func playlist(_ id: String) -> ProgressContext { ProgressContext(context: .playlistID(id)) }
    static let library = ProgressContext(context: .library(true))
}
