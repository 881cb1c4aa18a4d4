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
            let song = try #require(try await lane.enqueue(.song, "s9").job)
            let list = try #require(try await lane.enqueue(.playlist, "p", force: true).job)
            let kept = Janitor(
                lanes: Lanes(atLeast: 1, store: lane.store, logger: .quiet), store: lane.store, logger: .quiet)
            #expect(try await kept.clean() == 0)

            let scripts = Scripts(analyzers: .builtIn, limits: QueueLimits(retentionSeconds: -1))
            let store = Store(redis: lane.store.redis, keys: lane.store.keys, scripts: scripts)
            #expect(
                try await Janitor(lanes: Lanes(atLeast: 1, store: store, logger: .quiet), store: store, logger: .quiet)
                    .clean() == 2)
            let status = try await lane.status()
            #expect(status.pending == 2 && status.completed == 0 && status.failed == 0)
            let names = try await lane.store.run(\.scan, lane: "0", [0, 10_000]).elements?.last?.elements
            let jobs = (names ?? []).compactMap(\.text).filter { name in
                ["job:", "dead", "ended"].contains { name.hasPrefix($0) } || name.hasSuffix(":ended")
            }
            #expect(Set(jobs) == ["job:\(song.id)", "job:\(list.id)", "job:\(list.id):songs"])
            #expect(try await lane.verify() == [])
        }
    }
}
