// What is promised about the timeline of a job: everything that became of it, once, in order, and nothing of others.

import AnalysisAPI
import Jobs
import RPC
import Testing

@testable import QueueService

@Suite struct TimelineTests {
    /// A playlist of `u` runs, makes way for a song of `other`, goes on and ends.
    private func displace(by other: String, on lane: TestLane) async throws -> (job: String, song: String) {
        let job = try #require(try await lane.enqueue(.playlist, "p").job).id
        try await lane.hold()
        let first = try #require(try await lane.exchange())
        let song = try #require(try await lane.enqueue(.song, "s7", user: other).job).id
        let click = try #require(try await lane.exchange(first, .suspended(Suspended())))
        let back = try #require(try await lane.exchange(click, .analysed(Analysed(results: TestLane.results))))
        _ = try await lane.drain(from: back)
        return (job, song)
    }

    private func timeline(_ request: TimelineRequest, on lane: TestLane) async throws -> Timeline {
        try await TimelineReader(lane: "0", store: lane.store).page(request)
    }

    @Test func transitionsComeInOrderWithTheirCause() async throws {
        try await withLane { lane in
            let (job, song) = try await displace(by: "u", on: lane)
            let timeline = try await timeline(TimelineRequest(userID: "u", jobID: job), on: lane)
            #expect(timeline.events.map(\.kind) == [.enqueued, .started, .interrupted, .started, .completed])
            #expect(timeline.events.map(\.byJobID) == ["", "", song, "", ""])
            #expect(timeline.events.allSatisfy { $0.job?.id == job })
            #expect(timeline.events.last?.job?.analysed == 5)
            #expect(!timeline.isCut && timeline.nextPageToken.isEmpty)
        }
    }

    @Test func withItsSongsEachBeginningAndEndIsTold() async throws {
        try await withLane { lane in
            let (job, _) = try await displace(by: "u", on: lane)
            let events = try await timeline(TimelineRequest(jobID: job, songs: true), on: lane).events
            #expect(events.filter { $0.kind == .songAnalysed }.map(\.songID) == ["s0", "s1", "s2", "s3", "s4"])
            #expect(events.count { $0.kind == .started } == 6)
        }
    }

    @Test func pagesTellEachEventOnce() async throws {
        try await withLane { lane in
            let (job, _) = try await displace(by: "u", on: lane)
            for songs in [false, true] {
                let whole = try await timeline(TimelineRequest(jobID: job, songs: songs), on: lane).events
                var request = TimelineRequest(jobID: job, songs: songs, limit: 2)
                var pages: [Event] = []
                repeat {
                    let page = try await timeline(request, on: lane)
                    #expect(page.events.count <= 2 && !page.isCut)
                    pages += page.events
                    request.pageToken = page.nextPageToken
                } while !request.pageToken.isEmpty
                #expect(pages == whole)
            }
        }
    }

    @Test func ofOthersOnlyTheClassIsTold() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            let (job, song) = try await displace(by: "v", on: lane)
            let own = try await timeline(TimelineRequest(userID: "u", jobID: job), on: lane)
            let interrupted = try #require(own.events.first { $0.kind == .interrupted })
            #expect(interrupted.byJobID.isEmpty && interrupted.reason == "high-priority work of somebody else")
            let all = try await timeline(TimelineRequest(jobID: job), on: lane)
            #expect(all.events.first { $0.kind == .interrupted }?.byJobID == song)
            await #expect(throws: QueueError.notFound("there is no job \(job)")) {
                try await timeline(TimelineRequest(userID: "v", jobID: job), on: lane)
            }
        }
    }

    @Test func aBeginningThatTheLogHasLostIsSaid() async throws {
        try await withLane { lane in
            let (job, _) = try await displace(by: "u", on: lane)
            let log = lane.store.keys.lane("0", .log)
            // All but the job's last events leave the log.
            try await lane.store.send("XTRIM", log, "MAXLEN", "=", 2)
            let rest = try await timeline(TimelineRequest(jobID: job), on: lane)
            #expect(rest.isCut && rest.events.map(\.kind) == [.completed])
            try await lane.store.send("XTRIM", log, "MAXLEN", "=", 0)
            let nothing = try await timeline(TimelineRequest(jobID: job), on: lane)
            #expect(nothing.isCut && nothing.events.isEmpty)
        }
    }

    @Test func aTokenOfSomethingElseIsRefused() async throws {
        try await withLane { lane in
            let job = try #require(try await lane.enqueue(.song, "s1").job).id
            let error = await #expect(throws: RPCError.self) {
                try await timeline(TimelineRequest(jobID: job, pageToken: "0/1/2"), on: lane)
            }
            #expect(error?.code == .invalidArgument)
        }
    }
}
