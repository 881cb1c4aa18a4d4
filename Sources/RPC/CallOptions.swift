// What a caller may say about one call.

/// What a caller may say about one call.
package struct CallOptions: Sendable {
    /// The longest that the call may take, waiting for a connection included. nil: as long as the task's own deadline allows.
    package var timeout: Duration?
    package var metadata: Metadata
    /// Whether the call waits for a connection; otherwise it fails at once with `.unavailable` when the last attempt failed.
    package var waitForReady: Bool
    /// Called on the event loop with what the server sent beside its messages: leading metadata with its first message,
    /// trailing metadata at the end.
    package var onMetadata: (@Sendable (Metadata) -> Void)?

    package init(
        timeout: Duration? = nil, metadata: Metadata = [:], waitForReady: Bool = true,
        onMetadata: (@Sendable (Metadata) -> Void)? = nil
    ) {
        self.timeout = timeout
        self.metadata = metadata
        self.waitForReady = waitForReady
        self.onMetadata = onMetadata
    }
}
