// How often progress is worth a message.

/// Lets the first report pass at once, then at most twenty per second, never a fraction of 0 and never a lower one.
struct ProgressPace {
    private var last: (fraction: Double, at: ContinuousClock.Instant)?

    private static let interval = Duration.milliseconds(50)

    /// What to report; nil where it is too early to say more.
    mutating func report(_ fraction: Double, at now: ContinuousClock.Instant) -> Double? {
        if let last, now - last.at < Self.interval || fraction <= last.fraction { return nil }
        // The first samples are there. All of it is the result's to tell.
        let fraction = min(0.999, max(0.001, fraction))
        last = (fraction, now)
        return fraction
    }
}
