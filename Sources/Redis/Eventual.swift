import Synchronization

/// A value that comes once, for one task that waits no longer when it is cancelled.
final class Eventual<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(UnsafeContinuation<Value, any Error>)
        case known(Result<Value, any Error>)
    }

    private let state = Mutex(State.pending)

    /// The first result counts, later ones are dropped.
    func resolve(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> UnsafeContinuation<Value, any Error>? in
            switch state {
            case .known: return nil
            case .pending:
                state = .known(result)
                return nil
            case .awaited(let continuation):
                state = .known(result)
                return continuation
            }
        }
        waiting?.resume(with: result)
    }

    nonisolated(nonsending) func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let known = state.withLock { state -> Result<Value, any Error>? in
                    if case .known(let result) = state { return result }
                    state = .awaited(continuation)
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            resolve(.failure(CancellationError()))
        }
    }
}
