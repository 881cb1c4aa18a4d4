// When background work may run, with the changes to summer time of real zones.

import Foundation
import Jobs
import Testing

@Suite struct WindowTests {
    @Test(arguments: ["22:00-06:00", "Mon,Tue,Wed,Thu,Fri 09:30-17:00", "Sat,Sun 00:00-24:00"])
    func windowsReadBack(_ text: String) throws {
        #expect(try Window(text).description == text)
    }

    @Test func daysMayBeARangeAcrossTheWeekend() throws {
        #expect(try Window("Fri-Mon 10:00-11:00") == Window("Mon,Fri,Sat,Sun 10:00-11:00"))
        #expect(try Window("Mon-Sun 10:00-11:00") == Window("10:00-11:00"))
    }

    @Test(arguments: [
        "", "22:00", "22-06", "25:00-06:00", "22:60-06:00", "24:01-06:00", "24:00-06:00", "08:00-08:00", "8:00-9:00",
        "+1:00-02:00", "mon 10:00-11:00", "Mon- 10:00-11:00", "Mon,,Tue 10:00-11:00", "a b 10:00-11:00",
        "10:00-11:00-12:00",
    ])
    func whatIsNoWindowIsRefused(_ text: String) {
        let error = #expect(throws: Window.Invalid.self) { try Window(text) }
        #expect(error?.description.isEmpty == false)
    }
}

