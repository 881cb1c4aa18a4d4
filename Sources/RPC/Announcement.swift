// A value that becomes known once and that any number of tasks may wait for.

import Synchronization

final class Announcement<Value: Sendable>: Sendable {
    private enum State {
        case unknown([Int: CheckedContinuation<Value, any Error>], next: Int)
        case known(Result<Value, any Error>)
    }

    private let state = Mutex(State.unknown([:], next: 0))

    /// Waits until it is known.
    ///
    /// - Throws: what it turned out to be, or `CancellationError`.
    func value() async throws -> Value {
        let ticket = state.withLock { state -> Int in
            guard case .unknown(let waiting, let next) = state else { return 0 }
            state = .unknown(waiting, next: next + 1)
            return next
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known = state.withLock { state -> Result<Value, any Error>? in
                    switch state {
                    case .known(let result): return result
                    case .unknown(var waiting, let next):
                        waiting[ticket] = continuation
                        state = .unknown(waiting, next: next)
                        return nil
                    }
                }
                if let known {
                    continuation.resume(with: known)
                } else if Task.isCancelled {
                    cancel(ticket)
                }
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func cancel(_ ticket: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard case .unknown(var waiting, let next) = state else { return nil }
            defer { state = .unknown(waiting, next: next) }
            return waiting.removeValue(forKey: ticket)
        }
        waiter?.resume(throwing: CancellationError())
    }

    /// Makes it known; only the first time counts.
    func resolve(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
            guard case .unknown(let waiting, _) = state else { return [] }
            state = .known(result)
            return Array(waiting.values)
        }
        for continuation in waiting { continuation.resume(with: result) }
    }
}
