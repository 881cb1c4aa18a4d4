// One timer of the event loop for many deadlines: it rings at the earliest, and whoever owns it then looks what is due.

import NIOCore

/// Lives on its event loop. Arming costs nothing while an earlier deadline is armed, which is the usual case: calls with like
/// timeouts come one after another.
final class EarliestTimer {
    private let eventLoop: any EventLoop
    private var armed: (deadline: NIODeadline, task: Scheduled<Void>)?
    /// Does what is due and returns when something is due next.
    var ring: (_ now: NIODeadline) -> NIODeadline? = { _ in nil }

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func arm(at deadline: NIODeadline) {
        if let armed {
            guard deadline < armed.deadline else { return }
            armed.task.cancel()
        }
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.armed = nil
            if let next = self.ring(.now()) { self.arm(at: next) }
        }
        armed = (deadline, task)
    }

    /// Never rings again.
    func stop() {
        armed?.task.cancel()
        armed = nil
        ring = { _ in nil }
    }
}
