// When a unary call that failed is made again: gRPC's retry design (gRFC A6), with its throttle.

import NIOCore

/// How often and how soon a unary call of an idempotent method is made again that ended with `.unavailable`.
package struct RetryPolicy: Sendable, Hashable {
    /// The first attempt counts; 1: never again.
    package var maxAttempts = 4
    /// The waits before the attempts, where the server does not say when to come back.
    package var backoff = Backoff()
    /// A server's `retryAfter` is kept to the point; a longer one than this is left to the caller.
    package var longestRetryAfter: Duration = .seconds(5)

    package init() {}

    /// - Parameter attempts: how many have been made.
    /// - Returns: how long to wait before the next; nil: the caller gets the error.
    func delay(
        after error: RPCError, attempts: Int, deadline: NIODeadline?, now: NIODeadline,
        using random: inout some RandomNumberGenerator
    ) -> Duration? {
        guard error.code == .unavailable, attempts < maxAttempts else { return nil }
        let delay = error.retryAfter ?? backoff.delay(failures: attempts, using: &random)
        guard delay <= longestRetryAfter else { return nil }
        if let deadline, now + TimeAmount(delay) >= deadline { return nil }
        return delay
    }
}

/// Stops a client from multiplying an outage: a failure takes one token, a success gives a tenth of one back, and calls are made
/// again only while more than half of the tokens are there.
struct RetryThrottle {
    private static let maxTokens = 10.0
    private static let tokensPerSuccess = 0.1

    private var tokens = Self.maxTokens

    var allowsRetry: Bool { tokens > Self.maxTokens / 2 }

    mutating func succeeded() {
        tokens = min(Self.maxTokens, tokens + Self.tokensPerSuccess)
    }

    mutating func failed() {
        tokens = max(0, tokens - 1)
    }
}
