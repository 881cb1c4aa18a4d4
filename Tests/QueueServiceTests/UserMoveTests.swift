// What is promised about moving a user to another lane: all that is theirs comes along, in its order, whatever breaks off meanwhile.

import AnalysisAPI
import Jobs
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(2))) struct UserMoveTests {
    @Test(arguments: RedisKind.allCases) func allThatIsTheUsersComesAlong(on redis: RedisKind) async throws {
        try await withTwoLanes(on: redis) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted("0")
                try await worker.granted("1")
                try await queue.analyse("s9", by: worker)
                let dead = try await queue.fail("s8", by: worker)
                let keyed = EnqueueRequest(userID: "u", type: .song, targetID: "s7", idempotencyKey: "once")
                let paused = try #require(try await queue.queue.enqueue(keyed).job)
                _ = try await queue.queue.pauseJob(JobRequest(userID: "u", jobID: paused.id))
                let before = try await queue.picture()
                // One runs, and is frozen for another that runs.
                let background = try #require(try await queue.enqueue(.background).job)
                let low = try await worker.work()
                let playlist = try #require(try await queue.enqueue(.playlist, "p").job)
                let item = try #require(try await worker.exchange(low, .suspended(Suspended())))
                #expect(item.jobID == playlist.id)

                let reply = try await queue.move(to: "1")
                #expect(reply.fromLane == "0" && reply.liveJobs == 3)
                let dropped = [try await worker.discarded(), try await worker.discarded()]
                #expect(Set(dropped.map(\.jobID)) == [playlist.id, background.id])

                #expect(try await queue.catalog.getUser(UserRequest(userID: "u")).lane == "1")
                #expect(try await queue.queue.enqueue(keyed).job?.id == paused.id)
                for userID in ["u", ""] {
                    let job = try await queue.queue.getJob(JobRequest(userID: userID, jobID: playlist.id))
                    #expect(job.lane == "1" && job.state == .interrupted)
                }
                #expect(await Result { try await worker.analysed(item) }.failure != nil)
                let done = try await worker.drain(from: try await worker.exchange(lane: "1"), lane: "1")
                #expect(done.prefix(5).allSatisfy { $0.hasPrefix("\(playlist.id) ") })
                #expect(done.dropFirst(5).allSatisfy { $0.hasPrefix("\(background.id) ") } && done.count == 8)
                _ = try await queue.queue.resumeJob(JobRequest(userID: "u", jobID: paused.id))
                #expect(try await queue.queue.retryJob(JobRequest(jobID: dead)).lane == "1")
                let rest = try await worker.drain(from: try await worker.exchange(lane: "1"), lane: "1")
                #expect(rest == ["\(dead) s8"])
                #expect(try await queue.job(paused.id).state == .completed)
                #expect(try await queue.damage() == [])
                let after = try await queue.picture()
                #expect(after.ended.count == 5 && after.ended.intersection(before.ended).count == 1)
                #expect(after.songs["s9"] == before.songs["s9"])
            }
        }
    }

    @Test(arguments: RedisKind.allCases) func whatIsLeftInTheOldLaneIsNothing(on redis: RedisKind) async throws {
        try await withTwoLanes(on: redis) { queue in
            try await queue.wait(inOrder: ["s3", "s1", "s2"])
            let before = try await queue.picture()
            _ = try await queue.move(to: "1")
            #expect(try await queue.picture() == before)
            try await queue.withStore { store in
                let reply = try await store.run(\.scan, lane: "0", ["0", 1_000_000, "user:u:*"])
                #expect(reply.elements?.last?.elements?.isEmpty == true)
                let jobs = try await store.run(\.scan, lane: "0", ["0", 1_000_000, "job:*"])
                #expect(jobs.elements?.last?.elements?.isEmpty == true)
            }
            // There and back again.
            _ = try await queue.move(to: "0")
            #expect(try await queue.picture() == before)
            #expect(try await queue.damage() == [])
            #expect(try await queue.enqueue(.song, "s4").job?.lane == "0")
        }
    }

    @Test func jobsStandBehindThoseThatWaitInTheNewLane() async throws {
        try await withTwoLanes { queue in
            let other = try await queue.userOfTheOtherLane()
            try await queue.wait(inOrder: ["s3", "s1"])
            let click = EnqueueRequest(userID: other, type: .song, targetID: "s5")
            let first = try #require(try await queue.queue.enqueue(click).job)
            _ = try await queue.move(to: "1")
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted("1")
                let done = try await worker.drain(from: try await worker.exchange(lane: "1"), lane: "1")
                #expect(done.first == "\(first.id) s5")
                #expect(done.compactMap { $0.split(separator: " ").last } == ["s5", "s3", "s1"])
            }
        }
    }

    @Test func aMoveThatBreaksOffIsFinishedByAnotherCall() async throws {
        try await withTwoLanes { queue in
            try await queue.wait(inOrder: ["s3", "s1", "s2", "s7", "s0"])
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted("0")
                try await queue.analyse("s9", by: worker)
            }
            let before = try await queue.picture()
            for attempt in 0..<24 {
                let lane = attempt.isMultiple(of: 2) ? "1" : "0"
                // The deadline strikes somewhere between the first step and the last.
                let options = CallOptions(timeout: .microseconds(500 + 1500 * attempt))
                _ = await Result {
                    try await queue.maintenance.moveUser(
                        MoveUserRequest(userID: "u", lane: lane), options: options)
                }
                if attempt.isMultiple(of: 3) { #expect(try await queue.damage() == []) }
                _ = try await queue.move(to: lane)
                #expect(try await queue.picture() == before)
            }
            #expect(try await queue.damage() == [])
        }
    }

    @Test(arguments: 1...4) func afterEachStepAnotherServiceDoesTheRest(steps: Int) async throws {
        try await withTwoLanes { queue in
            try await queue.wait(inOrder: ["s3", "s1"])
            let before = try await queue.picture()
            try await queue.withMove { move, accounts in
                let (attempt, _) = try #require(try await accounts.beginMove(of: "u", to: "1"))
                guard steps > 1 else { return }
                let suffixes = try await move.leave(attempt)
                guard steps > 2 else { return }
                _ = try await move.copy(suffixes, attempt)
                guard steps > 3 else { return }
                try await accounts.switchLane(attempt)
            }
            if steps > 1 {
                let error = await #expect(throws: RPCError.self) { try await queue.enqueue(.song, "s5") }
                #expect(error?.code == .unavailable)
                let removal = await #expect(throws: RPCError.self) {
                    try await queue.catalog.removeUser(UserRequest(userID: "u"))
                }
                #expect(removal?.code == .unavailable)
            }
            #expect(try await queue.damage() == [])
            _ = try await queue.move(to: "1")
            #expect(try await queue.picture() == before)
            #expect(try await queue.damage() == [])
            #expect(try await queue.enqueue(.song, "s5").job?.lane == "1")
        }
    }

    @Test func aMoveThatBrokeOffIsTakenBack() async throws {
        try await withTwoLanes { queue in
            try await queue.wait(inOrder: ["s3", "s1"])
            let before = try await queue.picture()
            try await queue.withMove { move, accounts in
                let (attempt, _) = try #require(try await accounts.beginMove(of: "u", to: "1"))
                _ = try await move.copy(try await move.leave(attempt), attempt)
            }
            _ = try await queue.move(to: "0")
            #expect(try await queue.picture() == before)
            #expect(try await queue.damage() == [])
            #expect(try await queue.enqueue(.song, "s5").job?.lane == "0")
        }
    }

    @Test func whoWasOvertakenByAnotherCallChangesNothing() async throws {
        try await withTwoLanes { queue in
            try await queue.wait(inOrder: ["s3", "s1"])
            let before = try await queue.picture()
            try await queue.withMove { move, accounts in
                let (slow, _) = try #require(try await accounts.beginMove(of: "u", to: "1"))
                let suffixes = try await move.leave(slow)
                _ = try await queue.move(to: "1")
                await #expect(throws: QueueError.self) { try await move.copy(suffixes, slow) }
                await #expect(throws: QueueError.self) { try await accounts.switchLane(slow) }
                _ = try await queue.move(to: "0")
                await #expect(throws: QueueError.self) { try await move.leave(slow) }
                await #expect(throws: QueueError.self) { try await move.forget(slow) }
            }
            #expect(try await queue.picture() == before)
        }
    }

    @Test func aReplicaThatRemembersTheOldLaneFindsTheNewOne() async throws {
        try await withTwoLanes { queue in
            try await queue.withMove(laneMemory: .seconds(3600)) { _, accounts in
                #expect(try await accounts.lane(of: "u") == "0")
                _ = try await queue.move(to: "1")
                let request = EnqueueRequest(userID: "u", type: .song, targetID: "s1")
                try await queue.withStore { store in
                    let enqueued = try await accounts.inLane(of: "u") { lane in
                        try await LaneQueue(lane: lane, store: store).enqueue(request)
                    }
                    #expect(enqueued.job?.lane == "1")
                }
            }
        }
    }

    @Test func theJanitorFinishesWhatNobodyIsAt() async throws {
        try await withTwoLanes { queue in
            try await queue.wait(inOrder: ["s3", "s1"])
            try await queue.withMove { move, accounts in
                let (attempt, _) = try #require(try await accounts.beginMove(of: "u", to: "1"))
                _ = try await move.leave(attempt)
                #expect(try await accounts.brokenMoves(since: .seconds(3600)).isEmpty)
                try await queue.withStore { store in
                    try await store.send("HSET", store.keys.moves, "u", 0)
                    let lanes = Lanes(atLeast: 2, store: store, logger: .quiet)
                    try await Janitor(lanes: lanes, store: store, move: move, logger: .quiet).finishMoves()
                }
            }
            #expect(try await queue.catalog.getUser(UserRequest(userID: "u")).lane == "1")
            #expect(try await queue.enqueue(.song, "s3").existing)
        }
    }

    @Test func whatCannotBeMovedIsRefused() async throws {
        try await withTwoLanes { queue in
            let nowhere = try await queue.move(to: "0")
            #expect(nowhere == MoveUserReply())
            for (user, lane) in [("u", "2"), ("u", "x"), ("nobody", "1")] {
                let error = await #expect(throws: RPCError.self) {
                    try await queue.maintenance.moveUser(MoveUserRequest(userID: user, lane: lane))
                }
                #expect(error?.code == .notFound)
            }
        }
    }

    @Test func ofAMovedUserWhoIsRemovedNothingIsLeft() async throws {
        try await withTwoLanes { queue in
            try await queue.wait(inOrder: ["s3", "s1"])
            _ = try await queue.move(to: "1")
            _ = try await queue.catalog.removeUser(UserRequest(userID: "u"))
            try await queue.withStore { store in
                for lane in ["0", "1"] {
                    let left = try await store.send("HLEN", store.keys.lane(lane, .moves)).int
                    #expect(left == 0)
                }
            }
            _ = try await queue.catalog.createUser(CreateUserRequest(id: "u", password: "password"))
        }
    }
}

