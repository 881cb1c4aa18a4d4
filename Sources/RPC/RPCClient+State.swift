// Whether a client has a connection, as pure state: when it connects, when it waits, and what becomes of a call meanwhile.
//
//   idle ──start──▶ connecting ──HELLO──▶ ready ──GOAWAY or lost──▶ connecting, or backingOff where it did not last
//                    ▲      └──failed──▶ backingOff
//                    └───────waited──────────┘            any ──stop──▶ stopped

import NIOCore

struct ClientState<Connection: AnyObject> {
    private enum Phase {
        case idle
        case connecting
        case ready(Connection, since: NIODeadline)
        case backingOff(RPCError)
        case stopped
    }

    private var phase = Phase.idle
    private var failures = 0

    /// A connection that did not last so long counts as a failed attempt: a server that accepts and closes at once is not
    /// asked in a loop.
    static var settled: TimeAmount { .seconds(1) }

    enum Action: Equatable {
        case connect
        case connectLater(failures: Int)
        case nothing
    }

    mutating func start() -> Action {
        guard case .idle = phase else { return .nothing }
        phase = .connecting
        return .connect
    }

    /// The wait is over.
    mutating func waited() -> Action {
        guard case .backingOff = phase else { return .nothing }
        phase = .connecting
        return .connect
    }

    /// - Returns: whether the connection is to be used; otherwise it is to be closed.
    mutating func opened(_ connection: Connection, now: NIODeadline) -> Bool {
        switch phase {
        case .connecting, .backingOff: break
        case .idle, .ready, .stopped: return false
        }
        phase = .ready(connection, since: now)
        return true
    }

    /// An attempt has failed: no connection, or no HELLO on it.
    mutating func failed(_ error: RPCError) -> Action {
        guard case .connecting = phase else { return .nothing }
        failures += 1
        phase = .backingOff(error)
        return .connectLater(failures: failures)
    }

    /// The connection takes no more calls.
    mutating func ended(_ connection: Connection, _ error: RPCError, now: NIODeadline) -> Action {
        guard case .ready(let current, let since) = phase, current === connection else { return .nothing }
        if now - since >= Self.settled {
            failures = 0
            phase = .connecting
            return .connect
        }
        phase = .connecting
        return failed(error)
    }

    /// - Returns: the connection in use, if any.
    mutating func stop() -> Connection? {
        defer { phase = .stopped }
        return ready
    }

    var ready: Connection? {
        guard case .ready(let connection, _) = phase else { return nil }
        return connection
    }

    enum Placement {
        case now(Connection)
        case wait
        case fail(RPCError)
    }

    func place(waitForReady: Bool) -> Placement {
        switch phase {
        case .ready(let connection, _): .now(connection)
        case .backingOff(let error) where !waitForReady: .fail(error)
        case .idle, .connecting, .backingOff: .wait
        case .stopped: .fail(RPCError(.unavailable, "the client has been stopped"))
        }
    }
}
