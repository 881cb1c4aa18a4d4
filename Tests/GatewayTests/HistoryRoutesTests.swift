// What ran, with names and causes, and what the whole library's results say.

import AnalysisAPI
import HTTPTypes
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct HistoryRoutesTests {
    private static let playlist = Job(
        id: "0-1", lane: "0", userID: "demo", type: .playlist, priority: .medium, state: .completed, targetID: "p1",
        total: 3, cursor: 3, analysed: 1, skipped: 1, failed: 1, createdAtMs: 1_000, startedAtMs: 2_000,
        endedAtMs: 9_000, failures: [SongFailure(songID: "7", reason: "no audio")])
    private static let click = Job(
        id: "0-2", lane: "0", userID: "demo", type: .song, priority: .high, state: .completed, targetID: "8",
        total: 1, cursor: 1, analysed: 1, createdAtMs: 3_000, startedAtMs: 3_000, endedAtMs: 4_000)

    private static func nameTargets(_ gateway: GatewayUnderTest) {
        gateway.catalog.set {
            $0.getTargets = { request in
                let songs = [Song(id: "7", title: "Seven"), Song(id: "8", title: "Eight", artist: "Ann")]
                return Targets(
                    songs: songs.filter { request.songIds.contains($0.id) },
                    playlists: [Playlist(id: "p1", name: "Road trip")].filter { request.playlistIds.contains($0.id) })
            }
        }
    }

    @Test func aJobIsRatedAndTheRatingTakenBack() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let asked = Mutex<[RateJobRequest]>([])
            gateway.queue.set {
                $0.rateJob = { request in
                    asked.withLock { $0.append(request) }
                    var job = Self.click
                    job.rating = request.rating
                    job.rating?.ratedAtMs = 5_000
                    return job
                }
            }
            let answer = try await gateway.put(
                "/api/history/0-2/rating", json: #"{"thumb": "down", "comment": "wrong key"}"#)
            #expect(
                try answer.json == [
                    "success": true,
                    "rating": ["thumb": "down", "comment": "wrong key", "rated_at": "1970-01-01T00:00:05.000Z"],
                ])
            let taken = try await gateway.send(
                "/api/history/0-2/rating", .delete,
                headers: [.cookie: GatewayUnderTest.cookie, .contentType: "application/json"])
            #expect(try taken.json == ["success": true, "rating": nil])
            let rating = JobRating(thumb: .down, comment: "wrong key")
            #expect(
                asked.withLock { $0 } == [
                    RateJobRequest(userID: "demo", jobID: "0-2", rating: rating),
                    RateJobRequest(userID: "demo", jobID: "0-2"),
                ])
            for body in [#"{"thumb": "sideways"}"#, #"{"comment": "x"}"#, #"{"thumb": "up", "comment": 1}"#] {
                #expect(try await gateway.put("/api/history/0-2/rating", json: body).status == 400, "\(body)")
            }
            #expect(asked.withLock { $0.count } == 2)
        }
    }

    @Test func jobsThatEndedComeInPagesWithTheirNames() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.nameTargets(gateway)
            let asked = Mutex<[ListJobsRequest]>([])
            gateway.queue.set {
                $0.listJobs = { request in
                    asked.withLock { $0.append(request) }
                    return ListJobsReply(jobs: [Self.playlist, Self.click], nextPageToken: "0/4000/0-2")
                }
            }
            let answer = try await gateway.get(
                "/api/history?type=playlist&status=completed&limit=2&page_token=0%2F1%2F0-9")
            #expect(answer.status == 200)
            #expect(
                asked.withLock { $0 } == [
                    ListJobsRequest(
                        userID: "demo", ended: true, limit: 2, type: .playlist, state: .completed,
                        pageToken: "0/1/0-9")
                ])
            #expect(try answer.json["next_page_token"] == "0/4000/0-2")
            #expect(
                try answer.json["jobs"]?.elements.first == [
                    "job_id": "0-1", "type": "playlist", "target_id": "p1", "name": "Road trip",
                    "status": "completed", "priority": "medium", "created_at": "1970-01-01T00:00:01.000Z",
                    "started_at": "1970-01-01T00:00:02.000Z", "ended_at": "1970-01-01T00:00:09.000Z", "total": 3,
                    "analyzed": 1, "skipped": 1, "failed": 1, "batch": 0, "songs_left": 0, "force": false, "error": nil,
                    "rating": nil,
                ])
            #expect(try answer.json["jobs"]?.elements.last?["name"] == "Eight")
        }
    }

    @Test func howAnalysesEndedIsToldInASentenceUnlessItIsMuted() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.nameTargets(gateway)
            var gone = Self.click
            (gone.id, gone.targetID, gone.state, gone.error) = ("0-4", "9", .failed, "no audio")
            let jobs = [Self.playlist, Self.click, gone]
            gateway.queue.set { $0.listJobs = { _ in ListJobsReply(jobs: jobs, nextPageToken: "0/1/0-2") } }
            gateway.catalog.set { $0.getPreferences = { _ in Preferences() } }
            let answer = try await gateway.get("/api/notifications?limit=3").json
            #expect(answer["next_page_token"] == "0/1/0-2")
            #expect(
                answer["notifications"]?.elements.first == [
                    "id": "0-1 completed 9000", "kind": "completed", "at": "1970-01-01T00:00:09.000Z",
                    "message": "“Road trip”: 2 analysed, 1 failed, about 5 seconds", "job_id": "0-1",
                    "type": "playlist", "target_id": "p1", "name": "Road trip",
                ])
            #expect(answer["notifications"]?.elements.last?["message"] == "A song could not be analysed: no audio")
            gateway.catalog.set { $0.getPreferences = { _ in Preferences(muted: [.completed]) } }
            let failures = try await gateway.get("/api/notifications").json["notifications"]?.elements
            #expect(failures?.map { $0["job_id"] } == ["0-4"])
        }
    }

    @Test(arguments: ["type=album", "status=pending", "limit=0", "limit=101", "limit=x"])
    func filtersThatAreNoneAreRefused(query: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.get("/api/history?\(query)")
            #expect(answer.status == 400)
            guard case .string(let message) = try answer.json["message"] else { return #expect(Bool(false)) }
            #expect(message.hasPrefix(query.prefix { $0 != "=" }), "\(message)")
        }
    }

    @Test func aStoryTellsWhatDisplacedTheJobAndWhatFailed() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.nameTargets(gateway)
            gateway.queue.set {
                $0.getTimeline = { request in
                    guard request == TimelineRequest(userID: "demo", jobID: "0-1", pageToken: "5-0") else {
                        throw RPCError(.notFound, "there is no job \(request.jobID)")
                    }
                    var running = Self.playlist
                    running.state = .interrupted
                    return Timeline(
                        events: [
                            Event(
                                cursor: "3000-0", atMs: 3_000, kind: .interrupted, job: running, songID: "7",
                                byJobID: "0-2"),
                            Event(
                                cursor: "5000-0", atMs: 5_000, kind: .interrupted, job: running,
                                reason: "high-priority work of somebody else", byJobID: ""),
                            Event(
                                cursor: "6000-0", atMs: 6_000, kind: .interrupted, job: running, byJobID: "0-99"),
                        ], nextPageToken: "6000-0", isCut: true)
                }
                $0.getJob = { request in
                    #expect(request.userID == "demo")
                    guard let job = [Self.playlist, Self.click].first(where: { $0.id == request.jobID }) else {
                        throw RPCError(.notFound, "there is no job \(request.jobID)")
                    }
                    return job
                }
            }
            let story = try await gateway.get("/api/history/0-1?page_token=5-0").json
            #expect(story["is_cut"] == true && story["next_page_token"] == "6000-0")
            #expect(story["failures"] == [["song_id": 7, "name": "Seven", "reason": "no audio"]])
            let events = story["events"]?.elements ?? []
            #expect(
                events.first?.without("by", "song") == [
                    "at": "1970-01-01T00:00:03.000Z", "kind": "interrupted", "status": "interrupted", "songs": 0,
                    "reason": nil,
                ])
            #expect(events.first?["by"]?["name"] == "Eight" && events.first?["song"]?["name"] == "Seven")
            #expect(events[1]["by"] == .null && events[1]["reason"] == "high-priority work of somebody else")
            // What is not kept any more is no fault.
            #expect(events[2]["by"] == .null)
            #expect(try await gateway.get("/api/history/0-77").status == 404)
        }
    }

    @Test func insightsTellDistributionsAndCoverage() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.getCoverage = { _ in Coverage(total: 4, analysed: 2, failed: 1, audioMs: 8_000, audioDoneMs: 6_000) }
                $0.getInsights = { _ in
                    Insights(
                        songs: 4, analysed: 2,
                        tempoBpm: Distribution(
                            songs: 2, least: 99.5, median: 101, most: 102.5, binWidth: 5, firstBin: 95, bins: [1, 1]),
                        loudnessLufs: Distribution(), keys: [KeyCount(name: "A minor", songs: 2)],
                        coverage: [CoveragePoint(atMs: 1_000, analysed: 2)])
                }
            }
            #expect(
                try await gateway.get("/api/library/insights").json == [
                    "success": true, "total_songs": 4, "analyzed_songs": 2, "failed_songs": 1, "audio_seconds": 8,
                    "audio_done_seconds": 6,
                    "tempo_bpm": [
                        "songs": 2, "least": 99.5, "median": 101, "most": 102.5, "bin_width": 5, "first_bin": 95,
                        "bins": [1, 1],
                    ],
                    "loudness_lufs": nil, "keys": [["name": "A minor", "songs": 2]],
                    "coverage": [["at": "1970-01-01T00:00:01.000Z", "analyzed": 2]],
                ])
        }
    }
}
