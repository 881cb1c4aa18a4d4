// What is promised about what users say of their jobs, and about the time for which they watch progress.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct RatingTests {
    /// An ended job of a playlist.
    private func end(_ lane: TestLane) async throws -> Job {
        try await lane.hold()
        let job = try #require(try await lane.enqueue(.playlist, "p").job)
        _ = try await lane.drain()
        return job
    }

    private func ratings(_ lane: TestLane) async throws -> [String] {
        let jobs = try await JobList(
            request: ListJobsRequest(ended: true, rated: true), lanes: ["0"], store: lane.store
        )
        .page().jobs
        return jobs.map { "\($0.id) \($0.rating?.thumb.name ?? "none") \($0.rating?.comment ?? "")" }
    }

    @Test func whatWasSaidLastStands() async throws {
        try await withLane { lane in
            let job = try await end(lane)
            #expect(try await ratings(lane) == [])
            var rated = try await lane.queue.rate(jobID: job.id, userID: "u", thumb: "up", comment: "")
            #expect(rated.rating?.thumb == .up && rated.state == .completed)
            #expect(rated.rating.map { $0.ratedAtMs > 0 } == true)
            _ = try await lane.queue.rate(jobID: job.id, userID: "u", thumb: "up", comment: "naïve “ears”\n👂")
            #expect(try await ratings(lane) == ["\(job.id) up naïve “ears”\n👂"])
            rated = try await lane.queue.rate(jobID: job.id, userID: "u", thumb: "down", comment: "")
            #expect(try await ratings(lane) == ["\(job.id) down "])
            rated = try await lane.queue.rate(jobID: job.id, userID: "u", thumb: nil, comment: "")
            #expect(rated.rating == nil)
            #expect(try await ratings(lane) == [])
            let told = try await lane.events().suffix(4)
            #expect(told.map(\.kind) == [.rated, .rated, .rated, .rated])
            #expect(told.map(\.reason) == ["", "naïve “ears”\n👂", "", ""])
            let day = try #require(
                try await StatisticsReader(lanes: ["0"], store: lane.store).days(2, nowMs: .now).last)
            #expect(day.thumbsUp == 1 && day.thumbsDown == 1)
        }
    }

    @Test func theSameAgainIsNoEvent() async throws {
        try await withLane { lane in
            let job = try await end(lane)
            for _ in 0..<2 { _ = try await lane.queue.rate(jobID: job.id, userID: "u", thumb: "up", comment: "a") }
            #expect(try await lane.events().count { $0.kind == .rated } == 1)
        }
    }

    @Test func onlyItsUserRatesAJobAndOnlyOnceItHasEnded() async throws {
        try await withLane { lane in
            let job = try await end(lane)
            let waiting = try #require(try await lane.enqueue(.song, "s9").job)
            let none = QueueError.notFound("there is no job \(job.id)")
            await #expect(throws: none) {
                try await lane.queue.rate(jobID: job.id, userID: "v", thumb: "up", comment: "")
            }
            let early = QueueError.illegal("job \(waiting.id) is pending; it can be rated once it has ended")
            await #expect(throws: early) {
                try await lane.queue.rate(jobID: waiting.id, userID: "u", thumb: "up", comment: "")
            }
            #expect(try await ratings(lane) == [])
        }
    }

    @Test func aJobThatIsReplayedIsToBeRatedAnew() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.song, "s1").job)
            _ = try await lane.exchange(lane.exchange(), .failed(Failed(reason: "no such file", kind: .missing)))
            _ = try await lane.queue.rate(jobID: job.id, userID: "u", thumb: "down", comment: "no!")
            let (replayed, _) = try await lane.queue.change(jobID: job.id, userID: "u", event: .replayed)
            #expect(replayed.rating == nil)
        }
    }

    @Test func wrongRatingsAreRefused() async throws {
        try await withServingQueue { queue in
            let long = String(repeating: "ä", count: 1001)
            let refused: [(RateJobRequest, String)] = [
                (RateJobRequest(jobID: "0-1"), "user_id is empty; only its user can rate a job"),
                (
                    RateJobRequest(userID: "u", jobID: "0-1", rating: JobRating(thumb: .up, comment: long)),
                    "rating.comment has 1001 characters; at most 1000 are right"
                ),
                (
                    RateJobRequest(userID: "u", jobID: "0-1", rating: JobRating(comment: "fine")),
                    "rating.thumb must be THUMB_UP or THUMB_DOWN; without a rating, it is taken back"
                ),
            ]
            for (request, reason) in refused {
                await #expect(throws: RPCError(.invalidArgument, reason)) { try await queue.queue.rateJob(request) }
            }
            await #expect(
                throws: RPCError(.invalidArgument, "rated needs ended, too: only jobs that have ended can be so")
            ) {
                try await queue.queue.listJobs(ListJobsRequest(rated: true))
            }
        }
    }

    @Test func watchingCountsForThoseAloneWhoLetIt() async throws {
        try await withServingQueue { queue in
            func watched() async throws -> UInt64 {
                try await queue.queue.getStatistics(StatisticsRequest()).days.reduce(0) { $0 + $1.watchedMs }
            }
            let report = WatchingReport(userID: "u", seconds: 60)
            #expect(try await !queue.catalog.reportWatching(report).counted)
            #expect(try await watched() == 0)
            var preferences = try await queue.catalog.getPreferences(UserRequest(userID: "u"))
            preferences.countsWatching = true
            _ = try await queue.catalog.setPreferences(SetPreferencesRequest(userID: "u", preferences: preferences))
            #expect(try await queue.catalog.reportWatching(report).counted)
            #expect(try await watched() == 60_000)
            for seconds: UInt32 in [0, 121] {
                let refused = RPCError(.invalidArgument, "seconds is \(seconds); 1 to 120 are right")
                await #expect(throws: refused) {
                    try await queue.catalog.reportWatching(WatchingReport(userID: "u", seconds: seconds))
                }
            }
        }
    }
}
