// Leaves somebody who has an event stream and reads nothing of it.

import NIOCore
import Synchronization

/// Closes a connection on which one write has waited too long: what is written to it only gathers in memory.
final class StallGuard: Sendable {
    private let waitingSince = Mutex<NIODeadline?>(nil)
    private let look: Mutex<RepeatedTask?>

    init(channel: any Channel, patience: TimeAmount) {
        look = Mutex(nil)
        let task = channel.eventLoop.scheduleRepeatedTask(initialDelay: patience, delay: patience) { [weak self] _ in
            guard let since = self?.waitingSince.withLock({ $0 }), NIODeadline.now() - since >= patience else { return }
            channel.close(promise: nil)
        }
        look.withLock { $0 = task }
    }

    func during(_ write: () async throws -> Void) async throws {
        waitingSince.withLock { $0 = .now() }
        defer { waitingSince.withLock { $0 = nil } }
        try await write()
    }

    func end() {
        look.withLock { $0?.cancel() }
    }
}
