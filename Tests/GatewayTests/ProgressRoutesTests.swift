// Progress by context, and the jobs it is about, row by row of the contract.

import AnalysisAPI
import RPC
import Testing

@testable import Gateway

@Suite struct ProgressRoutesTests {
    private static let job = Job(
        id: "0-3", lane: "0", userID: "demo", type: .playlist, priority: .medium, state: .inProgress, targetID: "42",
        total: 12, analysed: 3, skipped: 1, songID: "s1", createdAtMs: 1_000, startedAtMs: 2_000)
    private static let view = ProgressView(
        context: .job("0-3"), version: 9, basis: 1, fraction: 0.3755, total: 12, analysed: 4, failed: 1, inProgress: 1,
        etaMs: 95_500, job: job, song: Song(id: "s1", title: "Run", artist: "Band", album: "One"), songFraction: 0.5,
        stage: "Loudness", updatedAtMs: 3_000)
    private static let entry: JSONValue = [
        "context": ["type": "job", "id": "0-3"], "job_id": "0-3", "job_type": "playlist_analysis", "type": "playlist",
        "priority": "medium", "target_id": 42, "status": "in_progress", "progress": 0.3755, "current_progress": 0.3755,
        "percentage": 37.6, "total": 12, "total_items": 12, "current": 4, "completed_items": 4, "failed": 1,
        "skipped": 1, "batch": 0, "songs_left": 0,
        "current_step": "Loudness", "step_progress": 0.5, "stage": "Loudness",
        "current_song": ["id": "s1", "name": "Run", "artist": "Band", "album": "One"],
        "current_message": "Analysing Run – Band (4 of 12 done)", "message": "Analysing Run – Band (4 of 12 done)",
        "eta_seconds": 95.5, "eta_text": "about 2 minutes", "starts_in_seconds": nil, "position": 0, "waiting_for": "",
        "suspended": nil,
        "start_time": "1970-01-01T00:00:02.000Z", "started_at": "1970-01-01T00:00:02.000Z",
        "updated_at": "1970-01-01T00:00:03.000Z", "is_complete": false, "error": nil, "basis": 1, "version": 9,
    ]

