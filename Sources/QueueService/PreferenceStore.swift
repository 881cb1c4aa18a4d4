// Where the users' preferences are kept: in their lanes, beside what the scripts must know of them.

import AnalysisAPI
import Foundation
import Jobs
import Redis

struct PreferenceStore: Sendable {
    let store: Store
    /// Of the site.
    let timeZone: TimeZone

    func preferences(of userID: String, lane: String) async throws -> Preferences {
        let key = store.keys.lane(lane, .userPreferences, userID)
        guard let stored = try await store.send("HGET", key, "message").bytes else { return .standard }
        return try Preferences(stored: stored)
    }

    /// - Returns: what the lane's worker should be told: what waited for a time may begin now.
    func set(_ preferences: UserPreferences, of userID: String, lane: String) async throws -> Hint {
        try await apply(preferences, of: userID, lane: lane, isNew: true)
    }

    /// Works out anew whether songs of a user may be begun, when what was known of it has had its time.
    ///
    /// - Parameter stored: the preferences as the lane has them; where it has others by now, nothing is changed.
    func refresh(_ stored: [UInt8], of userID: String, lane: String) async throws {
        let preferences = try UserPreferences(Preferences(stored: stored), timeZone: timeZone, at: .now)
        _ = try await apply(preferences, of: userID, lane: lane, isNew: false)
    }

    private func apply(_ preferences: UserPreferences, of userID: String, lane: String, isNew: Bool) async throws
        -> Hint
    {
        let (standing, until) = preferences.schedule.standing(at: .now)
        let hold = BackgroundHold(reason: standing.reason.map { "\($0) of the user" } ?? "", until: until)
        return try Hint(
            lane: lane,
            reply: try await store.run(
                \.preferences, lane: lane,
                [
                    RedisArgument(userID), RedisArgument(isNew ? 1 : 0), RedisArgument(preferences.message.stored),
                    RedisArgument(preferences.message.backgroundAnalysis ? 1 : 0), RedisArgument(preferences.interval),
                    RedisArgument(hold.reason), RedisArgument(hold.untilMs),
                ]))
    }
}
