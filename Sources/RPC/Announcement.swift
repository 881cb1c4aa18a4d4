// A value that becomes known once and that any number of tasks may wait for.

import Synchronization

final class Announcement<Value: Sendable>: Sendable {
    private enum State {
        case unknown([CheckedContinuation<Value, any Error>])
        case known(Result<Value, any Error>)
    }

    private let state = Mutex(State.unknown([]))

    /// Waits until it is known.
    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let known = state.withLock { state -> Result<Value, any Error>? in
                switch state {
                case .known(let result): return result
                case .unknown(let waiting):
                    state = .unknown(waiting + [continuation])
                    return nil
                }
            }
            if let known { continuation.resume(with: known) }
        }
    }

    /// Makes it known; only the first time counts.
    func resolve(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
            guard case .unknown(let waiting) = state else { return [] }
            state = .known(result)
            return waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }
}
