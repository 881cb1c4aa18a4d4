// What is promised about jobs that ended long ago: they go, with all that is known about them, and nothing else does.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct JanitorTests {
    @Test func whatEndedLongAgoLeavesNothingBehind() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.fail(.song, "s1")
            _ = try await lane.enqueue(.playlist, "p")
            _ = try await lane.drain()
            let waiting = try #require(try await lane.enqueue(.song, "s9").job)
            let kept = Janitor(lanes: ["0"], store: lane.store, logger: .quiet)
            #expect(try await kept.clean() == 0)

            let scripts = Scripts(analyzers: .builtIn, limits: QueueLimits(retentionSeconds: -1))
            let store = Store(redis: lane.store.redis, keys: lane.store.keys, scripts: scripts)
            #expect(try await Janitor(lanes: ["0"], store: store, logger: .quiet).clean() == 2)
            #expect(try await lane.status() == QueueStatus(pending: 1, waitingHigh: 1, audioMsWaiting: 1000))
            let names = try await lane.store.run(\.scan, lane: "0", [0, 10_000]).elements?.last?.elements
            let jobs = (names ?? []).compactMap(\.text).filter { name in
                ["job:", "dead", "ended"].contains { name.hasPrefix($0) } || name.hasSuffix(":ended")
            }
            #expect(Set(jobs) == ["job:\(waiting.id)", "job:\(waiting.id):songs"])
            #expect(try await lane.verify() == [])
        }
    }
}
