// How often a peer may do what costs more here than there, as pure state: a token bucket.

package import NIOCore

/// Lets `burst` events pass at once and `perSecond` of them for ever.
package struct RateLimit: Sendable {
    package let burst: Int
    package let perSecond: Double
    private var used = 0.0
    private var lastTaken = NIODeadline.uptimeNanoseconds(0)

    /// PINGs of one peer. Keepalive needs far fewer.
    static var pings: RateLimit { RateLimit(burst: 10, perSecond: 1) }
    /// Calls of one client that it cancels soon after it made them. Starting and cancelling a handler costs more than the two frames.
    static var cancels: RateLimit { RateLimit(burst: 1000, perSecond: 100) }

    package init(burst: Int, perSecond: Double) {
        self.burst = burst
        self.perSecond = perSecond
    }

    /// - Returns: whether the event is within the limit.
    package mutating func take(now: NIODeadline) -> Bool {
        used = used(at: now)
        lastTaken = now
        guard used + 1 <= Double(burst) else { return false }
        used += 1
        return true
    }

    /// The event did not count after all.
    package mutating func giveBack() {
        used = max(0, used - 1)
    }

    /// How long it is until one more event is within the limit.
    package func wait(now: NIODeadline) -> TimeAmount {
        .nanoseconds(Int64(max(0, used(at: now) + 1 - Double(burst)) / perSecond * 1e9))
    }

    /// Whether it is as if no event had ever been.
    package func isFull(now: NIODeadline) -> Bool { used(at: now) == 0 }

    private func used(at now: NIODeadline) -> Double {
        max(0, used - Double((now - lastTaken).nanoseconds) / 1e9 * perSecond)
    }
}
