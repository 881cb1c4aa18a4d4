/// The pauses between attempts to connect: they double up to a maximum, and each is drawn from its upper half, so that
/// clients that lost the same Redis do not return in step.
struct Backoff {
    let initial: Duration
    let maximum: Duration
    private var ceiling: Duration

    init(initial: Duration, maximum: Duration) {
        self.initial = initial
        self.maximum = maximum
        ceiling = initial
    }

    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { ceiling = min(ceiling * 2, maximum) }
        return ceiling * Double.random(in: 0.5...1, using: &generator)
    }

    mutating func reset() {
        ceiling = initial
    }
}