    @Test func aJobsProgressHasEveryField() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.get = { request in
                    #expect(request == ProgressRequest(userID: "demo", context: .job("0-3")))
                    return Self.view
                }
            }
            #expect(try await gateway.get("/api/progress/0-3").content == ["success": true, "progress": Self.entry])
        }
    }

    @Test func activeJobsAreListedByTheirIds() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.listActive = { _ in ListActiveReply(jobs: [Self.view]) } }
            #expect(
                try await gateway.get("/api/progress").content == [
                    "success": true, "active_jobs": ["0-3": Self.entry], "total_active": 1,
                ])
        }
    }

    @Test(
        arguments: [
            ("/api/progress/global", ProgressContext.library, ["type": "library", "id": nil]),
            ("/api/progress/playlist/42", .playlist("42"), ["type": "playlist", "id": 42]),
        ] as [(String, ProgressContext, JSONValue)])
    func otherContextsLookAlike(path: String, context: ProgressContext, shown: JSONValue) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.get = { request in
                    #expect(request.context == context)
                    return ProgressView(context: request.context, fraction: 0.25, total: 4, analysed: 1)
                }
            }
            let progress = try await gateway.get(path).json["progress"]
            #expect(progress?["context"] == shown)
            #expect(progress?["status"] == "idle" && progress?["job_id"] == .null && progress?["progress"] == 0.25)
        }
    }

    @Test func someoneElsesJobIsAnsweredLikeOneThatDoesNotExist() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.get = { request in
                    let name = request.context == .job("0-1") ? "it is someone else's" : "there is none"
                    throw RPCError(.notFound, name)
                }
            }
            let (theirs, none) = (
                try await gateway.get("/api/progress/0-1"), try await gateway.get("/api/progress/0-2")
            )
            #expect(theirs.status == 404 && none.status == 404)
            #expect(try theirs.json["success"] == false && theirs.json["error"] != nil)
            #expect(try theirs.json.without("request_id") == none.json.without("request_id"))
        }
    }

    /// Pollers stop at these.
    @Test(arguments: [
        (JobState.completed, 1.0, "completed", "complete"), (.failed, 0.4, "failed", "failed"),
        (.cancelled, 0.4, "cancelled", "cancelled"),
    ])
    func anEndIsToldSoThatPollersStop(state: JobState, fraction: Double, status: String, step: String) {
        var job = Self.job
        job.state = state
        let entry = ProgressEntry(
            ProgressView(context: .job("0-3"), fraction: fraction, total: 12, job: job, ended: true))
        #expect(entry.status == status && entry.currentStep == step && entry.isComplete && entry.progress == fraction)
    }

    @Test func whatWaitsSaysForWhat() {
        var job = Self.job
        job.state = .interrupted
        let entry = ProgressEntry(
            ProgressView(context: .job("0-3"), job: job, position: 2, waitingFor: "behind 2 songs of others"))
        #expect(entry.message == "Behind 2 songs of others" && entry.currentStep == "waiting" && entry.position == 2)
    }

    @Test func whatIsSuspendedSaysByWhatAndUntilWhen() throws {
        var job = Self.job
        job.state = .interrupted
        let suspension = Suspension(by: "2 songs of others", sinceMs: 2_000, resumesInMs: 31_000)
        let view = ProgressView(context: .job("0-3"), job: job, suspension: suspension)
        let suspended = try #require(ProgressEntry(view).suspended)
        #expect(suspended.by == "2 songs of others" && suspended.since != nil)
        #expect(suspended.resumesInSeconds == 31 && suspended.resumesInText == "about 30 seconds")
        #expect(ProgressEntry(Self.view).suspended == nil)
    }

    @Test func aJobsStatusCarriesItsProgress() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.getJob = { request in
                    #expect(request == JobRequest(userID: "demo", jobID: "0-3"))
                    var job = Self.job
                    job.failures = [SongFailure(songID: "8", reason: "empty")]
                    job.failed = 1
                    return job
                }
            }
            gateway.progress.set { $0.get = { _ in Self.view } }
            #expect(
                try await gateway.get("/api/jobs/0-3/status").content == [
                    "status": "success",
                    "job": [
                        "job_id": "0-3", "status": "IN_PROGRESS", "job_type": "PLAYLIST_ANALYSIS", "priority": "MEDIUM",
                        "created_at": "1970-01-01T00:00:01.000Z", "started_at": "1970-01-01T00:00:02.000Z",
                        "ended_at": nil,
                        "target_id": 42, "error": nil,
                        "metadata": [
                            "total_songs": 12, "analyzed_songs": 3, "skipped_songs": 1, "failed_songs": 1,
                            "force": false,
                            "failures": [["song_id": 8, "reason": "empty"]],
                        ],
                        "progress": Self.entry,
                    ],
                ])
        }
    }

    @Test(arguments: ["pause", "resume", "cancel"])
    func jobsArePausedResumedAndCancelled(verb: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            func answer(_ asked: String, _ state: JobState) -> @Sendable (JobRequest) throws -> Job {
                { request in
                    #expect(verb == asked && request == JobRequest(userID: "demo", jobID: "0-3"))
                    var job = Self.job
                    job.state = state
                    return job
                }
            }
            gateway.queue.set {
                $0.pauseJob = answer("pause", .paused)
                $0.resumeJob = answer("resume", .interrupted)
                $0.cancelJob = answer("cancel", .cancelled)
            }
            let body = try await gateway.post("/api/jobs/0-3/\(verb)").json
            let states: [String: JSONValue] = ["pause": "PAUSED", "resume": "INTERRUPTED", "cancel": "CANCELLED"]
            #expect(body["success"] == true && body["status"] == "success")
            #expect(body["job"]?["status"] == states[verb])
        }
    }

    @Test func whatAJobCannotDoNowIsAConflict() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.pauseJob = { _ in throw RPCError(.failedPrecondition, "job 0-3 has ended") } }
            let answer = try await gateway.post("/api/jobs/0-3/pause")
            #expect(answer.status == 409)
            #expect(try answer.json["message"] == "job 0-3 has ended")
        }
    }
}
