// How often a peer may do what costs more here than there, as pure state: a token bucket.

import NIOCore

/// Lets `burst` events pass at once and `perSecond` of them for ever.
struct RateLimit {
    let burst: Int
    let perSecond: Int
    private var used = 0.0
    private var lastTaken = NIODeadline.uptimeNanoseconds(0)

    /// PINGs of one peer. Keepalive needs far fewer.
    static var pings: RateLimit { RateLimit(burst: 10, perSecond: 1) }
    /// Calls of one client that it cancels soon after it made them. Starting and cancelling a handler costs more than the two frames.
    static var cancels: RateLimit { RateLimit(burst: 1000, perSecond: 100) }

    init(burst: Int, perSecond: Int) {
        self.burst = burst
        self.perSecond = perSecond
    }

    /// - Returns: whether the event is within the limit.
    mutating func take(now: NIODeadline) -> Bool {
        let seconds = Double((now - lastTaken).nanoseconds) / 1e9
        lastTaken = now
        used = max(0, used - seconds * Double(perSecond))
        guard used + 1 <= Double(burst) else { return false }
        used += 1
        return true
    }
}
