// How long something ran, suspended time left out.

/// Counts the time between `start` and `stop`, over and over.
struct Stopwatch: Hashable, Sendable {
    private var counted: Duration = .zero
    private var startedAt: ContinuousClock.Instant?

    /// Goes on counting; nothing changes while it counts already.
    mutating func start(at now: ContinuousClock.Instant) {
        if startedAt == nil { startedAt = now }
    }

    mutating func stop(at now: ContinuousClock.Instant) {
        counted = elapsed(at: now)
        startedAt = nil
    }

    func elapsed(at now: ContinuousClock.Instant) -> Duration {
        guard let startedAt else { return counted }
        return counted + startedAt.duration(to: now)
    }
}

extension Duration {
    /// Whole milliseconds; 0 for what is negative.
    var wholeMilliseconds: UInt64 {
        UInt64(max(0, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000))
    }
}
