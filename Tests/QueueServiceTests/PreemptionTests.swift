// Workers and callers over real connections: who runs what, and what happens when somebody goes away.

import AnalysisAPI
import RPC
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct PreemptionTests {
    @Test(arguments: RedisKind.allCases) func aClickIsPushedToTheWorkerAndDisplacesWhatItRuns(on redis: RedisKind)
        async throws
    {
        try await withServingQueue(on: redis.shared()) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let background = try #require(try await queue.enqueue(.background).job)
                let low = try await worker.work()
                #expect(low.jobID == background.id && low.song?.id == "s0" && low.analyzers.map(\.name) == ["audio"])

                let click = try #require(try await queue.enqueue(.song, "s7").job)
                let hint = try await worker.preempted()
                #expect(hint == Preempt(lane: "0", epoch: low.epoch, jobID: low.jobID))
                let high = try #require(try await worker.exchange(low, .suspended(Suspended())))
                #expect(high.jobID == click.id && high.song?.id == "s7" && high.priority == .high)

                let back = try #require(try await worker.analysed(high))
                #expect(back.jobID == low.jobID && back.song == low.song)
                #expect(try await worker.drain(from: back).count == 9)
                let kinds = try await queue.events { $0.kind == .snapshotEnd }
                #expect(kinds.map(\.kind) == [.snapshotEnd])
                let ended = try await queue.job(background.id)
                #expect(ended.state == .completed && ended.analysed == 9 && ended.skipped == 1)
            }
        }
    }

    @Test func cancelAndPauseReachTheWorker() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.playlist, "p")
                let item = try await worker.work()
                #expect(try await queue.queue.pauseJob(JobRequest(userID: "u", jobID: item.jobID)).state == .paused)
                #expect(
                    try await worker.preempted()
                        == Preempt(lane: "0", epoch: item.epoch, pause: true, jobID: item.jobID))
                #expect(try await worker.exchange(item, .suspended(Suspended())) == nil)

                #expect(
                    try await queue.queue.resumeJob(JobRequest(userID: "u", jobID: item.jobID)).state == .interrupted)
                let resumed = try await worker.work()
                #expect(resumed.song == item.song && resumed.epoch == item.epoch + 1)

                #expect(try await queue.queue.cancelJob(JobRequest(userID: "u", jobID: item.jobID)).state == .cancelled)
                #expect(try await worker.discarded() == Discard(lane: "0", jobID: item.jobID, epoch: resumed.epoch))
                #expect(try await worker.exchange(resumed, .released(Released())) == nil)
            }
        }
    }

    @Test func aLeaseThatRunsOutHandsTheItemToTheNextWorkerAndRefusesTheFirst() async throws {
        try await withServingQueue(limits: QueueLimits(lease: .seconds(4))) { queue in
            let silent = ScriptedWorker("silent", of: queue)
            try await silent.connected(beating: nil) {
                try await silent.granted()
                _ = try await queue.enqueue(.playlist, "p")
                let item = try await silent.work()
                let second = ScriptedWorker("second", of: queue)
                try await second.connected {
                    try await second.granted()
                    let same = try await second.work()
                    #expect(same.song == item.song && same.epoch > item.epoch)
                    let error = await #expect(throws: RPCError.self) { try await silent.analysed(item) }
                    #expect(error?.code == .failedPrecondition)
                    #expect(try await second.drain(from: same).count == 5)
                    let job = try await queue.job(item.jobID)
                    #expect(job.state == .completed && job.analysed == 5)
                }
            }
        }
    }

    @Test func aWorkerThatTakesLeaveFreesItsLaneAtOnce() async throws {
        try await withServingQueue(limits: QueueLimits(lease: .seconds(600))) { queue in
            _ = try await queue.enqueue(.playlist, "p")
            let first = ScriptedWorker("first", of: queue)
            let item = try await first.connected(farewell: true) {
                try await first.granted()
                return try await first.work()
            }
            let second = ScriptedWorker("second", of: queue)
            try await second.connected {
                try await second.granted()
                #expect(try await second.work().song == item.song)
            }
        }
    }

    @Test func aRestartOfTheServiceKeepsTheRunningItem() async throws {
        try await withQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            let item = try await queue.serving {
                try await queue.fill()
                _ = try await queue.enqueue(.playlist, "p")
                return try await worker.connected {
                    try await worker.granted()
                    return try await worker.work()
                }
            }
            try await queue.serving {
                try await worker.connected {
                    let kept = try await worker.granted().kept
                    #expect(kept == [item.held()])
                    let done = try await worker.drain(from: item)
                    #expect(done.count == 5)
                    #expect(try await queue.job(item.jobID).analysed == 5)
                }
            }
        }
    }

    @Test func aKilledRedisLosesNothingThatWasAcknowledged() async throws {
        let redis = try await RedisServer.start(appendOnly: true)
        try await withQueue(on: redis, limits: QueueLimits(lease: .seconds(60))) { queue in
            try await queue.serving {
                try await queue.fill()
                let worker = ScriptedWorker("w", of: queue)
                try await worker.connected {
                    try await worker.granted()
                    let playlist = try #require(try await queue.enqueue(.playlist, "p").job)
                    let first = try await worker.work()
                    let second = try #require(try await worker.analysed(first))
                    let click = try #require(try await queue.enqueue(.song, "s9").job)
                    await redis.kill()
                    try await redis.start()
                    #expect(try await queue.job(playlist.id).analysed == 1)
                    #expect(try await queue.job(click.id).state == .pending)
                    let high = try #require(try await worker.exchange(second, .suspended(Suspended())))
                    #expect(high.jobID == click.id)
                    #expect(try await worker.drain(from: high).count == 5)
                    #expect(try await queue.job(playlist.id).state == .completed)
                }
            }
        }
    }

    @Test func aReplicaTakesOverFromAKilledMasterAndTheQueueGoesOn() async throws {
        let cluster = try await RedisCluster.start()
        try await withQueue(on: cluster, limits: QueueLimits(lease: .seconds(60))) { queue in
            try await queue.serving {
                try await queue.fill()
                let worker = ScriptedWorker("w", of: queue)
                try await worker.connected {
                    try await worker.granted()
                    let playlist = try #require(try await queue.enqueue(.playlist, "p").job)
                    let second = try #require(try await worker.analysed(try await worker.work()))
                    let start = try await queue.end()
                    let place = try await queue.withStore { try await cluster.place(of: $0.keys.root(lane: "0")) }
                    try await cluster.waitUntilReplicated(place)
                    await cluster.masters[place].kill()

                    let click = try #require(try await queue.enqueue(.song, "s9").job)
                    #expect(try await queue.job(playlist.id).analysed == 1)
                    let high = try #require(try await worker.exchange(second, .suspended(Suspended())))
                    #expect(high.jobID == click.id)
                    #expect(try await worker.drain(from: high).count == 5)
                    let events = try await queue.events(after: start) {
                        $0.kind == .completed && $0.job?.id == playlist.id
                    }
                    #expect(events.count { $0.kind == .songAnalysed } == 5)
                }
            }
        }
    }

    @Test func aLostItemWaitsAgainThoughNoWorkerIsLeft() async throws {
        try await withServingQueue(limits: QueueLimits(lease: .seconds(2))) { queue in
            let start = try await queue.end()
            _ = try await queue.enqueue(.playlist, "p")
            let worker = ScriptedWorker("w", of: queue)
            let item = try await worker.connected {
                try await worker.granted()
                return try await worker.work()
            }
            let events = try await queue.events(after: start) { $0.kind == .workerLost }
            #expect(events.last?.job?.state == .pending)
            #expect(events.last?.songID == item.song?.id && events.last?.epoch == item.epoch)
        }
    }

    @Test func aClickOnAnotherReplicaReachesTheWorker() async throws {
        try await withServingQueue(limits: QueueLimits(lease: .seconds(600))) { queue in
            try await queue.withReplica { replica in
                try await replica.serving {
                    try await queue.subscribed(by: 2)
                    let worker = ScriptedWorker("w", of: queue)
                    // It says nothing after its first message: only what is pushed can reach it.
                    try await worker.connected(beating: nil) {
                        try await worker.granted()
                        _ = try await replica.enqueue(.background)
                        let low = try await worker.work()
                        _ = try await replica.enqueue(.song, "s7")
                        #expect(try await worker.preempted().epoch == low.epoch)
                        let high = try await worker.exchange(low, .suspended(Suspended()))
                        #expect(high?.song?.id == "s7")
                    }
                }
            }
        }
    }

    @Test func statusShowsWorkersAndTheRunningJobToItsOwnerAlone() async throws {
        try await withServingQueue { queue in
            _ = try await queue.catalog.createUser(CreateUserRequest(id: "v", password: "password"))
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.playlist, "p")
                let item = try await worker.work()
                let owner = try await queue.queue.getStatus(QueueStatusRequest(userID: "u"))
                let other = try await queue.queue.getStatus(QueueStatusRequest(userID: "v"))
                let anyone = try await queue.queue.getStatus(QueueStatusRequest())
                #expect(owner.running.map(\.id) == [item.jobID] && anyone.running == owner.running)
                #expect(other.running.isEmpty && other.inProgress == 1 && other.audioMsWaiting == 5000)
                #expect(owner.workers.map(\.id) == ["w"])
            }
        }
    }

    @Test func lanesAreSharedAndEachRunsOneItem() async throws {
        try await withServingQueue(lanes: 2) { queue in
            let first = ScriptedWorker("first", of: queue)
            try await first.connected {
                try await first.granted("0")
                try await first.granted("1")
                let second = ScriptedWorker("second", of: queue)
                try await second.connected {
                    let lane = try await first.next {
                        if case .laneRevoked(let revoked) = $0 { revoked.lane } else { nil }
                    }
                    try await second.granted(lane)
                }
            }
        }
    }

    @Test func aWorkerWithoutTheAnalyzersIsTurnedAway() async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) {
                try await queue.workers.work { writer, commands in
                    try await writer.write(
                        WorkerMessage(workerID: "w", analyzers: [AnalyzerVersion(name: "audio", version: "0")]))
                    for try await _ in commands {}
                }
            }
            #expect(error?.code == .failedPrecondition)
        }
    }
}
