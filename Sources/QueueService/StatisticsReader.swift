// What happened on each day, as the scripts have counted it.

import AnalysisAPI
import Jobs
import Redis

struct StatisticsReader: Sendable {
    let lanes: [String]
    let store: Store

    fileprivate static let dayMs: Int64 = 86_400_000

    /// The days that have begun by now, `count` of them, the latest last.
    func days(_ count: Int, nowMs: Int64) async throws -> [DayStatistics] {
        let today = nowMs / Self.dayMs
        var days = (0..<Int64(count)).reversed().map { DayStatistics(dayMs: (today - $0) * Self.dayMs) }
        for lane in lanes {
            let replies = try await store.pipeline(
                days.map { ["HGETALL", RedisArgument(store.keys.lane(lane, .day, "\($0.dayMs / Self.dayMs)"))] })
            for (index, reply) in replies.enumerated() { days[index].add(reply.map ?? [:]) }
        }
        return days
    }
}

extension Store {
    /// Adds to a lane's figures of the day what no script counts. The same name may come several times.
    func addToDay(_ figures: [(name: String, amount: Int64)], lane: String) async throws {
        let sums = Dictionary(figures.map { ($0.name, $0.amount) }, uniquingKeysWith: +).filter { $0.value != 0 }
        guard !sums.isEmpty else { return }
        let key = RedisArgument(keys.lane(lane, .day, "\(Int64.now / StatisticsReader.dayMs)"))
        try await pipeline(
            sums.map { ["HINCRBY", key, RedisArgument($0.key), RedisArgument($0.value)] }
                + [["EXPIRE", key, RedisArgument(QueueLimits.statisticsSeconds)]])
    }
}

extension DayStatistics {
    fileprivate mutating func add(_ counts: [String: RedisValue]) {
        func count(_ name: String) -> UInt64 { UInt64(clamping: counts[name]?.int ?? 0) }
        enqueued += count("enqueued")
        completed += count(JobEvent.completed.rawValue)
        failed += count(JobEvent.failed.rawValue)
        cancelled += count(JobEvent.cancelled.rawValue)
        interrupted += count(JobEvent.interrupted.rawValue)
        workersLost += count(JobEvent.workerLost.rawValue)
        songsAnalysed += count("song_analysed")
        songsFailed += count("song_failed")
        songsSkipped += count("song_skipped")
        songsRetried += count("song_retry")
        audioMs += count("audio_ms")
        clicks += count("clicks")
        clicksInTime += count("clicks_in_time")
        workersStarted += count("workers_started")
        attendedMs += count("attended_ms")
        recoveries += count("recoveries")
        recoveryMs += count("recovery_ms")
        thumbsUp += count("thumbs_up")
        thumbsDown += count("thumbs_down")
        watchedMs += count("watched_ms")
    }
}
