// The deadline that a call hands on to the calls made inside its handler.

package import NIOCore

/// The deadline of the call that the present task works for.
package enum Deadline {
    /// Set while a handler runs; calls made inside never outlive it. nil: none.
    @TaskLocal package static var current: NIODeadline?

    /// The earlier of the inherited deadline and the one that a timeout from `now` on gives.
    static func earliest(timeout: Duration?, now: NIODeadline) -> NIODeadline? {
        guard let timeout else { return current }
        let own = now + TimeAmount(max(.zero, min(timeout, longest)))
        return current.map { min($0, own) } ?? own
    }

    /// Longer ones are cut to this, so that adding never overflows.
    static let longest = Duration.seconds(365 * 86400)
}

extension NIODeadline {
    /// The time until this deadline; zero when it has passed.
    package func remaining(at now: NIODeadline = .now()) -> Duration {
        self > now ? .nanoseconds((self - now).nanoseconds) : .zero
    }
}

extension Duration {
    /// Whole microseconds, rounded up, so that what is left of a deadline never becomes none; 0 where it is negative.
    var microseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let whole = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        return whole.overflow ? .max : whole.partialValue + UInt64((attoseconds + 999_999_999_999) / 1_000_000_000_000)
    }

    /// Cut to `Deadline.longest`.
    init(microseconds: UInt64) {
        self = .microseconds(Int64(min(microseconds, Deadline.longest.microseconds)))
    }
}
