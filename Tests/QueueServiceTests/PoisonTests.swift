// What the scripts promise about jobs that take their worker down.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct PoisonTests {
    @Test func aJobThatTakesItsWorkerDownThreeTimesInARowIsADeadLetter() async throws {
        try await withLane { lane in
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            for _ in 1...3 {
                #expect(try await lane.job(job.id).state == .pending)
                try await lane.hold()
                _ = try #require(try await lane.exchange())
                try await lane.loseWorker()
            }
            let poison = try await lane.job(job.id)
            #expect(poison.state == .failed)
            #expect(poison.error == "poison: song s0 took the worker down 3 times in a row")
            let dead = try await lane.store.send("ZRANGE", lane.store.keys.lane("0", .dead), 0, -1).elements ?? []
            #expect(dead.map(\.text) == [job.id])
            let kinds = try await lane.events().suffix(2).map(\.kind)
            #expect(kinds == [.workerLost, .failed])
            #expect(poison.failures == [SongFailure(songID: "s0", reason: poison.error)])
        }
    }

    @Test func backgroundWorkLeavesPoisonOut() async throws {
        try await withLane { lane in
            _ = try await lane.enqueue(.song, "s1")
            for _ in 1...3 {
                try await lane.hold()
                _ = try #require(try await lane.exchange())
                try await lane.loseWorker()
            }
            let library = Library(userID: "u", lane: "0", analyzers: .builtIn, store: lane.store)
            #expect(try await library.song("s1").summary?.state == .failed)
        }
    }

    @Test func aSongThatEndsInBetweenClearsTheJob() async throws {
        try await withLane { lane in
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            for _ in 1...4 {
                try await lane.hold()
                let item = try #require(try await lane.exchange())
                _ = try #require(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))))
                try await lane.loseWorker()
            }
            #expect(try await lane.job(job.id).state == .pending)
        }
    }

    @Test func givingALaneBackInGoodOrderDoesNotCount() async throws {
        try await withLane { lane in
            let job = try #require(try await lane.enqueue(.playlist, "p").job)
            for _ in 1...4 {
                try await lane.hold()
                _ = try #require(try await lane.exchange())
                _ = try await lane.queue.release(worker: "w", lease: lane.lease)
            }
            #expect(try await lane.job(job.id).state == .pending)
        }
    }
}

extension TestLane {
    /// The lease runs out, and the lane is swept.
    func loseWorker() async throws {
        try await store.send("DEL", store.keys.lane("0", .lease))
        _ = try await queue.sweep()
    }
}
