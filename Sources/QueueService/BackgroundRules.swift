// What holds back background work: what the site has decided, and what a user has set.

import AnalysisAPI
import Foundation
import Jobs
import RPC

/// What the site has decided about background work, for all users together.
struct BackgroundRules: Sendable {
    var schedule = Schedule.always
    /// How many songs may be begun in an hour; 0: any number.
    var songsPerHour: UInt32 = 0
    var machine = MachineLimits()

    /// What the schedule holds back; nil: nothing.
    func hold(at instant: Date) -> BackgroundHold? {
        let (standing, until) = schedule.standing(at: instant)
        return standing.reason.map { BackgroundHold(reason: "\($0) of the site", until: until) }
    }

    /// How many milliseconds pass at least between the beginnings of two songs of the site.
    var interval: Int64 { millisecondsBetweenSongs(perHour: songsPerHour) }
}

/// How busy a worker's machine may be, with the work of others, for background work to go on there.
struct MachineLimits: Sendable {
    /// The load of a core; nil: any.
    var maximumLoad: Double?
    /// The share of the memory that must be available, from 0 to 1; nil: none.
    var minimumMemory: Double?

    /// How far below the limit the load, and how far above it the memory, must come for held work to go on, so that it
    /// does not start and stop all the time.
    private static let relief = 0.8

    /// Why background work is held back; nil: it is not.
    ///
    /// - Parameter isHeld: whether it was so far.
    func reason(_ machine: MachineLoad, isHeld: Bool) -> String? {
        let relief = isHeld ? Self.relief : 1
        if let maximumLoad, machine.loadPerCore > maximumLoad * relief {
            return
                "the load of the worker's machine is \(number(machine.loadPerCore)) a core, above \(number(maximumLoad))"
        }
        if let minimumMemory, machine.memoryAvailable < minimumMemory / relief {
            return """
                \(number(machine.memoryAvailable * 100)) % of the memory of the worker's machine are free, \
                below \(number(minimumMemory * 100))
                """
        }
        return nil
    }

    private func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// What a user has set, found right.
struct UserPreferences: Sendable {
    let message: Preferences
    let schedule: Schedule

    private static let windowsLimit = 50

    /// - Parameter timeZone: that of the site, for who names none.
    /// - Throws: `RPCError`, which names the field that is wrong, and what would be right.
    init(_ message: Preferences, timeZone: TimeZone, at instant: Date) throws {
        let zone = message.timeZone.isEmpty ? timeZone : TimeZone(identifier: message.timeZone)
        guard let zone else {
            throw RPCError(
                .invalidArgument,
                "time_zone '\(message.timeZone)' is unknown; an IANA name such as Europe/Berlin is right")
        }
        schedule = Schedule(
            timeZone: zone, quietHours: try Self.windows(message.quietHours, field: "quiet_hours"),
            offPeak: try Self.windows(message.offPeak, field: "off_peak"))
        let (standing, until) = schedule.standing(at: instant)
        guard standing == .open || until != nil else {
            throw RPCError(
                .invalidArgument,
                "quiet_hours and off_peak leave no time at all; background_analysis switches it off")
        }
        if let kind = message.muted.first(where: { !NotificationKind.allCases.dropFirst().contains($0) }) {
            throw RPCError(
                .invalidArgument,
                "muted has an unknown kind (\(kind.rawValue)); NOTIFICATION_KIND_COMPLETED, for example, is right")
        }
        guard Theme.allCases.contains(message.theme) else {
            throw RPCError(
                .invalidArgument, "theme is unknown; THEME_LIGHT and THEME_DARK are right, or it is left out")
        }
        var message = message
        message.muted = Set(message.muted).sorted { $0.rawValue < $1.rawValue }
        message.quietHours = schedule.quietHours.map(\.description)
        message.offPeak = schedule.offPeak.map(\.description)
        self.message = message
    }

    /// How many milliseconds pass at least between the beginnings of two songs.
    var interval: Int64 { millisecondsBetweenSongs(perHour: message.songsPerHour) }

    private static func windows(_ texts: [String], field: String) throws -> [Window] {
        guard texts.count <= windowsLimit else {
            throw RPCError(.invalidArgument, "\(field) has \(texts.count) entries; at most \(windowsLimit) are right")
        }
        return try texts.enumerated().map { index, text in
            do {
                return try Window(text)
            } catch {
                throw RPCError(.invalidArgument, "\(field)[\(index)]: \(error)")
            }
        }
    }
}

extension Preferences {
    /// What holds for a user who has set nothing.
    static let standard = Preferences(backgroundAnalysis: true)
}

extension Schedule.Standing {
    /// Why nothing is begun now, for people; nil: something is.
    var reason: String? {
        switch self {
        case .open: nil
        case .quiet: "quiet hours"
        case .peak: "outside the off-peak hours"
        }
    }
}

extension BackgroundHold {
    init(reason: String, until: Date?) {
        self.init(reason: reason, untilMs: until.map { Int64($0.timeIntervalSince1970 * 1000) } ?? 0)
    }
}

/// For songs that are spread evenly over an hour; 0: they are not.
private func millisecondsBetweenSongs(perHour songs: UInt32) -> Int64 {
    songs == 0 ? 0 : (3_600_000 + Int64(songs) - 1) / Int64(songs)
}
