// What is promised about the statistics: each day tells what happened on it, to operators alone.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct StatisticsTests {
    @Test func aDayTellsWhatHappenedOnIt() async throws {
        try await withLane(limits: QueueLimits(retryBase: .zero)) { lane in
            let before = Int64.now / 86_400_000
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            var item = try await lane.exchange()
            item = try await lane.exchange(item, .failed(Failed(reason: "no such file", kind: .missing)))
            item = try await lane.exchange(item, .failed(Failed(reason: "crashed", kind: .crashed)))
            _ = try await lane.drain(from: item)
            let cancelled = try #require(try await lane.enqueue(.song, "s9").job)
            _ = try await lane.queue.change(jobID: cancelled.id, userID: "u", event: .cancelled)

            let days = try await StatisticsReader(lanes: ["0"], store: lane.store).days(3, nowMs: .now)
            #expect(days.count == 3 && days[0].enqueued == 0)
            // At midnight, the day before has some of it.
            guard before == Int64.now / 86_400_000 else { return }
            #expect(
                days[2]
                    == DayStatistics(
                        dayMs: before * 86_400_000, enqueued: 2, completed: 1, cancelled: 1, songsAnalysed: 4,
                        songsFailed: 1, songsRetried: 1, audioMs: 4000))
            let expiry = try await lane.store.send("TTL", lane.store.keys.lane("0", .day, "\(before)")).int ?? 0
            #expect(expiry > 400 * 86_400)
        }
    }

    @Test func moreDaysThanAreKeptAreRefused() async throws {
        try await withServingQueue { queue in
            let refused = RPCError(.invalidArgument, "days is 401; 1 to 400 are right, or 0 for 7")
            await #expect(throws: refused) { try await queue.queue.getStatistics(StatisticsRequest(days: 401)) }
            let standard = try await queue.queue.getStatistics(StatisticsRequest())
            #expect(standard.days.count == 7)
        }
    }
}
