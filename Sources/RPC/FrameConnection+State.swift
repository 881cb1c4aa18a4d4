// What both ends of a connection do alike, as pure state: the greeting, PING and PONG, and noticing that the peer is gone.
//
//   greeting ──HELLO──▶ open ──▶ closed
//       └─anything else, or nothing in time─▶ closed

import NIOCore

struct ConnectionState {
    struct Timing {
        var hello: Duration
        var keepaliveInterval: Duration
        var keepaliveTimeout: Duration
    }

    private enum Phase {
        case greeting(until: NIODeadline)
        case open
    }

    private var phase: Phase
    private let timing: Timing
    private var lastHeard: NIODeadline
    private var pongDue: NIODeadline?
    private var pings = RateLimit.pings

    init(timing: Timing, now: NIODeadline) {
        self.timing = timing
        lastHeard = now
        phase = .greeting(until: now + TimeAmount(timing.hello))
    }

    enum Received {
        case opened(Frame.Hello)
        case answer(Frame)
        /// For whoever answers or makes the calls.
        case pass
        case ignore
        case violation(RPCError)
    }

    static let maxPingBytes = 8

    mutating func receive(_ frame: Frame, now: @autoclosure () -> NIODeadline) -> Received {
        switch (phase, frame) {
        case (.greeting, .hello(let hello)):
            guard hello.version == 1 else {
                return .violation(RPCError(.unimplemented, "version \(hello.version) is not spoken here; version 1 is"))
            }
            phase = .open
            return .opened(hello)
        case (.greeting, _):
            return .violation(RPCError(.invalidArgument, "the first frame must be HELLO"))
        case (.open, .hello):
            return .violation(RPCError(.invalidArgument, "a second HELLO"))
        case (.open, .ping(let data)):
            guard data.readableBytes <= Self.maxPingBytes else {
                return .violation(RPCError(.invalidArgument, "a PING of more than \(Self.maxPingBytes) bytes"))
            }
            guard pings.take(now: now()) else {
                return .violation(
                    RPCError(
                        .resourceExhausted, "too many pings: \(pings.burst) at once, then \(pings.perSecond) a second"))
            }
            return .answer(.pong(data))
        case (.open, .pong):
            return .ignore
        case (.open, _):
            return .pass
        }
    }

    /// Bytes have arrived: the peer is alive.
    mutating func heard(now: NIODeadline) {
        lastHeard = now
        pongDue = nil
    }

    struct Tick {
        var action: Action?
        /// When to tick again.
        var next: NIODeadline

        enum Action {
            case ping
            case close(RPCError)
        }
    }

    /// Does what is due. Silence means nothing where nothing is waited for.
    mutating func tick(now: NIODeadline, isWaiting: Bool) -> Tick {
        let interval = TimeAmount(timing.keepaliveInterval)
        switch phase {
        case .greeting(let until):
            guard now >= until else { return Tick(next: until) }
            return close(.deadlineExceeded, "no HELLO within \(timing.hello)")
        case .open:
            if let pongDue {
                guard now >= pongDue else { return Tick(next: pongDue) }
                let silence = timing.keepaliveInterval + timing.keepaliveTimeout
                return close(.unavailable, "nothing was heard for \(silence)")
            }
            if !isWaiting { lastHeard = now }
            guard now >= lastHeard + interval else { return Tick(next: lastHeard + interval) }
            let due = now + TimeAmount(timing.keepaliveTimeout)
            pongDue = due
            return Tick(action: .ping, next: due)
        }
    }

    private func close(_ code: StatusCode, _ detail: String) -> Tick {
        Tick(action: .close(RPCError(code, detail)), next: .distantFuture)
    }
}
