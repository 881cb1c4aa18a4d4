// How long the worker may be silent before it has to be taken for dead.

/// What is left of the time that the last ping granted. Without a ping there is no end.
///
/// Only waiting counts, and at most as long as was meant to be waited: a process that was stopped in between finds its
/// lease as it left it.
struct Lease {
    private var length: Duration?
    private var left: Duration?

    /// In small steps, so that of the time while stopped at most one step counts.
    private static let step = Duration.milliseconds(500)

    /// How long to wait for the worker before `pass(_:)`; nil: for ever.
    var nextWait: Duration? { left.map { min($0, Self.step) } }
    var hasPassed: Bool { left.map { $0 <= .zero } ?? false }

    /// The worker was heard.
    mutating func renew() { left = length }

    /// The worker was heard and grants another length.
    mutating func renew(for length: Duration) {
        self.length = length
        left = length
    }

    /// Nothing was heard while waiting.
    mutating func pass(_ waited: Duration) {
        guard let left, let nextWait else { return }
        self.left = left - min(waited, nextWait)
    }
}