@Suite struct ScheduleTests {
    @Test func aWindowAcrossMidnightBelongsToTheDayOnWhichItBegins() throws {
        let schedule = try berlin(offPeak: "Fri 22:00-06:00")
        // The 16th of January 2026 is a Friday.
        #expect(
            schedule.states("2026-01-15T00:00:00+01:00", count: 4) == [
                "peak until 2026-01-16T22:00:00+01:00", "open until 2026-01-17T06:00:00+01:00",
                "peak until 2026-01-23T22:00:00+01:00", "open until 2026-01-24T06:00:00+01:00",
            ])
    }

    @Test func theNightInWhichSummerBeginsIsAnHourShorter() throws {
        let schedule = try berlin(offPeak: "22:00-06:00")
        #expect(
            schedule.states("2026-03-28T21:59:59+01:00", count: 3) == [
                "peak until 2026-03-28T22:00:00+01:00", "open until 2026-03-29T06:00:00+02:00",
                "peak until 2026-03-29T22:00:00+02:00",
            ])
        #expect(
            instant("2026-03-29T06:00:00+02:00").timeIntervalSince(instant("2026-03-28T22:00:00+01:00")) == 7 * 3600)
    }

    @Test func theNightInWhichSummerEndsIsAnHourLonger() throws {
        let schedule = try berlin(offPeak: "22:00-06:00")
        #expect(schedule.states("2026-10-24T22:00:00+02:00", count: 1) == ["open until 2026-10-25T06:00:00+01:00"])
        #expect(
            instant("2026-10-25T06:00:00+01:00").timeIntervalSince(instant("2026-10-24T22:00:00+02:00")) == 9 * 3600)
    }

    @Test func anHourThatTheSpringLeavesOutDoesNotCome() throws {
        let schedule = try berlin(offPeak: "02:00-03:00")
        #expect(
            schedule.states("2026-03-28T12:00:00+01:00", count: 2) == [
                "peak until 2026-03-30T02:00:00+02:00", "open until 2026-03-30T03:00:00+02:00",
            ])
        // A window that begins within that hour begins with what follows it.
        #expect(
            try berlin(offPeak: "02:30-04:00").states("2026-03-29T00:00:00+01:00", count: 2) == [
                "peak until 2026-03-29T03:00:00+02:00", "open until 2026-03-29T04:00:00+02:00",
            ])
    }

    @Test func anHourThatTheAutumnRepeatsCountsTwice() throws {
        let schedule = try berlin(quietHours: "02:00-02:30")
        #expect(
            schedule.states("2026-10-25T01:00:00+02:00", count: 5) == [
                "open until 2026-10-25T02:00:00+02:00", "quiet until 2026-10-25T02:30:00+02:00",
                "open until 2026-10-25T02:00:00+01:00", "quiet until 2026-10-25T02:30:00+01:00",
                "open until 2026-10-26T02:00:00+01:00",
            ])
        #expect(
            try berlin(offPeak: "02:00-03:00").states("2026-10-25T01:00:00+02:00", count: 2) == [
                "peak until 2026-10-25T02:00:00+02:00", "open until 2026-10-25T03:00:00+01:00",
            ])
    }

    @Test func aWeeklyWindowThatTheSpringLeavesOutComesTheWeekAfter() throws {
        #expect(
            try berlin(offPeak: "Sun 02:00-03:00").states("2026-03-22T12:00:00+01:00", count: 1) == [
                "peak until 2026-04-05T02:00:00+02:00"
            ])
    }

    @Test func zonesBesidesBerlinHaveTheirOwnChanges() throws {
        // Lord Howe Island moves its clocks by half an hour; Kathmandu, a quarter off the hour, never does.
        let lordHowe = try schedule("Australia/Lord_Howe", offPeak: "22:00-06:00")
        #expect(lordHowe.states("2026-10-03T22:00:00+10:30", count: 1) == ["open until 2026-10-04T06:00:00+11:00"])
        let kathmandu = try schedule("Asia/Kathmandu", offPeak: "22:00-06:00")
        #expect(kathmandu.states("2026-03-28T22:00:00+05:45", count: 1) == ["open until 2026-03-29T06:00:00+05:45"])
    }

    @Test func quietHoursGoBeforeOffPeakWindows() throws {
        let schedule = try berlin(quietHours: "23:00-01:00", offPeak: "22:00-06:00")
        #expect(
            schedule.states("2026-01-01T12:00:00+01:00", count: 4) == [
                "peak until 2026-01-01T22:00:00+01:00", "open until 2026-01-01T23:00:00+01:00",
                "quiet until 2026-01-02T01:00:00+01:00", "open until 2026-01-02T06:00:00+01:00",
            ])
    }

    @Test func whatNeverChangesHasNoEnd() throws {
        #expect(Schedule.always.standing(at: .now) == (.open, nil))
        #expect(try berlin(quietHours: "00:00-24:00").standing(at: .now) == (.quiet, nil))
        #expect(try berlin(quietHours: "06:00-22:00", "22:00-06:00").standing(at: .now) == (.quiet, nil))
        #expect(try berlin(offPeak: "00:00-24:00").standing(at: instant("1969-12-31T23:59:59Z")) == (.open, nil))
    }

    private func berlin(quietHours: String..., offPeak: String...) throws -> Schedule {
        Schedule(
            timeZone: try #require(TimeZone(identifier: "Europe/Berlin")),
            quietHours: try quietHours.map { try Window($0) },
            offPeak: try offPeak.map { try Window($0) })
    }

    private func schedule(_ zone: String, offPeak: String) throws -> Schedule {
        Schedule(
            timeZone: try #require(TimeZone(identifier: zone)), quietHours: [], offPeak: [try Window(offPeak)])
    }
}

private func instant(_ text: String) -> Date {
    (try? Date(text, strategy: .iso8601)) ?? .distantPast
}

extension Schedule {
    /// How things stand from an instant on, so many times, each with its end as the zone's clock shows it.
    fileprivate func states(_ start: String, count: Int) -> [String] {
        var states: [String] = []
        var next: Date? = instant(start)
        for _ in 0..<count {
            guard let at = next else { break }
            let (now, until) = standing(at: at)
            var style = Date.ISO8601FormatStyle(timeZone: timeZone)
            style = style.timeZoneSeparator(.colon)
            states.append("\(now) until \(until.map { $0.formatted(style) } ?? "for ever")")
            next = until
        }
        return states
    }
}
