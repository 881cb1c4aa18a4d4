// The remaining time as it is shown: it counts down smoothly, whatever the estimate behind it does.

import Foundation

/// Follows an estimate of the remaining time without rising and without jumping.
///
/// With `q` the ratio of what is shown to what is estimated, it runs at `q³` seconds a second: at the pace of the clock
/// when both agree, faster when it shows too much and slower when it shows too little, so that both meet long before
/// the end; but beyond the pace of the clock it loses at most a seventh of itself in a second, so that nobody sees a jump.
/// An event that explains one starts a new countdown.
struct Countdown: Hashable, Sendable {
    private(set) var shownMs: Double
    private var atMs: Int64

    /// What it may lose in a second, as a share of what is shown.
    private static let steepest = 0.15

    init(estimateMs: Double, nowMs: Int64) {
        self.shownMs = estimateMs
        self.atMs = nowMs
    }

    /// Moves on to now, where `estimateMs` is estimated to remain.
    mutating func advance(estimateMs: Double, nowMs: Int64) {
        // The clock was set back.
        atMs = min(atMs, nowMs)
        guard nowMs > atMs, shownMs > 0 else { return }
        let elapsedMs = Double(nowMs - atMs)
        let before = estimateMs + elapsedMs
        let lowestMs = shownMs * exp(-Self.steepest * elapsedMs / 1000) - elapsedMs
        atMs = nowMs
        // The solution of dr/dt = -(r/e)³ for an estimate e that falls with the clock: with u = (e/r)², u - 1 shrinks
        // with the square of e.
        let shrunk = (estimateMs / before) * (estimateMs / before)
        let inverseSquare = 1 + ((before / shownMs) * (before / shownMs) - 1) * shrunk
        shownMs = max(min(shownMs, estimateMs / inverseSquare.squareRoot()), lowestMs)
    }
}
