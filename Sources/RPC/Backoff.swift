// How long to wait before connecting again.

/// Waits that grow by `factor` up to `longest`; each is drawn from between half and the whole of it, so that clients of a
/// server that restarts do not come back all at once.
package struct Backoff: Sendable, Hashable {
    package var shortest: Duration = .milliseconds(50)
    package var longest: Duration = .seconds(1)
    package var factor = 1.6

    package init() {}

    /// The wait after a number of failed attempts in a row, which is at least 1.
    func delay(failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        var whole = shortest
        for _ in 1..<max(failures, 1) where whole < longest { whole = whole * factor }
        return min(whole, longest) * Double.random(in: 0.5...1, using: &random)
    }

    /// The same with the system's random numbers.
    package func delay(failures: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return delay(failures: failures, using: &random)
    }
}
