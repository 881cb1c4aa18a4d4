// What a user has set, as the page shows and changes it.

import AnalysisAPI

struct PreferencesAnswer: Answer {
    var success = true
    let preferences: PreferencesJSON

    init(_ preferences: Preferences) {
        self.preferences = PreferencesJSON(preferences)
    }
}

struct PreferencesJSON: Codable, Sendable {
    let autoAnalysis: Bool
    /// An IANA name; empty: the site's.
    let timeZone: String
    let quietHours: [String]
    let offPeak: [String]
    /// 0: any number.
    let songsPerHour: UInt32
    let notifications: NotificationsJSON
    let theme: ThemeName
    /// Whether the time may be counted for which the user watches progress.
    let watchingTime: Bool

    init(_ preferences: Preferences) {
        autoAnalysis = preferences.backgroundAnalysis
        timeZone = preferences.timeZone
        quietHours = preferences.quietHours
        offPeak = preferences.offPeak
        songsPerHour = preferences.songsPerHour
        notifications = NotificationsJSON(muted: preferences.muted)
        theme = ThemeName(preferences.theme)
        watchingTime = preferences.countsWatching
    }
}

/// By what becomes of an analysis, whether the user wants to be told.
struct NotificationsJSON: Codable, Sendable {
    let started: Bool
    let displaced: Bool
    let completed: Bool
    let failed: Bool
    let cancelled: Bool

    init(muted: [NotificationKind]) {
        started = !muted.contains(.started)
        displaced = !muted.contains(.displaced)
        completed = !muted.contains(.completed)
        failed = !muted.contains(.failed)
        cancelled = !muted.contains(.cancelled)
    }
}

/// `system` is what the user's device has.
enum ThemeName: String, Codable, CaseIterable, Sendable, Described {
    case system, light, dark

    init(_ theme: Theme) {
        switch theme {
        case .light: self = .light
        case .dark: self = .dark
        case .unspecified, .unrecognized: self = .system
        }
    }

    var theme: Theme {
        switch self {
        case .system: .unspecified
        case .light: .light
        case .dark: .dark
        }
    }
}

/// The members that a change gives; the others stay as they are.
struct PreferencesBody: Decodable, Sendable, Limited {
    let autoAnalysis: Bool?
    let timeZone: String?
    let quietHours: [String]?
    let offPeak: [String]?
    let songsPerHour: UInt32?
    let notifications: Notifications?
    let theme: ThemeName?
    let watchingTime: Bool?

    struct Notifications: Decodable, Sendable {
        let started: Bool?
        let displaced: Bool?
        let completed: Bool?
        let failed: Bool?
        let cancelled: Bool?
    }

    static let limits: [String: JSONValue] = [
        "time_zone": ["format": "time-zone"], "quiet_hours": windows("quiet-hours"),
        "off_peak": windows("off-peak-hours"),
    ]

    /// Such as `22:00-06:00` or `Mon-Fri 08:00-17:00`.
    private static func windows(_ format: String) -> JSONValue {
        ["maxItems": 50, "items": ["type": "string", "format": .string(format)]]
    }

    func applied(to preferences: Preferences) -> Preferences {
        var changed = preferences
        if let autoAnalysis { changed.backgroundAnalysis = autoAnalysis }
        if let timeZone { changed.timeZone = timeZone }
        if let quietHours { changed.quietHours = quietHours }
        if let offPeak { changed.offPeak = offPeak }
        if let songsPerHour { changed.songsPerHour = songsPerHour }
        if let theme { changed.theme = theme.theme }
        if let watchingTime { changed.countsWatching = watchingTime }
        let wishes: [(NotificationKind, Bool?)] = [
            (.started, notifications?.started), (.displaced, notifications?.displaced),
            (.completed, notifications?.completed), (.failed, notifications?.failed),
            (.cancelled, notifications?.cancelled),
        ]
        for case (let kind, let isWanted?) in wishes {
            changed.muted.removeAll { $0 == kind }
            if !isWanted { changed.muted.append(kind) }
        }
        return changed
    }
}

/// How long progress was before the user's eyes since that was reported last.
struct WatchingBody: Decodable, Sendable, Limited {
    let seconds: UInt32

    static let limits: [String: JSONValue] = ["seconds": ["minimum": 1, "maximum": 120]]
}

struct WatchingAnswer: Answer {
    var success = true
    /// Whether the user's preferences let it be counted.
    let counted: Bool
}
