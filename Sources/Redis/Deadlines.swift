import NIOCore

/// By when a command has its reply.
struct Deadlines: Sendable, Hashable {
    /// When its connection is given up: Redis owes a reply that may never come.
    let reply: NIODeadline
    /// When its caller waits no longer, which concerns nobody else. Never after `reply`.
    let caller: NIODeadline

    init(reply: NIODeadline, caller: NIODeadline? = nil) {
        self.reply = reply
        self.caller = min(caller ?? reply, reply)
    }
}
