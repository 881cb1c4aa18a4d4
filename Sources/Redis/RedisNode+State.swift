extension RedisNode {
    /// Whether there is a connection, and who waits for one.
    ///
    /// ```
    /// away ──connected──▶ connected ──disconnected──▶ away
    ///   └──────end()────▶   ended   ◀─────end()────────┘
    /// ```
    struct State<Connection: AnyObject, Waiter> {
        /// Why a node ended.
        enum End {
            /// It serves no slots any more: others must be asked.
            case retired
            /// The client was stopped.
            case stopped
        }

        private enum Phase {
            /// No connection, for this reason. Goes to `connected` or `ended`.
            case away(reason: String)
            /// Goes to `away` when the connection ends, or to `ended`.
            case connected(Connection)
            /// Final.
            case ended(End)
        }

        private let maximumWaiters: Int
        private var phase = Phase.away(reason: "no connection was made yet")
        private var waiters: [UInt64: Waiter] = [:]

        init(maximumWaiters: Int) {
            self.maximumWaiters = maximumWaiters
        }

        var connection: Connection? {
            if case .connected(let connection) = phase { connection } else { nil }
        }

        var hasRetired: Bool {
            if case .ended(.retired) = phase { true } else { false }
        }

        enum AcquireAction {
            case use(Connection)
            case wait
            case refuse(RedisError)
            case askOthers
        }

        /// A call needs the connection.
        mutating func acquire(id: UInt64, _ waiter: Waiter) -> AcquireAction {
            switch phase {
            case .connected(let connection): return .use(connection)
            case .ended(.retired): return .askOthers
            case .ended(.stopped): return .refuse(.unavailable("the client was stopped"))
            case .away(let reason):
                guard waiters.count < maximumWaiters else {
                    return .refuse(.unavailable("\(reason); \(maximumWaiters) calls already wait"))
                }
                waiters[id] = waiter
                return .wait
            }
        }

        /// The call was cancelled or its deadline has passed. Returns its waiter, if it still waits, and what it waited for.
        mutating func abandon(id: UInt64) -> (waiter: Waiter, reason: String)? {
            guard let waiter = waiters.removeValue(forKey: id), case .away(let reason) = phase else { return nil }
            return (waiter, reason)
        }

        /// Returns who waited for this. Ended nodes want no connection and return `nil`.
        mutating func connected(_ connection: Connection) -> [Waiter]? {
            if case .ended = phase { return nil }
            phase = .connected(connection)
            defer { waiters = [:] }
            return Array(waiters.values)
        }

        /// This connection ended. Several callers notice; only the first notice, and only of the present connection, counts.
        mutating func disconnected(_ ended: Connection, reason: String) {
            guard case .connected(let connection) = phase, connection === ended else { return }
            phase = .away(reason: reason)
        }

        /// An attempt to connect failed; who waits from now on is told this reason.
        mutating func connectFailed(reason: String) {
            if case .away = phase { phase = .away(reason: reason) }
        }

        /// Returns the connection, and who waited in vain.
        mutating func end(_ end: End) -> (connection: Connection?, waiters: [Waiter]) {
            defer {
                phase = .ended(end)
                waiters = [:]
            }
            return (connection, Array(waiters.values))
        }
    }
}
