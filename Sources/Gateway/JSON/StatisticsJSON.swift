// What happened in the last days, and how users fared, as JSON.

import AnalysisAPI

/// `GET /api/admin/statistics`: the last days, the latest last, and what all of them come to.
struct DaysAnswer: Answer {
    var success = true
    let days: [Day]
    let figures: ProductFigures

    struct Day: Codable, Sendable {
        /// When it begins, in UTC.
        let day: Timestamp
        let enqueued: UInt64
        let completed: UInt64
        let failed: UInt64
        let cancelled: UInt64
        let interrupted: UInt64
        let workersLost: UInt64
        let songsAnalyzed: UInt64
        let songsFailed: UInt64
        let songsSkipped: UInt64
        let songsRetried: UInt64
        /// Of the songs analysed.
        let audioSeconds: Double
    }

    init(_ statistics: Statistics, now: Timestamp = .now) {
        days = statistics.days.map {
            Day(
                day: Timestamp(millisecondsSince1970: $0.dayMs), enqueued: $0.enqueued, completed: $0.completed,
                failed: $0.failed, cancelled: $0.cancelled, interrupted: $0.interrupted, workersLost: $0.workersLost,
                songsAnalyzed: $0.songsAnalysed, songsFailed: $0.songsFailed, songsSkipped: $0.songsSkipped,
                songsRetried: $0.songsRetried, audioSeconds: Double($0.audioMs) / 1000)
        }
        figures = ProductFigures(statistics, now: now)
    }
}

/// How users fared. Shares are from 0 to 1, and left out where there is nothing to share.
struct ProductFigures: Codable, Sendable {
    /// Analysed, from the beginning of the first day on which anything happened until now.
    let songsPerHour: Double?
    let users: UInt64
    /// Of all users, those whose preferences let background analysis begin at login.
    let backgroundAnalysisShare: Double?
    /// Of the jobs that ended and were not cancelled.
    let completedShare: Double?
    /// Of the songs that somebody clicked on, those that began, or were found analysed, within 2 s.
    let clicksInTimeShare: Double?
    /// The share of that time in which a worker was there.
    let workerAvailability: Double?
    let workersStarted: UInt64
    /// How long jobs that had lost their worker waited on average until they ran again.
    let recoverySeconds: Double?
    /// What users said of jobs that had ended.
    let thumbsUp: UInt64
    let thumbsDown: UInt64
    /// For which progress was before the eyes of users who let that be counted.
    let watchedSeconds: Double

    init(_ statistics: Statistics, now: Timestamp) {
        let days = statistics.days
        func sum(_ count: KeyPath<DayStatistics, UInt64>) -> Double {
            days.reduce(0) { $0 + Double($1[keyPath: count]) }
        }
        let first = days.first { $0.enqueued > 0 || $0.attendedMs > 0 }
        let elapsedMs = first.map { Double(max(now.millisecondsSince1970 - $0.dayMs, 0)) } ?? 0
        songsPerHour = share(sum(\.songsAnalysed), of: elapsedMs / 3_600_000)
        users = statistics.users
        backgroundAnalysisShare = share(
            Double(statistics.usersWithBackgroundAnalysis), of: Double(statistics.users))
        completedShare = share(sum(\.completed), of: sum(\.completed) + sum(\.failed))
        clicksInTimeShare = share(sum(\.clicksInTime), of: sum(\.clicks))
        workerAvailability = share(sum(\.attendedMs), of: elapsedMs).map { min($0, 1) }
        workersStarted = UInt64(sum(\.workersStarted))
        recoverySeconds = share(sum(\.recoveryMs) / 1000, of: sum(\.recoveries))
        thumbsUp = UInt64(sum(\.thumbsUp))
        thumbsDown = UInt64(sum(\.thumbsDown))
        watchedSeconds = sum(\.watchedMs) / 1000
    }
}

private func share(_ part: Double, of whole: Double) -> Double? { whole > 0 ? part / whole : nil }