/// Lends a running queue service with two lanes, with user `u` in the first.
private func withTwoLanes(
    on redis: RedisKind = .standard, _ body: @Sendable (RunningQueue) async throws -> Void
) async throws {
    try await withServingQueue(on: redis.shared()) { queue in
        _ = try await queue.maintenance.addLanes(AddLanesRequest(total: 2))
        try await body(queue)
    }
}

/// What a user can see of what is theirs, but for the lane.
private struct Picture: Equatable {
    var live: [String] = []
    var ended: Set<String> = []
    var songs: [String: SongDetail] = [:]
    var playlist: [String] = []
    var status: [UInt64] = []
}

extension RunningQueue {
    fileprivate func move(to lane: String) async throws -> MoveUserReply {
        try await maintenance.moveUser(
            MoveUserRequest(userID: "u", lane: lane), options: CallOptions(timeout: .seconds(30)))
    }

    /// Lends what moves users, as another process would have it.
    fileprivate func withMove(
        laneMemory: Duration = .zero, _ body: @Sendable (UserMove, Accounts) async throws -> Void
    ) async throws {
        try await withStore { store in
            let lanes = Lanes(atLeast: 2, store: store, logger: .quiet)
            let cost = Passwords.Cost(rounds: 16, blockSize: 1, parallelism: 1)
            let accounts = Accounts(
                lanes: lanes, laneMemory: laneMemory, store: store, passwords: Passwords(cost: cost))
            let dispatcher = Dispatcher(
                lanes: lanes, leaseLength: .seconds(1), rules: BackgroundRules(), store: store, logger: .quiet)
            try await body(UserMove(accounts: accounts, store: store, dispatcher: dispatcher), accounts)
        }
    }

