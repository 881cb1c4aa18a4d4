// What is wrong with the system, followed once for the event streams of all administrators.

import AnalysisAPI
import Logging
import RPC
import Synchronization

/// Asks the queue service for as long as anybody reads.
final class AlertFeed: Sendable {
    /// Is told of an alert, and must not wait.
    typealias Reader = @Sendable (Alert) -> Void

    private struct State {
        /// Alerts that last, by id, as far as the call that goes on has told.
        var lasting: [String: Alert] = [:]
        var readers: [UInt64: Reader] = [:]
        /// Of readers and followers.
        var lastID: UInt64 = 0
        var follower: (id: UInt64, task: Task<Void, Never>)?

        mutating func nextID() -> UInt64 {
            lastID += 1
            return lastID
        }
    }

    /// Before alerts are followed again after the queue service was away.
    private static let pause = Duration.seconds(1)

    private let backend: Backend
    private let state = Mutex(State())

    init(backend: Backend) {
        self.backend = backend
    }

    /// Tells those that last, and from then on each that changes, until the reader is removed.
    ///
    /// - Parameter user: an administrator.
    /// - Returns: what `remove` takes.
    func add(for user: User, logger: Logger, _ reader: @escaping Reader) -> UInt64 {
        state.withLock { state in
            let id = state.nextID()
            state.readers[id] = reader
            for alert in state.lasting.values { reader(alert) }
            if state.follower == nil {
                let follower = state.nextID()
                state.follower = (follower, Task { await self.follow(as: follower, for: user, logger: logger) })
            }
            return id
        }
    }

    func remove(_ id: UInt64) {
        state.withLock { state in
            state.readers[id] = nil
            guard state.readers.isEmpty else { return }
            state.follower?.task.cancel()
            (state.follower, state.lasting) = (nil, [:])
        }
    }

    private func follow(as id: UInt64, for user: User, logger: Logger) async {
        while !Task.isCancelled {
            do {
                // Each call begins with those that last.
                update(as: id) { $0.lasting = [:] }
                let options = try await backend.call(for: user).unlimited
                let alerts = backend.alerts.watchAlerts(WatchAlertsRequest(), options: options)
                while let alert = try await alerts.next() {
                    update(as: id) { state in
                        state.lasting[alert.id] = alert.clearedAtMs == 0 ? alert : nil
                        for reader in state.readers.values { reader(alert) }
                    }
                }
            } catch {
                logger.debug("alerts are not followed for now", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// A follower that all readers have left changes nothing any more.
    private func update(as id: UInt64, _ body: (inout sending State) -> Void) {
        state.withLock { state in
            if state.follower?.id == id { body(&state) }
        }
    }
}
