// The remaining time as it is shown: it counts down smoothly, whatever the estimate behind it does.

import Foundation

/// Follows an estimate of the remaining time without rising and without jumping.
///
/// With `q` the ratio of what is shown to what is estimated, it runs at `q³` seconds a second: at the pace of the clock
/// when both agree, faster when it shows too much and slower when it shows too little, so that both meet long before
/// the end. An event that explains a jump starts a new countdown.
struct Countdown: Hashable, Sendable {
    private(set) var shownMs: Double
    private var atMs: Int64

    init(estimateMs: Double, nowMs: Int64) {
        self.shownMs = estimateMs
        self.atMs = nowMs
    }

    /// Moves on to now, where `estimateMs` is estimated to remain.
    mutating func advance(estimateMs: Double, nowMs: Int64) {
        guard nowMs > atMs, shownMs > 0 else { return }
        let before = estimateMs + Double(nowMs - atMs)
        atMs = nowMs
        // The solution of dr/dt = -(r/e)³ for an estimate e that falls with the clock: with u = (e/r)², u - 1 shrinks
        // with the square of e.
        let shrunk = (estimateMs / before) * (estimateMs / before)
        let inverseSquare = 1 + ((before / shownMs) * (before / shownMs) - 1) * shrunk
        shownMs = min(shownMs, estimateMs / inverseSquare.squareRoot())
    }
}
