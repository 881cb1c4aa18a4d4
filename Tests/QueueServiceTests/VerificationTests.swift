// What is promised about recounting a lane: it finds each kind of damage, mends it, and takes nothing for damage that is none.

import AnalysisAPI
import Jobs
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite struct VerificationTests {
    /// Something that no script does.
    struct Planted: CustomTestStringConvertible, Sendable {
        let command: String
        let key: LaneKey
        var ids: [String] = []
        let arguments: [String]
        /// How what is found begins.
        let finding: String

        init(_ command: String, _ key: LaneKey, of ids: String..., with arguments: [String] = [], is finding: String) {
            (self.command, self.key, self.ids, self.arguments, self.finding) = (command, key, ids, arguments, finding)
        }

        var testDescription: String { "\(command) \(key) \(ids) \(arguments)" }
    }

    static let damages = [
        Planted("ZREM", .readyBackground, with: ["0-3"], is: "job 0-3 (pending) is missing in ready_background"),
        Planted(
            "ZADD", .readyBackground, with: ["7", "0-3"], is: "job 0-3 (pending) is out of place in ready_background"),
        Planted("ZADD", .ready, with: ["7", "0-3"], is: "job 0-3 (pending) does not belong in ready"),
        Planted("ZADD", .ready, with: ["7", "0-5"], is: "job 0-5 (paused) does not belong in ready"),
        Planted("ZADD", .due, with: ["7", "0-5"], is: "job 0-5 (paused) does not belong in due"),
        Planted("ZADD", .due, with: ["7", "0-99"], is: "there is no job 0-99"),
        Planted(
            "HSET", .job, of: "0-5", with: ["state", "scheduled"], is: "job 0-5 (scheduled) is missing in due"),
        Planted("ZREM", .live, with: ["0-5"], is: "job 0-5 (paused) is missing in live"),
        Planted("ZREM", .userJobs, of: "v", with: ["0-5"], is: "job 0-5 (paused) is missing in user_jobs"),
        Planted("ZADD", .userJobs, of: "v", with: ["7", "0-3"], is: "job 0-3 is not of user v"),
        Planted("ZREM", .ended, with: ["0-1"], is: "job 0-1 (completed) is missing in ended"),
        Planted("ZREM", .userEnded, of: "u", with: ["0-1"], is: "job 0-1 (completed) is missing in user_ended"),
        Planted("DEL", .dead, is: "job 0-2 (failed) is missing in dead"),
        Planted(
            "ZADD", .userDead, of: "u", with: ["7", "0-1"], is: "job 0-1 (completed) does not belong in user_dead"),
        Planted("ZADD", .live, with: ["7", "0-99"], is: "there is no job 0-99"),
        Planted("HSET", .moves, with: ["u", "away"], is: "the last move of user u is not understood"),
        Planted("DEL", .job, of: "0-3", is: "there is no job 0-3"),
        Planted("HDEL", .job, of: "0-3", with: ["type"], is: "job 0-3 does not say what it is"),
        Planted(
            "HSET", .job, of: "0-3", with: ["state", "asleep"], is: "job 0-3 (asleep) is in no state that there is"),
        Planted("HSET", .job, of: "0-3", with: ["class", "7"], is: "job 0-3 (pending) is of no class"),
        Planted("HDEL", .job, of: "0-1", with: ["ended_at_ms"], is: "job 0-1 (completed) does not say when it ended"),
        Planted("EXPIRE", .job, of: "0-3", with: ["1000"], is: "job 0-3 (pending) would expire"),
        Planted("RPOP", .jobSongs, of: "0-3", is: "job 0-3 (pending) has 2 songs and not 3"),
        Planted("RPUSH", .jobSongs, of: "0-99", with: ["1000 s1"], is: "there is no job 0-99"),
        Planted(
            "ZADD", .jobAside, of: "0-3", with: ["7", "1000 s1"],
            is: "job 0-3 (pending) has 1 songs to be tried again and not 0"),
        Planted(
            "ZADD", .jobAside, of: "0-4", with: ["7", "1000 s1"],
            is: "job 0-4 (in_progress) has 1 songs to be tried again and not 0"),
        Planted(
            "ZADD", .jobAside, of: "0-1", with: ["7", "1000 s1"],
            is: "job 0-1 (completed) has 1 songs to be tried again and not 0"),
        Planted("ZADD", .jobAside, of: "0-99", with: ["7", "1000 s1"], is: "there is no job 0-99"),
        Planted("HSET", .jobAttempts, of: "0-99", with: ["s1", "2"], is: "there is no job 0-99"),
        Planted("RPUSH", .jobFailures, of: "0-99", with: ["s1", "lost"], is: "there is no job 0-99"),
        Planted(
            "DEL", .userWishes, of: "v", is: "job 0-5 (paused) is not found by what it was asked for, song:0:s9"),
        Planted("HSET", .userWishes, of: "u", with: ["song:0:s7", "0-3"], is: "no job 0-3 does song:0:s7"),
        Planted(
            "HSET", .userWishes, of: "u", with: ["song:0:s1", "0-1"],
            is: "job 0-1 (completed) is still what song:0:s1 asks for"),
        Planted(
            "RPUSH", .userBacklog, of: "v", with: ["1000 s1"], is: "1 songs wait for a batch that is not there"),
        Planted("DEL", .songResults, of: "u", "s1", is: "song s1 has no result of audio@1, which its mark names"),
        Planted("DEL", .running, is: "job 0-4 (in_progress) does not run"),
        Planted("SET", .running, with: ["0-99"], is: "there is no job 0-99"),
        Planted("DEL", .lease, is: "job 0-4 runs, and no worker holds the lane"),
        Planted("PERSIST", .lease, is: "the lease never ends"),
        Planted("HINCRBY", .counts, with: ["pending", "3"], is: "pending is 4 and should be 1"),
        Planted(
            "HINCRBY", .counts, with: ["audio_ms_waiting", "-1"], is: "audio_ms_waiting is 6999 and should be 7000"),
        Planted("HSET", .counts, with: ["asleep", "1"], is: "asleep is 1 and should be 0"),
    ]

    static let restless =
        "lane 0 changes faster than its counters can be recounted; pause the queue meanwhile"

    @Test(arguments: damages) func damageIsFoundAndMended(_ planted: Planted) async throws {
        try await withBusyLane { lane in
            #expect(try await lane.verify() == [])
            let key = lane.store.keys.lane("0", planted.key, planted.ids)
            _ = try await lane.store.send(
                [RedisArgument(planted.command), RedisArgument(key)] + planted.arguments.map { RedisArgument($0) })

            let found = try await lane.verify()
            #expect(finds(planted, in: found), "\(found)")
            #expect(Set(found.map(\.repair)) == [""])
            #expect(try await lane.verify() == found, "looking changes nothing")
            let mended = try await lane.verify(repairs: true)
            #expect(finds(planted, in: mended), "\(mended)")
            #expect(!mended.map(\.repair).contains(""))
            #expect(try await lane.verify() == [])

            try await lane.hold()
            _ = try await lane.queue.change(jobID: "0-5", userID: "v", event: .resumed)
            _ = try await lane.drain()
            let status = try await lane.status()
            #expect(status.pending + status.inProgress + status.paused == 0)
            #expect(try await lane.verify() == [])
        }
    }

    private func finds(_ planted: Planted, in damage: [Damage]) -> Bool {
        damage.contains { $0.what.hasPrefix(planted.finding) }
    }

    @Test func aClaimWithoutALeaseIsMendedByOneSweep() async throws {
        try await withBusyLane { lane in
            try await lane.store.send("DEL", lane.store.keys.lane("0", .lease))
            _ = try await lane.queue.sweep()
            #expect(try await lane.verify() == [])
            #expect(try await lane.job("0-4").state == .pending)
        }
    }

    @Test(arguments: RedisKind.allCases) func aLaneThatIsWorkedOnIsNotTakenForDamaged(on redis: RedisKind) async throws
    {
        try await withLane(on: redis) { lane in
            try await lane.hold()
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 0... {
                        try Task.checkCancellation()
                        _ = try await lane.enqueue(.playlist, "p", force: true)
                        _ = try await lane.enqueue(.song, "s\(round % 10)", force: true)
                        _ = try await lane.drain()
                    }
                }
                for _ in 0..<20 {
                    // The counters of a lane that never rests cannot be recounted.
                    let found = await Result { try await lane.verify() }
                    let error = found.failure as? QueueError
                    #expect((try? found.get()) == [] || error == .unavailable(Self.restless))
                }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
            #expect(try await lane.verify() == [])
        }
    }

    @Test func operatorsVerifyAndRepairThroughTheService() async throws {
        try await withServingQueue { queue in
            let maintenance = MaintenanceClient(queue.client)
            try await queue.withStore { store in
                try await store.send("SET", store.keys.lane("0", .running), "0-99")
                try await store.send("HSET", store.keys.lane("0", .lease), "worker", "w")
            }
            var reports: [VerifyReport] = []
            for try await report in maintenance.verify(VerifyRequest(repair: true)) { reports.append(report) }
            let keys = reports.last?.keys ?? 0
            #expect(Set(reports.flatMap(\.damage).map(\.repair)) == ["taken back", "ended"])
            #expect(keys > 0)
            await #expect(throws: RPCError(.notFound, "there is no lane 7")) {
                for try await _ in maintenance.verify(VerifyRequest(lane: "7")) {}
            }
        }
    }
}

/// A lane with a job in each state: 0-1 completed, 0-2 failed, 0-3 waits with more to come, 0-4 runs, 0-5 of user v is paused.
private func withBusyLane(_ body: @Sendable (TestLane) async throws -> Void) async throws {
    try await withLane(limits: QueueLimits(backgroundBatch: 3)) { lane in
        try await lane.fill(user: "v")
        try await lane.hold()
        _ = try await lane.enqueue(.song, "s1")
        _ = try await lane.drain()
        _ = try await lane.fail(.song, "s2")
        _ = try await lane.enqueue(.background)
        _ = try await lane.enqueue(.playlist, "p")
        let item = try #require(try await lane.exchange())
        #expect(item.job.id == "0-4")
        _ = try await lane.enqueue(.song, "s9", user: "v")
        _ = try await lane.queue.change(jobID: "0-5", userID: "v", event: .paused)
        try await body(lane)
    }
}

extension TestLane {
    func verify(repairs: Bool = false) async throws -> [Damage] {
        var damage: [Damage] = []
        _ = try await Verification(lane: "0", store: store, patience: .zero).run(repairs: repairs) { damage += $0 }
        return damage.sorted { $0.what < $1.what }
    }
}
