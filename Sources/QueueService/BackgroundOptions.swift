// The flags about background work, for all users together.

import ArgumentParser
import Foundation
import Jobs

struct BackgroundOptions: ParsableArguments {
    @Option(help: "How many songs of a user's background work stand in the queue at a time.")
    var backgroundBatch = QueueLimits().backgroundBatch

    @Option(
        help: "Hours in which no background song is begun, as 22:00-06:00 or 'Mon-Fri 08:00-17:00'. Repeatable.",
        transform: window(_:))
    var backgroundQuietHours: [Window] = []

    @Option(
        help: "Hours outside of which no background song is begun. Repeatable; any time if left out.",
        transform: window(_:))
    var backgroundOffPeak: [Window] = []

    @Option(help: "The time zone of these hours, and of users who name none: an IANA name such as Europe/Berlin.")
    var backgroundTimeZone = "GMT"

    @Option(help: "How many background songs are begun in an hour at most, evenly spread; 0: any number.")
    var backgroundSongsPerHour: UInt32 = 0

    @Option(
        help: """
            The load of a core of a worker's machine above which no background song is begun there, as uptime tells it for the \
            last minute. Any if left out.
            """)
    var backgroundMaxLoad: Double?

    @Option(
        help: "The share of the memory of a worker's machine, in percent, that must be available for background work.")
    var backgroundMinMemory: Double?

    func validate() throws {
        guard (1...10_000).contains(backgroundBatch) else {
            throw ValidationError("--background-batch is \(backgroundBatch); it must be between 1 and 10000 songs.")
        }
        guard let timeZone = TimeZone(identifier: backgroundTimeZone) else {
            throw ValidationError(
                "--background-time-zone '\(backgroundTimeZone)' is unknown; an IANA name such as Europe/Berlin is right."
            )
        }
        let (standing, until) = schedule(timeZone).standing(at: .now)
        guard standing == .open || until != nil else {
            throw ValidationError("--background-quiet-hours and --background-off-peak leave no time at all.")
        }
        if let load = backgroundMaxLoad, !(load > 0) {
            throw ValidationError("--background-max-load is \(load); it must be above 0.")
        }
        if let memory = backgroundMinMemory, !(memory > 0 && memory < 80) {
            throw ValidationError("--background-min-memory is \(memory); it must be above 0 and below 80 percent.")
        }
    }

    /// What the flags say.
    var rules: BackgroundRules {
        BackgroundRules(
            schedule: schedule(TimeZone(identifier: backgroundTimeZone) ?? .gmt), songsPerHour: backgroundSongsPerHour,
            machine: MachineLimits(maximumLoad: backgroundMaxLoad, minimumMemory: backgroundMinMemory.map { $0 / 100 }))
    }

    private func schedule(_ timeZone: TimeZone) -> Schedule {
        Schedule(timeZone: timeZone, quietHours: backgroundQuietHours, offPeak: backgroundOffPeak)
    }
}

private func window(_ text: String) throws -> Window {
    do {
        return try Window(text)
    } catch {
        throw ValidationError("\(error)")
    }
}
