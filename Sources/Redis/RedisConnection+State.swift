import NIOCore

extension RedisConnection {
    /// Which reply belongs to whom on one connection. Redis answers in the order of the commands, so this is a queue and the
    /// rules of when it may be trusted; a connection of which that is in doubt is closed, never resynchronised.
    ///
    /// ```
    /// open ──drain()──▶ draining ──last reply──▶ closed
    ///   └────────────close()──────────close()──────▲
    /// ```
    ///
    /// `Reply` is what waits for a reply: a continuation, or a plain value in tests.
    struct State<Reply> {
        private enum Phase {
            /// Commands are accepted. Goes to `draining` or `closed`.
            case open
            /// What was sent is awaited, nothing more is accepted. Goes to `closed`.
            case draining
            /// Nothing is awaited and nothing is accepted. Final.
            case closed
        }

        private struct Sent {
            let deadlines: Deadlines
            /// `nil` once the caller has gone; the reply is then dropped when it comes.
            var reply: Reply?

            /// When something is next to be done about it.
            var due: NIODeadline { reply == nil ? deadlines.reply : deadlines.caller }
        }

        private var phase = Phase.open
        private var inFlight = CircularBuffer<Sent>()
        private var armedDeadline = NIODeadline.distantFuture

        /// Whether no reply is awaited.
        var isIdle: Bool { inFlight.isEmpty }

        /// A command was written.
        ///
        /// - Parameter reply: `nil` where nobody waits for it.
        /// Returns when ``deadlineReached(_:)`` must be called, unless a call that comes early enough is already due.
        mutating func sent(deadlines: Deadlines, reply: Reply?) -> NIODeadline? {
            let sent = Sent(deadlines: deadlines, reply: reply)
            inFlight.append(sent)
            guard sent.due < armedDeadline else { return nil }
            armedDeadline = sent.due
            return sent.due
        }

        enum ReceiveAction {
            case deliver(Reply)
            /// Its caller has gone.
            case drop
            /// Nobody asked for this: the peer and we are out of step.
            case violation
        }

        mutating func receive() -> ReceiveAction {
            guard let first = inFlight.popFirst() else { return .violation }
            return first.reply.map { .deliver($0) } ?? .drop
        }

        /// Whether the connection has nothing left to wait for and should be closed.
        var isDrained: Bool {
            if case .draining = phase { inFlight.isEmpty } else { false }
        }

        /// Puts others in the place of those who wait.
        mutating func replaceReplies(_ body: (Reply) -> Reply) {
            for index in inFlight.indices { inFlight[index].reply = inFlight[index].reply.map(body) }
        }

        enum DeadlineAction {
            /// The callers of `late` go without their replies, which are dropped when they come. ``deadlineReached(_:)`` must be
            /// called again at `next`.
            case leave(late: [Reply], next: NIODeadline?)
            /// Redis owes a reply past its deadline. The connection must be closed: `late` timed out, and of `others` it is
            /// unknown whether they ran.
            case close(late: [Reply], others: [Reply])
        }

        mutating func deadlineReached(_ now: NIODeadline) -> DeadlineAction {
            if inFlight.contains(where: { $0.deadlines.reply <= now }) {
                let late = inFlight.filter { $0.deadlines.caller <= now }.compactMap(\.reply)
                let others = inFlight.filter { $0.deadlines.caller > now }.compactMap(\.reply)
                _ = close()
                return .close(late: late, others: others)
            }
            var late: [Reply] = []
            var next = NIODeadline.distantFuture
            for index in inFlight.indices {
                if let reply = inFlight[index].reply, inFlight[index].due <= now {
                    late.append(reply)
                    inFlight[index].reply = nil
                }
                next = min(next, inFlight[index].due)
            }
            armedDeadline = next
            return .leave(late: late, next: inFlight.isEmpty ? nil : next)
        }

        /// No more commands are accepted; see ``isDrained``.
        mutating func drain() {
            if case .open = phase { phase = .draining }
        }

        /// The connection is gone or must go. Returns who still waits: of their commands it is unknown whether they ran.
        mutating func close() -> [Reply] {
            phase = .closed
            defer { inFlight.removeAll() }
            return inFlight.compactMap(\.reply)
        }
    }
}
