// What is promised about jobs that failed, and about clearing the queue.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct DeadLetterTests {
    @Test func aReplayedJobBeginsAgainAndLeavesTheDeadLetters() async throws {
        try await withLane { lane in
            try await lane.hold()
            let id = try await lane.fail(.song, "s1")
            #expect(try await lane.list(ListJobsRequest(userID: "", ended: true, failed: true)).jobs.map(\.id) == [id])
            #expect(try await lane.list(ListJobsRequest(userID: "u", ended: true, failed: true)).jobs.map(\.id) == [id])

            let (job, hint) = try await lane.queue.change(jobID: id, userID: "u", event: .replayed)
            #expect(job.state == .pending && job.failed == 0 && job.cursor == 0 && job.error.isEmpty)
            #expect(job.endedAtMs == 0 && hint.kind == .wake)
            #expect(try await lane.job(id).failures.isEmpty)
            for failed in [true, false] {
                #expect(try await lane.list(ListJobsRequest(userID: "u", ended: true, failed: failed)).jobs.isEmpty)
            }
            #expect(try await lane.queue.change(jobID: id, userID: "u", event: .replayed).job.state == .pending)
            #expect(try await lane.drain() == ["\(id) s1"])
            #expect(try await lane.status() == QueueStatus(completed: 1))
            await #expect(throws: QueueError.illegal("job \(id) is completed and cannot be replayed")) {
                try await lane.queue.change(jobID: id, userID: "u", event: .replayed)
            }
        }
    }

    @Test func aJobIsNotReplayedWhileTheSameWorkStandsInLine() async throws {
        try await withLane { lane in
            try await lane.hold()
            let failed = try await lane.fail(.song, "s1")
            let again = try #require(try await lane.enqueue(.song, "s1").job)
            await #expect(
                throws: QueueError.illegal("job \(again.id) does what job \(failed) would do again")
            ) { try await lane.queue.change(jobID: failed, userID: "u", event: .replayed) }
            #expect(try await lane.job(failed).state == .failed)
        }
    }

    @Test(arguments: [JobType.song, .background])
    func aForcedJobDoesWhatAnUnforcedOneWouldDoAgain(type: JobType) async throws {
        try await withLane { lane in
            try await lane.hold()
            let target = type == .song ? "s1" : ""
            let failed = try await lane.fail(type, target)
            let forced = try #require(try await lane.enqueue(type, target, force: true).job)
            await #expect(
                throws: QueueError.illegal("job \(forced.id) does what job \(failed) would do again")
            ) { try await lane.queue.change(jobID: failed, userID: "u", event: .replayed) }
        }
    }

    @Test func nothingOfAUserWhoIsRemovedIsReplayed() async throws {
        try await withLane { lane in
            try await lane.hold()
            let failed = try await lane.fail(.song, "s1")
            _ = try await lane.store.run(\.bar, lane: "0", ["u", 60_000])
            try await lane.queue.changeAll(userID: "", type: .unspecified, event: .replayed) { jobs, _ in
                #expect(jobs.isEmpty)
            }
            #expect(try await lane.job(failed).state == .failed)
        }
    }

    @Test func allDeadLettersAreReplayedAsFarAsTheFilterSays() async throws {
        try await withServingQueue { queue in
            try await queue.withStore { store in
                let lane = TestLane(queue: LaneQueue(lane: "0", store: store))
                try await lane.fill(user: "v")
                try await lane.hold()
                for song in ["s0", "s1", "s2"] { _ = try await lane.fail(.song, song) }
                _ = try await lane.fail(.song, "s0", user: "v")
                _ = try await lane.fail(.playlist, "p", user: "v")
                _ = try await lane.enqueue(.song, "s1")
            }
            let dead = try await queue.queue.listJobs(ListJobsRequest(ended: true, failed: true))
            #expect(dead.jobs.count == 5)
            let own = try await queue.queue.replayJobs(JobFilter(userID: "u"))
            #expect(own.changed == 2)
            let songs = try await queue.queue.replayJobs(JobFilter(type: .song))
            #expect(songs.changed == 1)
            let all = try await queue.queue.replayJobs(JobFilter())
            #expect(all.changed == 1)
            let status = try await queue.queue.getStatus(QueueStatusRequest())
            #expect(status.failed == 1 && status.pending == 5)
        }
    }

    @Test func clearingCancelsWhatWaitsAndWhatRunsAsFarAsTheFilterSays() async throws {
        try await withLane(limits: QueueLimits(backgroundBatch: 2)) { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            let other = try #require(try await lane.enqueue(.playlist, "p", user: "v").job)
            for song in TestLane.songs { _ = try await lane.enqueue(.song, song) }
            _ = try await lane.enqueue(.background)
            let item = try #require(try await lane.exchange())
            var cancelled: [Job] = []
            var hint: Hint?
            try await lane.queue.changeAll(userID: "u", type: .song, event: .cancelled) {
                cancelled += $0
                hint = $1
            }
            #expect(cancelled.count == 10 && hint?.kind == .discard && hint?.jobID == item.job.id)
            try await lane.queue.changeAll(userID: "u", type: .unspecified, event: .cancelled) { jobs, _ in
                cancelled += jobs
            }
            #expect(cancelled.count == 11)
            let next = try #require(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))))
            #expect(next.job.id == other.id)
            let status = try await lane.status()
            #expect(status.cancelled == 11 && status.pending == 0 && status.inProgress == 1)
        }
    }

    @Test func moreJobsThanOneScriptTakesAreClearedByOneCall() async throws {
        try await withServingQueue { queue in
            try await queue.withStore { store in
                let lane = LaneQueue(lane: "0", store: store)
                let users = (0..<50).map { "user\($0)" }
                for user in users { try await TestLane(queue: lane).fill(user: user) }
                for user in users {
                    let targets = TestLane.songs.map {
                        LaneQueue.Target(type: .song, id: $0, force: false, priority: .unspecified)
                    }
                    _ = try await lane.enqueue(targets, userID: user, idempotencyKey: "")
                    let playlist = LaneQueue.Target(type: .playlist, id: "p", force: false, priority: .high)
                    _ = try await lane.enqueue([playlist], userID: user, idempotencyKey: "")
                }
            }
            let cleared = try await queue.queue.clearJobs(JobFilter(type: .song))
            #expect(cleared.changed == 500)
            let status = try await queue.queue.getStatus(QueueStatusRequest())
            #expect(status.pending == 50 && status.waitingHigh == 50 && status.cancelled == 500)
        }
    }
}

extension TestLane {
    /// Makes a job of which every song fails.
    ///
    /// - Returns: its id.
    func fail(_ type: JobType, _ target: String, user: String = "u") async throws -> String {
        let job = try #require(try await enqueue(type, target, user: user).job)
        var next = try await exchange()
        while let item = next {
            next = try await exchange(item, .failed(Failed(reason: "no such file", kind: .missing)))
        }
        return job.id
    }
}
