// What is promised about lists of jobs: filters, and pages that stay right while jobs come and go.

import AnalysisAPI
import Jobs
import RPC
import Testing

@testable import QueueService

@Suite struct JobListTests {
    @Test func pagesTellEachJobOnceWhileJobsComeAndGo() async throws {
        try await withLane { lane in
            try await lane.hold()
            for song in TestLane.songs.prefix(7) { _ = try await lane.enqueue(.song, song) }
            _ = try await lane.enqueue(.playlist, "p")
            var request = ListJobsRequest(userID: "u", limit: 3)
            let first = try await lane.list(request)
            #expect(first.jobs.map(\.id) == ["0-1", "0-2", "0-3"])
            // One that was listed goes, another comes.
            _ = try await lane.queue.change(jobID: "0-2", userID: "u", event: .cancelled)
            _ = try await lane.enqueue(.song, "s9")
            request.pageToken = first.nextPageToken
            let second = try await lane.list(request)
            #expect(second.jobs.map(\.id) == ["0-4", "0-5", "0-6"])
            request.pageToken = second.nextPageToken
            let third = try await lane.list(request)
            #expect(third.jobs.map(\.id) == ["0-7", "0-9", "0-8"])
            request.pageToken = third.nextPageToken
            let last = try await lane.list(request)
            #expect(last == ListJobsReply())
        }
    }

    @Test func jobsThatEndedInTheSameMillisecondComeOnceEach() async throws {
        try await withLane { lane in
            for song in TestLane.songs { _ = try await lane.enqueue(.song, song) }
            // One script ends them all.
            try await lane.queue.changeAll(userID: "u", type: .unspecified, event: .cancelled) { _, _ in }
            for user in ["", "u"] {
                var request = ListJobsRequest(userID: user, ended: true, limit: 4)
                var ids: [String] = []
                repeat {
                    let page = try await lane.list(request)
                    ids += page.jobs.map(\.id)
                    request.pageToken = page.nextPageToken
                } while !request.pageToken.isEmpty
                #expect(ids.count == 10 && Set(ids).count == 10)
            }
        }
    }

    @Test func filtersLeaveOutWhatDoesNotFit() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            _ = try await lane.enqueue(.song, "s1")
            _ = try await lane.enqueue(.song, "s2", priority: .low)
            _ = try await lane.enqueue(.playlist, "p", user: "v")
            _ = try await lane.queue.change(jobID: "0-2", userID: "u", event: .paused)
            func ids(_ request: ListJobsRequest) async throws -> [String] {
                try await lane.list(request).jobs.map(\.id)
            }
            #expect(try await ids(ListJobsRequest()) == ["0-1", "0-3", "0-2"])
            #expect(try await ids(ListJobsRequest(userID: "v")) == ["0-3"])
            #expect(try await ids(ListJobsRequest(type: .song)) == ["0-1", "0-2"])
            #expect(try await ids(ListJobsRequest(targetID: "s2")) == ["0-2"])
            #expect(try await ids(ListJobsRequest(priority: .low)) == ["0-2"])
            #expect(try await ids(ListJobsRequest(state: .paused)) == ["0-2"])
            let made = try await lane.job("0-2").createdAtMs
            #expect(try await ids(ListJobsRequest(untilMs: 1)) == [])
            #expect(try await ids(ListJobsRequest(fromMs: made, untilMs: made + 60_000)).contains("0-2"))
        }
    }

    @Test(arguments: [Int64.max, .min]) func aTokenThatWasMadeUpHarmsNothing(score: Int64) async throws {
        try await withLane { lane in
            _ = try await lane.enqueue(.song, "s1")
            for ended in [false, true] {
                _ = try await lane.list(ListJobsRequest(userID: "u", ended: ended, pageToken: "0/\(score)/0-1"))
            }
        }
    }

    @Test func anImpossibleFilterAndAForeignTokenAreRefused() async throws {
        try await withServingQueue { queue in
            await #expect(throws: RPCError(.invalidArgument, "no job of this list is paused: ended must fit the state"))
            {
                try await queue.queue.listJobs(ListJobsRequest(ended: true, state: .paused))
            }
            for token in ["x", "7/1/0-1", "0/1/", "0/a/0-1"] {
                await #expect(
                    throws: RPCError(.invalidArgument, "page_token must be the next_page_token of an earlier page")
                ) { try await queue.queue.listJobs(ListJobsRequest(pageToken: token)) }
            }
        }
    }
}
