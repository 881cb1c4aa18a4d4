// Hours of the week, as people write them: `22:00-06:00`, `Mon-Fri 22:00-06:00`, `Sat,Sun 00:00-24:00`.

/// A span of every day, or of some days of the week, by the clock on the wall.
package struct Window: Hashable, Sendable, CustomStringConvertible {
    package enum Weekday: Int, CaseIterable, Sendable {
        case mon, tue, wed, thu, fri, sat, sun

        fileprivate var next: Weekday { Self.allCases[(rawValue + 1) % 7] }
        fileprivate var name: String { "\(self)".prefix(1).uppercased() + "\(self)".dropFirst() }
    }

    /// Why a text is no window, for people.
    package struct Invalid: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// The days on which the window begins.
    let days: Set<Weekday>
    /// Minutes after midnight; where the end is not after the start, it is the next day's.
    let start: Int
    let end: Int

    /// Reads `HH:MM-HH:MM`, after days with commas and hyphens between them where it is not meant for every day.
    package init(_ text: String) throws(Invalid) {
        let words = text.split(separator: " ")
        let times = words.last?.split(separator: "-").map(Self.minute) ?? []
        guard (1...2).contains(words.count), times.count == 2, let start = times[0], let end = times[1] else {
            throw Invalid(description: "'\(text)' is no window; right is 22:00-06:00, or Mon-Fri 22:00-06:00")
        }
        guard start != end, start != 24 * 60 else {
            throw Invalid(description: "'\(text)' begins where it ends; the whole day is 00:00-24:00")
        }
        guard let days = words.count == 2 ? Self.days(words[0]) : Set(Weekday.allCases) else {
            throw Invalid(description: "'\(words[0])' names no days; right is Mon-Fri, or Sat,Sun")
        }
        (self.days, self.start, self.end) = (days, start, end)
    }

    /// Whether a minute of a day is within the window.
    func contains(minute: Int, of day: Weekday) -> Bool {
        if start < end { return days.contains(day) && (start..<end).contains(minute) }
        return (minute >= start && days.contains(day)) || (minute < end && days.contains { $0.next == day })
    }

    package var description: String {
        func time(_ minute: Int) -> String {
            let (hour, minute) = minute.quotientAndRemainder(dividingBy: 60)
            return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        }
        let names = Weekday.allCases.filter(days.contains).map(\.name).joined(separator: ",")
        return "\(days.count == 7 ? "" : names + " ")\(time(start))-\(time(end))"
    }

    /// `00:00` to `24:00`, in minutes.
    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isWholeNumber) }),
            let hour = UInt8(parts[0]),
            let minute = UInt8(parts[1]), minute < 60, hour < 24 || (hour == 24 && minute == 0)
        else { return nil }
        return Int(hour) * 60 + Int(minute)
    }

    private static func days(_ text: Substring) -> Set<Weekday>? {
        var days: Set<Weekday> = []
        for range in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false)
                .map { name in Weekday.allCases.first { $0.name == name } }
            guard (1...2).contains(ends.count), var day = ends[0], let last = ends[ends.count - 1] else { return nil }
            days.insert(day)
            while day != last {
                day = day.next
                days.insert(day)
            }
        }
        return days
    }
}
