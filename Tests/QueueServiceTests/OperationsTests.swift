// What is promised to those who look after the queue: where a job stands, who goes first, and stopping everything for a while.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct OperationsTests {
    @Test func whatAWorkerReportsIsKeptWithinBounds() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let job = try #require(try await queue.enqueue(.song, "s1").job)
                let failed = Failed(reason: String(repeating: "x", count: 100_000), kind: .unreadable)
                try await worker.exchange(try await worker.work(), .failed(failed))
                #expect(try await queue.job(job.id).error.count == 2000)
                _ = try await queue.enqueue(.song, "s2")
                let result = AnalysisResult(
                    analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array("{}".utf8), createdAtMs: .max)
                _ = try await worker.credit(try await worker.work(), with: result)
                let insights = try await queue.catalog.getInsights(UserRequest(userID: "u"))
                #expect(insights.analysed == 1)
            }
        }
    }

    @Test func aWaitingJobTellsWhatComesBeforeItAndOfOthersOnlyClassAndCount() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1", user: "v")
            let running = try #require(try await lane.exchange())
            _ = try await lane.enqueue(.song, "s2", user: "v")
            _ = try await lane.enqueue(.playlist, "p", user: "v")
            let playlist = try #require(try await lane.enqueue(.playlist, "p").job)
            let background = try #require(try await lane.enqueue(.background).job)
            let reader = JobReader(lane: "0", store: lane.store)

            let own = try await reader.position(of: background.id, userID: "u")
            #expect(
                own
                    == JobPosition(
                        job: background, aheadHigh: 1, aheadMedium: 2, runningPriority: .high))
            let operators = try await reader.position(of: playlist.id, userID: "")
            #expect(operators.aheadHigh == 1 && operators.aheadMedium == 1 && operators.aheadLow == 0)
            #expect(operators.runningJobID == running.job.id)
            let first = try await reader.position(of: running.job.id, userID: "v")
            #expect(first.aheadHigh == 0 && first.runningPriority == .unspecified)
            await #expect(throws: QueueError.notFound("there is no job \(playlist.id)")) {
                try await reader.position(of: playlist.id, userID: "v")
            }
        }
    }

    @Test func aReprioritisedJobTakesThePlaceOfItsSequenceInItsNewClass() async throws {
        try await withLane { lane in
            try await lane.hold()
            let playlist = try #require(try await lane.enqueue(.playlist, "p").job)
            let song = try #require(try await lane.enqueue(.song, "s9").job)
            let item = try #require(try await lane.exchange())
            #expect(item.job.id == song.id)
            let (lowered, hint) = try await lane.queue.reprioritise(jobID: song.id, userID: "u", rank: 2)
            #expect(lowered.priority == .low && lowered.sequence == song.sequence && hint.kind == .preempt)
            let next = try #require(try await lane.exchange(item, .suspended(Suspended())))
            #expect(next.job.id == playlist.id)
            let status = try await lane.status()
            #expect(status.waitingLow == 1 && status.waitingHigh == 0)
            let again = try await lane.queue.reprioritise(jobID: song.id, userID: "", rank: 0)
            #expect(again.hint.kind == .preempt)
            _ = try await lane.drain(from: next)
            await #expect(
                throws: QueueError.illegal("job \(song.id) is completed and cannot be reprioritised")
            ) { try await lane.queue.reprioritise(jobID: song.id, userID: "u", rank: 1) }
        }
    }

    @Test func aPausedQueueFinishesItsSongAndClaimsNothingUntilItIsResumed() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            let hint = try await lane.queue.pause(PauseQueueRequest(reason: "backup"), by: "ann")
            #expect(hint.kind == .none)
            let click = try await lane.enqueue(.song, "s9")
            #expect(click.hint.kind == .none && click.job?.state == .pending)
            let pause = try #require(try await lane.status().pause)
            #expect(pause.reason == "backup" && pause.by == "ann" && pause.untilMs == 0 && !pause.freeze)

            #expect(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))) == nil)
            #expect(try await lane.exchange() == nil)
            let job = try await lane.job(item.job.id)
            #expect(job.state == .interrupted && job.analysed == 1)
            #expect(try await lane.queue.resume(reason: "done").kind == .wake)
            #expect(try await lane.exchange()?.job.id == click.job?.id)
            #expect(try await lane.status().pause == nil)
            let told = try await lane.events().filter { $0.kind == .queuePaused || $0.kind == .queueResumed }
            #expect(told.map(\.reason) == ["backup", "done"])
        }
    }

    @Test func aPauseThatFreezesStopsWhatRunsAndItGoesOnWhereItStood() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            let hint = try await lane.queue.pause(PauseQueueRequest(reason: "now", freeze: true), by: "ann")
            #expect(hint.kind == .pause && hint.jobID == item.job.id && hint.epoch == item.job.epoch)
            #expect(try await lane.exchange(item, .suspended(Suspended())) == nil)
            guard case .held(_, let held, let kept) = try await lane.hold(items: [item.held]) else {
                return #expect(Bool(false), "not renewed")
            }
            #expect(held.kind == .none && kept == [item.held])
            _ = try await lane.queue.resume(reason: "")
            let again = try #require(try await lane.exchange())
            #expect(again.job.id == item.job.id && again.song == item.song && again.job.epoch == item.job.epoch + 1)
        }
    }

    @Test func aPauseThatHadItsTimeEndsByItself() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1")
            _ = try await lane.queue.pause(PauseQueueRequest(reason: "lunch", seconds: 60), by: "ann")
            #expect(try await lane.queue.sweep().kind == .none)
            // As if the minute had passed.
            try await lane.store.send("HSET", lane.store.keys.lane("0", .pause), "until_ms", 1)
            #expect(try await lane.status().pause == nil)
            guard case .held(_, let hint, _) = try await lane.hold() else {
                return #expect(Bool(false), "not renewed")
            }
            #expect(hint.kind == .wake)
            _ = try await lane.queue.sweep()
            _ = try await lane.queue.sweep()
            #expect(try await lane.events().filter { $0.kind == .queueResumed }.count == 1)
            #expect(try await lane.exchange() != nil)
        }
    }

    @Test func theQueueIsPausedWithAReasonThroughTheService() async throws {
        try await withServingQueue { queue in
            await #expect(throws: RPCError(.invalidArgument, "reason must say why the queue is paused")) {
                try await queue.queue.pauseQueue(PauseQueueRequest())
            }
            let pause = try await queue.queue.pauseQueue(PauseQueueRequest(reason: "backup", seconds: 60)).pause
            let job = try #require(try await queue.enqueue(.song, "s1").job)
            let position = try await queue.queue.getPosition(JobRequest(userID: "u", jobID: job.id))
            #expect(position.pause == pause && pause?.reason == "backup" && pause?.by.isEmpty == false)
            #expect(pause.map { $0.untilMs - $0.pausedAtMs } == 60_000)
            await #expect(throws: RPCError(.invalidArgument, "priority must be high, medium or low")) {
                try await queue.queue.reprioritiseJob(ReprioritiseJobRequest(userID: "u", jobID: job.id))
            }
            let lowered = try await queue.queue.reprioritiseJob(
                ReprioritiseJobRequest(userID: "u", jobID: job.id, priority: .low))
            #expect(lowered.priority == .low)
            _ = try await queue.queue.resumeQueue(ResumeQueueRequest())
            let status = try await queue.queue.getStatus(QueueStatusRequest())
            #expect(status.pause == nil && status.waitingLow == 1)
        }
    }
}