    /// Has songs of the user wait, in a job of each.
    fileprivate func wait(inOrder songs: [String]) async throws {
        for song in songs { _ = try await enqueue(.song, song) }
    }

    func analyse(_ song: String, by worker: ScriptedWorker) async throws {
        _ = try await enqueue(.song, song)
        _ = try await worker.drain(from: try await worker.work())
    }

    /// - Returns: the dead letter.
    fileprivate func fail(_ song: String, by worker: ScriptedWorker) async throws -> String {
        _ = try await enqueue(.song, song)
        let item = try await worker.work()
        _ = try await worker.exchange(item, .failed(Failed(reason: "no such file", kind: .missing)))
        return item.jobID
    }

    /// A user of lane 1 with a library.
    fileprivate func userOfTheOtherLane() async throws -> String {
        for number in 0..<100 {
            let user = try await catalog.createUser(CreateUserRequest(id: "other-\(number)", password: "password"))
            guard user.lane == "1" else { continue }
            try await withStore { store in
                try await TestLane(queue: LaneQueue(lane: "1", store: store)).fill(user: user.id)
            }
            return user.id
        }
        throw CancellationError()
    }

    fileprivate func picture() async throws -> Picture {
        var picture = Picture()
        let live = try await queue.listJobs(ListJobsRequest(userID: "u")).jobs
        picture.live = live.map { "\($0.id) \($0.state) \($0.targetID) \($0.createdAtMs) \($0.cursor)" }
        let ended = try await queue.listJobs(ListJobsRequest(userID: "u", ended: true)).jobs
        picture.ended = Set(ended.map { "\($0.id) \($0.state) \($0.endedAtMs)" })
        for song in TestLane.songs {
            picture.songs[song] = try await catalog.getSong(SongRequest(userID: "u", songID: song))
        }
        picture.playlist = try await catalog.getPlaylist(PlaylistRequest(userID: "u", playlistID: "p")).songs.compactMap
        { $0.song?.id }
        let status = try await queue.getStatus(QueueStatusRequest())
        picture.status = [
            status.pending, status.inProgress, status.completed, status.failed, status.paused, status.waitingHigh,
            status.waitingLow, status.audioMsWaiting,
        ]
        return picture
    }

    /// What is wrong in any lane.
    fileprivate func damage() async throws -> [String] {
        var damage: [String] = []
        for try await report in maintenance.verify(VerifyRequest(), options: CallOptions(timeout: .seconds(30))) {
            damage += report.damage.map { "\($0.key): \($0.what)" }
        }
        return damage
    }
}
