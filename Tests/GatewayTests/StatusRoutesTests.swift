// How far a song, a playlist and the library are, row by row of the contract.

import AnalysisAPI
import RPC
import Testing

@testable import Gateway

@Suite struct StatusRoutesTests {
    private static func detail(_ state: SongState, results: [AnalysisResult] = [], failure: String = "") -> SongDetail {
        SongDetail(
            summary: SongSummary(song: Song(id: "17", title: "T"), state: state, analysedAtMs: 2_000, failure: failure),
            results: results)
    }

    private static func set(
        _ gateway: GatewayUnderTest, song: SongDetail, live: [Job] = [], ended: [Job] = [], views: [ProgressView] = []
    ) {
        gateway.catalog.set { $0.getSong = { _ in song } }
        gateway.queue.set {
            $0.listJobs = { request in
                let jobs = (request.ended ? ended : live).filter { job in
                    request.targetID.isEmpty || job.targetID == request.targetID && job.type == request.type
                }
                return ListJobsReply(jobs: Array(jobs.prefix(request.limit == 0 ? 100 : Int(request.limit))))
            }
        }
        gateway.progress.set { $0.listActive = { _ in ListActiveReply(jobs: views) } }
    }

    @Test(arguments: ["/api/songs/17/analysis-status", "/api/song_analysis_status/17"])
    func anAnalysedSongIsCompleted(path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let json =
                #"{"score":87,"concern_level":"low","themes":["hope"],"explanation":"Fine.","tempo":{"bpm":120.5}}"#
            let result = AnalysisResult(
                analyzer: AnalyzerVersion(name: "review", version: "1"), json: Array(json.utf8), createdAtMs: 1_500)
            Self.set(gateway, song: Self.detail(.analysed, results: [result]))
            let analysis: JSONValue = [
                "id": 17, "score": 87, "concern_level": "low", "status": "completed", "themes": ["hope"],
                "explanation": "Fine.", "created_at": "1970-01-01T00:00:01.500Z",
            ]
            #expect(
                try await gateway.get(path).content == [
                    "success": true, "completed": true, "has_analysis": true, "status": "completed", "progress": 100,
                    "stage": "Analysis complete", "message": "Analysis completed", "score": 87, "concern_level": "low",
                    "result": analysis, "analysis": analysis,
                ])
        }
    }

    @Test func whatNoAnalyzerReturnedIsNullOrEmpty() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let result = AnalysisResult(
                analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array(#"{"codec":"flac"}"#.utf8))
            Self.set(gateway, song: Self.detail(.analysed, results: [result]))
            let answer = try await gateway.get("/api/songs/17/analysis-status").json
            #expect(answer["score"] == .null && answer["concern_level"] == .null)
            #expect(
                answer["result"] == [
                    "id": 17, "score": nil, "concern_level": nil, "status": "completed", "themes": [],
                    "explanation": nil,
                    "created_at": "1970-01-01T00:00:02.000Z",
                ])
        }
    }

    @Test func aRunningSongShowsItsTrueProgress() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let job = Job(
                id: "0-3", type: .song, priority: .high, state: .inProgress, targetID: "17", total: 1, songID: "17")
            let view = ProgressView(
                context: .job("0-3"), fraction: 0.429, total: 1, etaMs: 2_500, job: job,
                song: Song(id: "17", title: "T"),
                songFraction: 0.429, stage: "Beats")
            Self.set(gateway, song: Self.detail(.notAnalysed), live: [job], views: [view])
            #expect(
                try await gateway.get("/api/songs/17/analysis-status").content == [
                    "success": true, "completed": false, "has_analysis": false, "status": "pending", "progress": 42,
                    "stage": "Beats", "message": "Analysing T", "job_id": "0-3", "eta_seconds": 2.5,
                ])
        }
    }

    @Test func aSongThatAPlaylistRunsShowsItsOwnFraction() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let job = Job(
                id: "0-2", type: .playlist, priority: .medium, state: .inProgress, targetID: "p1", songID: "17")
            let view = ProgressView(
                context: .job("0-2"), fraction: 0.1, total: 9, job: job, song: Song(id: "17"), songFraction: 0.8)
            Self.set(gateway, song: Self.detail(.notAnalysed), live: [job], views: [view])
            #expect(try await gateway.get("/api/songs/17/analysis-status").json["progress"] == 80)
        }
    }

    @Test func progressIs99UntilTheResultIsThere() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let job = Job(id: "0-3", type: .song, state: .inProgress, targetID: "17")
            Self.set(
                gateway, song: Self.detail(.notAnalysed), live: [job],
                views: [ProgressView(context: .job("0-3"), fraction: 1, total: 1, job: job)])
            #expect(try await gateway.get("/api/songs/17/analysis-status").json["progress"] == 99)
        }
    }

    @Test func aFailedSongSaysWhy() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.set(gateway, song: Self.detail(.failed, failure: "The file is empty"))
            #expect(
                try await gateway.get("/api/songs/17/analysis-status").content == [
                    "success": false, "completed": true, "failed": true, "has_analysis": false, "status": "failed",
                    "progress": 0, "stage": "Analysis failed", "error": "The file is empty",
                    "message": "The file is empty",
                ])
        }
    }

    @Test func aCancelledSongIsCancelledUntilItIsAskedForAgain() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let ended = Job(id: "0-4", type: .song, state: .cancelled, targetID: "17", endedAtMs: 9)
            Self.set(gateway, song: Self.detail(.notAnalysed), ended: [ended])
            let answer = try await gateway.get("/api/songs/17/analysis-status").json
            #expect(answer["status"] == "cancelled" && answer["failed"] == true && answer["progress"] == 0)
            Self.set(
                gateway, song: Self.detail(.notAnalysed),
                live: [Job(id: "0-5", type: .song, state: .pending, targetID: "17")])
            #expect(try await gateway.get("/api/songs/17/analysis-status").json["status"] == "pending")
        }
    }

    @Test func aSongFarBackInLineIsAskedForAndWaits() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let jobs = (0..<150).map { Job(id: "0-\($0)", type: .song, state: .pending, targetID: "\($0)") }
            Self.set(gateway, song: Self.detail(.failed, failure: "The file is empty"), live: jobs.reversed())
            #expect(try await gateway.get("/api/songs/17/analysis-status").json["job_id"] == "0-17")
        }
    }

    @Test func aSongNeverAskedForLooksLikeWaiting() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.set(gateway, song: Self.detail(.notAnalysed))
            #expect(
                try await gateway.get("/api/songs/17/analysis-status").content == [
                    "success": true, "completed": false, "has_analysis": false, "status": "pending", "progress": 0,
                    "stage": "Not started", "message": "Analysis not started", "job_id": nil, "eta_seconds": nil,
                ])
        }
    }

    @Test func aPlaylistCountsEverySongOnce() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.get = { request in
                    #expect(request == ProgressRequest(userID: "demo", context: .playlist("9")))
                    return ProgressView(
                        context: .playlist("9"), fraction: 0.625, total: 8, analysed: 4, failed: 1, inProgress: 1,
                        etaMs: 1_500, job: Job(id: "0-2", state: .inProgress))
                }
            }
            #expect(
                try await gateway.get("/api/playlists/9/analysis-status").content == [
                    "success": true, "completed": false, "progress": 62.5, "analyzed_count": 4, "total_count": 8,
                    "message": "Analysis 62.5% complete (4/8 songs)", "playlist_id": 9,
                    "detailed_status": ["completed": 4, "failed": 1, "pending": 2, "in_progress": 1], "job_id": "0-2",
                    "eta_seconds": 1.5,
                ])
        }
    }

    @Test(
        arguments: [(8, 8, 0, 0), (8, 8, 0, 1), (8, 5, 3, 0), (0, 0, 0, 0), (3, 3, 3, 1)]
            as [(UInt32, UInt32, UInt32, UInt32)])
    func theFourCountsOfAPlaylistAddUp(total: UInt32, analysed: UInt32, failed: UInt32, inProgress: UInt32) {
        let view = ProgressView(total: total, analysed: analysed, failed: failed, inProgress: inProgress)
        let detail = PlaylistStatusAnswer.Detail(view)
        #expect(detail.completed + detail.failed + detail.pending + detail.inProgress == total)
    }

    @Test func theLibraryIsToldWithTheUsersOwnQueue() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.listJobs = { request in
                    #expect(request.userID == "demo")
                    guard request.pageToken.isEmpty else {
                        return ListJobsReply(jobs: [Job(id: "0-3", state: .paused)])
                    }
                    return ListJobsReply(
                        jobs: [Job(id: "0-1", state: .inProgress), Job(id: "0-2", state: .pending)],
                        nextPageToken: "0/2/0-2")
                }
            }
            gateway.progress.set {
                $0.get = { request in
                    #expect(request == ProgressRequest(userID: "demo", context: .library))
                    return ProgressView(
                        context: .library, fraction: 0.5, total: 98, analysed: 48, failed: 1, etaMs: 150_000)
                }
            }
            #expect(
                try await gateway.get("/api/analysis/status").content == [
                    "success": true, "status": "success", "active": true, "completed": false, "progress": 50,
                    "analyzed_count": 48, "failed_count": 1, "total_count": 98, "queue_length": 3, "pending_jobs": 1,
                    "in_progress_jobs": 1, "estimated_completion_minutes": 2.5,
                    "message": "Analysis 50.0% complete (48/98 songs)",
                ])
        }
    }
}
