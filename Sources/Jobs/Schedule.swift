// When background work may run: in its off-peak windows, and never in its quiet hours, by the clock of a time zone.

package import Foundation

/// The times of background work. Without windows it may run at any time.
package struct Schedule: Hashable, Sendable {
    package let timeZone: TimeZone
    package let quietHours: [Window]
    /// None: any time is off-peak.
    package let offPeak: [Window]

    package static let always = Schedule(timeZone: .gmt, quietHours: [], offPeak: [])

    package init(timeZone: TimeZone, quietHours: [Window], offPeak: [Window]) {
        (self.timeZone, self.quietHours, self.offPeak) = (timeZone, quietHours, offPeak)
    }

    package enum Standing: Hashable, Sendable {
        case open
        /// It is a quiet hour.
        case quiet
        /// It is none of the off-peak windows.
        case peak
    }

    /// How things stand, and at which instant that changes; nil: it never does.
    ///
    /// An hour that a change to or from summer time repeats counts both times, and one that it leaves out does not come: a
    /// window from 22:00 to 06:00 is nine hours long in the one night, and seven in the other.
    package func standing(at instant: Date) -> (now: Standing, until: Date?) {
        let now = look(at: instant)
        guard !(quietHours + offPeak).isEmpty else { return (now, nil) }
        var next = instant
        // Weeks are alike, but for the one in which a change of the clock leaves a window out.
        while next < instant + 15 * Self.day {
            next = boundary(after: next)
            if look(at: next) != now { return (now, next) }
        }
        return (now, nil)
    }

    private static let day: TimeInterval = 24 * 3600

    private func look(at instant: Date) -> Standing {
        let (weekday, second) = wallClock(at: instant)
        func isWithin(_ windows: [Window]) -> Bool {
            windows.contains { $0.contains(minute: Int(second / 60), of: weekday) }
        }
        if isWithin(quietHours) { return .quiet }
        return offPeak.isEmpty || isWithin(offPeak) ? .open : .peak
    }

    /// The day and the second of the day that the clock shows.
    private func wallClock(at instant: Date) -> (Window.Weekday, second: TimeInterval) {
        let wall = instant.timeIntervalSince1970 + TimeInterval(timeZone.secondsFromGMT(for: instant))
        let days = (wall / Self.day).rounded(.down)
        // The first of January 1970 was a Thursday.
        let weekday = (Int(days) % 7 + 7 + Window.Weekday.thu.rawValue) % 7
        return (Window.Weekday.allCases[weekday], wall - days * Self.day)
    }

    /// The first instant after this one at which the clock shows a window's start or end or midnight, or is changed.
    private func boundary(after instant: Date) -> Date {
        let (_, second) = wallClock(at: instant)
        let edges = (quietHours + offPeak).flatMap { [$0.start, $0.end] }.map { TimeInterval($0 * 60) }
        let next = edges.filter { $0 > second }.min() ?? Self.day
        let change = timeZone.nextDaylightSavingTimeTransition(after: instant) ?? .distantFuture
        return min(instant + (next - second), change)
    }
}
