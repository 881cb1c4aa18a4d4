// What is promised to those who ask twice, who ask for much at once, and who ask for it sooner.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct EnqueueTests {
    @Test func theSameRequestUnderItsKeyIsTheSameJobEvenAfterItEnded() async throws {
        try await withLane { lane in
            try await lane.hold()
            let first = try await lane.enqueue(.song, "s1", force: true, key: "k")
            #expect(try await lane.enqueue(.song, "s1", force: true, key: "k").job?.id == first.job?.id)
            _ = try await lane.drain()
            let again = try await lane.enqueue(.song, "s1", force: true, key: "k")
            #expect(again.existing && again.job?.id == first.job?.id && again.job?.state == .completed)
            #expect(try await lane.enqueue(.song, "s1", force: true).job?.id != first.job?.id)
            #expect(try await lane.status().completed == 1)
        }
    }

    @Test func anotherRequestUnderAKeyIsRefusedAndChangesNothing() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            _ = try await lane.enqueue(.song, "s1", key: "k")
            let before = try await lane.events().count
            for (type, target, force, now) in [
                (JobType.song, "s2", false, "song s2 at high priority"),
                (.playlist, "p", false, "playlist p at medium priority"),
                (.song, "s1", true, "song s1 at high priority, forced"),
            ] {
                await #expect(
                    throws: QueueError.exists("idempotency_key k was used for song s1 at high priority, not \(now)")
                ) { try await lane.enqueue(type, target, force: force, key: "k") }
            }
            #expect(try await lane.events().count == before)
            #expect(try await !lane.enqueue(.song, "s2", user: "v", key: "k").existing)
            let expiry = try await lane.store.send("TTL", lane.store.keys.lane("0", .userRequest, "u", "k")).int
            #expect((1...24 * 3600).contains(expiry ?? 0))
        }
    }

    @Test func asManyJobsAsTargetsAreMadeInOneStep() async throws {
        try await withServingQueue { queue in
            let targets = [
                EnqueueTarget(type: .playlist, targetID: "p"), EnqueueTarget(type: .song, targetID: "s7"),
                EnqueueTarget(type: .song, targetID: "s8"), EnqueueTarget(type: .song, targetID: "s7"),
            ]
            let request = EnqueueManyRequest(userID: "u", targets: targets, idempotencyKey: "k")
            let replies = try await queue.queue.enqueueMany(request).replies
            #expect(replies.map(\.queued) == [5, 1, 1, 1])
            #expect(replies.map(\.existing) == [false, false, false, true])
            #expect(replies[3].job?.id == replies[1].job?.id)
            let again = try await queue.queue.enqueueMany(request).replies
            #expect(again.map { $0.job?.id } == replies.map { $0.job?.id })
            let status = try await queue.queue.getStatus(QueueStatusRequest())
            #expect(status.pending == 3)
        }
    }

    @Test func aBadTargetAmongManyIsNamedAndNothingIsChanged() async throws {
        try await withServingQueue { queue in
            for (bad, code, text) in [
                (EnqueueTarget(type: .song), StatusCode.invalidArgument, "targets[1].target_id must name the song"),
                (EnqueueTarget(type: .background), .invalidArgument, "targets[1].type must be song or playlist"),
                (
                    EnqueueTarget(type: .song, targetID: "s1", priority: .unrecognized(9)), .invalidArgument,
                    "targets[1].priority must be high, medium or low, or left out"
                ),
                (EnqueueTarget(type: .song, targetID: "no"), .notFound, "targets[1]: there is no song no"),
            ] {
                await #expect(throws: RPCError(code, text)) {
                    try await queue.queue.enqueueMany(
                        EnqueueManyRequest(
                            userID: "u", targets: [EnqueueTarget(type: .playlist, targetID: "p"), bad],
                            idempotencyKey: "k"))
                }
            }
            await #expect(throws: RPCError(.invalidArgument, "targets has 0 entries; 1 to 1000 are right")) {
                try await queue.queue.enqueueMany(EnqueueManyRequest(userID: "u"))
            }
            let status = try await queue.queue.getStatus(QueueStatusRequest())
            #expect(status.pending == 0)
        }
    }

    @Test func askingAgainRaisesAWaitingJobAndItKeepsItsSequence() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            let song = try #require(try await lane.enqueue(.song, "s9", user: "v").job)
            let playlist = try #require(try await lane.enqueue(.playlist, "p").job)
            let raised = try await lane.enqueue(.playlist, "p", priority: .high)
            #expect(raised.existing && raised.job?.id == playlist.id && raised.job?.sequence == playlist.sequence)
            #expect(raised.job?.priority == .high)
            let lowered = try await lane.enqueue(.playlist, "p", priority: .low)
            #expect(lowered.job?.priority == .high)
            let status = try await lane.status()
            #expect(status.waitingHigh == 2 && status.waitingMedium == 0 && status.audioMsWaiting == 6000)
            _ = try await lane.enqueue(.song, "s8", user: "v")
            let done = try await lane.drain()
            #expect(done.first == "\(song.id) s9" && done[1...5].allSatisfy { $0.hasPrefix("\(playlist.id) ") })
            #expect(try await lane.events().filter { $0.kind == .reprioritised }.map { $0.job?.priority } == [.high])
            #expect(try await lane.status() == QueueStatus(completed: 3))
        }
    }

    @Test func askingAgainRaisesTheRunningJobWhichThenIsNotDisplaced() async throws {
        try await withLane { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            let item = try #require(try await lane.exchange())
            #expect(try await lane.enqueue(.song, "s9").hint.kind == .preempt)
            let raised = try await lane.enqueue(.playlist, "p", priority: .high)
            #expect(raised.hint.kind == .none && raised.job?.state == .inProgress)
            let next = try #require(try await lane.exchange(item, .analysed(Analysed(results: TestLane.results))))
            #expect(next.job.id == item.job.id && next.job.priority == .high)
        }
    }
}
