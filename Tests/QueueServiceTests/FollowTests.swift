// What followers of the event log are promised: every event once, in order, from wherever they are.

import AnalysisAPI
import RPC
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct FollowTests {
    @Test(arguments: RedisKind.allCases) func followingResumesFromACursorWithoutGapOrDuplicate(on redis: RedisKind)
        async throws
    {
        try await withServingQueue(on: redis.shared()) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let start = try await queue.end()
                let job = try #require(try await queue.enqueue(.playlist, "p").job)
                _ = try await worker.drain(from: try await worker.work())
                let all = try await queue.events(after: start) { $0.kind == .completed }
                let songs: [EventKind] = (1...5).flatMap { _ in [.started, .songAnalysed] }
                #expect(all.map(\.kind) == [.enqueued] + songs + [.completed])
                #expect(all.last?.job?.id == job.id && all.last?.job?.analysed == 5)
                for (index, event) in all.enumerated().dropLast() {
                    let rest = try await queue.events(after: event.cursor) { $0.kind == .completed }
                    #expect(rest == Array(all[(index + 1)...]))
                }
            }
        }
    }

    @Test func aSnapshotHoldsAllLiveJobsAndNoneThatEnded() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.song, "s9")
                _ = try await worker.drain(from: try await worker.work())
                let background = try await queue.enqueue(.background).job
                let playlist = try await queue.enqueue(.playlist, "p").job
                let events = try await queue.events { $0.kind == .snapshotEnd }
                #expect(events.dropLast().map { $0.job?.id } == [playlist?.id, background?.id])
                #expect(events.dropLast().allSatisfy { $0.kind == .snapshot })
            }
        }
    }

    @Test func aCursorThatTheLogDoesNotReachGetsASnapshot() async throws {
        try await withQueue { queue in
            let job = try await queue.serving {
                try await queue.fill()
                return try await queue.enqueue(.playlist, "p").job
            }
            try await queue.serving {
                let events = try await queue.events(after: "1-1") { $0.kind == .snapshotEnd }
                #expect(events.map { $0.job?.id } == [job?.id, nil])
            }
        }
    }

    @Test func aFollowerIsToldOfWhatHappensWhileItWaits() async throws {
        try await withServingQueue { queue in
            var seen: [EventKind] = []
            for try await event in queue.queue.follow(FollowRequest(), options: CallOptions(timeout: .seconds(30))) {
                seen.append(event.kind)
                if event.kind == .snapshotEnd { _ = try await queue.enqueue(.song, "s1") }
                if event.kind == .enqueued { break }
            }
            #expect(seen == [.snapshotEnd, .enqueued])
        }
    }

    @Test(arguments: ["", "x", "1", "1-2-3"])
    func aCursorThatIsNoneIsRefused(cursor: String) async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) { try await queue.events(after: cursor) { _ in true } }
            #expect(error?.code == .invalidArgument)
        }
    }
}
