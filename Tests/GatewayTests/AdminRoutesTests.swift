// What administrators see and do, and that nobody else does.

import AnalysisAPI
import HTTPTypes
import NIOCore
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct AdminRoutesTests {
    private static let job = Job(
        id: "0-3", lane: "0", userID: "ann", type: .song, priority: .high, state: .inProgress, targetID: "s1",
        total: 1, songID: "s1", createdAtMs: 1_000, startedAtMs: 2_000)

    @Test(arguments: [
        (HTTPRequest.Method.get, "queue"), (.post, "queue/pause"), (.post, "queue/resume"), (.post, "queue/clear"),
        (.get, "workers"), (.get, "statistics"), (.get, "eta-accuracy"), (.get, "jobs"), (.get, "jobs/0-3/story"),
        (.post, "jobs/0-3/cancel"),
        (.get, "dead-letters"), (.post, "dead-letters/0-3/replay"), (.post, "dead-letters/replay"), (.get, "users"),
        (.post, "users"), (.put, "users/ann/role"), (.put, "users/ann/password"), (.delete, "users/ann"),
    ])
    func nobodyElseMay(method: HTTPRequest.Method, path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.send(
                "/api/admin/\(path)", method, headers: [.cookie: GatewayUnderTest.cookie])
            #expect(answer.status == 403)
            #expect(try answer.json["message"] == "Only administrators may do this.")
            #expect(try await gateway.send("/api/admin/\(path)", method).status == 401)
        }
    }

    @Test func theQueueIsToldByClassWithWaitsAndWhatRuns() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.getStatus = { request in
                    #expect(request.userID.isEmpty)
                    return QueueStatus(
                        pending: 3, inProgress: 1, waitingHigh: 1, waitingLow: 2, running: [Self.job],
                        audioMsWaiting: 90_000,
                        pause: QueuePause(reason: "new disk", by: "uid:1", pausedAtMs: 5_000, untilMs: 0, freeze: true),
                        breakers: [CircuitBreaker(analyzer: "audio", lane: "0", songs: 10, reason: "crashes")])
                }
                $0.listJobs = { request in
                    if request.ended {
                        return ListJobsReply(jobs: [
                            Job(id: "0-1", priority: .high, createdAtMs: 1_000, startedAtMs: 2_000, endedAtMs: 6_000),
                            Job(id: "0-2", priority: .high, createdAtMs: 1_000, startedAtMs: 4_000, endedAtMs: 5_000),
                            Job(id: "0-4", priority: .low, createdAtMs: 1_000, endedAtMs: 5_000),
                        ])
                    }
                    #expect(request.limit == 1 && request.state == .pending && request.userID.isEmpty)
                    return ListJobsReply(
                        jobs: request.priority == .high ? [Job(id: "0-5", createdAtMs: 7_000)] : [])
                }
            }
            gateway.progress.set {
                $0.get = { _ in throw RPCError(.unavailable, "the progress service is away") }
            }
            gateway.catalog.set { $0.getTargets = { _ in Targets(songs: [Song(id: "s1", title: "One")]) } }
            let queue = try await gateway.administrator(.get, "/api/admin/queue").json["queue"]
            #expect(
                queue?["classes"]?.elements.first == [
                    "priority": "high", "waiting": 1, "waiting_since": "1970-01-01T00:00:07.000Z",
                    "ended_last_hour": 2, "waited_seconds": 2, "took_seconds": 2.5,
                ])
            #expect(
                queue?["classes"]?.elements.last == [
                    "priority": "low", "waiting": 2, "waiting_since": nil, "ended_last_hour": 1,
                    "waited_seconds": nil, "took_seconds": nil,
                ])
            let running = queue?["running"]?.elements.first
            #expect(running?["job"]?["user_id"] == "ann" && running?["job"]?["name"] == "One")
            #expect(running?["progress"] == .null)
            #expect(
                queue?["pause"] == [
                    "reason": "new disk", "paused_at": "1970-01-01T00:00:05.000Z", "until": nil, "freeze": true,
                ])
            #expect(queue?["breakers"]?.elements.first?["reason"] == "crashes")
            #expect(queue?["audio_seconds_waiting"] == 90)
        }
    }

    @Test func theQueueIsPausedResumedAndCleared() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let asked = Mutex<[String]>([])
            gateway.queue.set {
                $0.getStatus = { _ in QueueStatus() }
                $0.listJobs = { _ in ListJobsReply() }
                $0.pauseQueue = { request in
                    #expect(request == PauseQueueRequest(reason: "new disk", seconds: 900, freeze: true))
                    asked.withLock { $0.append("pause") }
                    return PauseQueueReply()
                }
                $0.resumeQueue = { _ in
                    asked.withLock { $0.append("resume") }
                    return ResumeQueueReply()
                }
                $0.clearJobs = { request in
                    #expect(request == JobFilter(type: .playlist))
                    return ChangedJobs(changed: 3)
                }
            }
            let pause = #"{"reason": "new disk", "seconds": 900, "freeze": true}"#
            #expect(try await gateway.administrator(.post, "/api/admin/queue/pause", json: pause).status == 200)
            #expect(try await gateway.administrator(.post, "/api/admin/queue/resume").status == 200)
            #expect(asked.withLock { $0 } == ["pause", "resume"])
            let cleared = try await gateway.administrator(
                .post, "/api/admin/queue/clear", json: #"{"type": "playlist"}"#)
            #expect(try cleared.json == ["success": true, "message": "Cancelled 3 jobs", "changed": 3])
            for (path, body) in [("pause", "{}"), ("pause", nil), ("clear", #"{"type": "album"}"#)] {
                #expect(
                    try await gateway.administrator(.post, "/api/admin/queue/\(path)", json: body).status == 400)
            }
        }
    }

    @Test func workersAreToldWithWhatTheirAnalyzersDo() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.getStatus = { _ in
                    QueueStatus(workers: [
                        WorkerStatus(
                            id: "w1", lanes: ["0"], connectedAtMs: 1_000, heartbeatAtMs: 2_000, songsAnalysed: 20,
                            songsFailed: 2, interruptions: 4, suspended: 1,
                            diagnostics: WorkerDiagnostics(
                                processes: [
                                    AnalyzerProcess(
                                        analyzer: "audio", pid: 7, activity: .analyzing, frozen: true, sinceMs: 1_500,
                                        memoryBytes: 1_000, songID: "5", fraction: 0.25),
                                    AnalyzerProcess(analyzer: "audio", pid: 8, activity: .idle, memoryBytes: 500),
                                ],
                                lastErrors: [WorkerError(atMs: 1_000, analyzer: "audio", reason: "signal 9")]),
                            machine: MachineLoad(loadPerCore: 0.5, memoryAvailable: 0.25))
                    ])
                }
            }
            let worker = try await gateway.administrator(.get, "/api/admin/workers").json["workers"]?.elements.first
            #expect(
                worker?.without("processes", "errors") == [
                    "id": "w1", "lanes": ["0"], "connected_at": "1970-01-01T00:00:01.000Z",
                    "last_heartbeat": "1970-01-01T00:00:02.000Z", "songs_analyzed": 20, "songs_failed": 2,
                    "interruptions": 4, "suspended": 1, "memory_bytes": 1_500, "load_per_core": 0.5,
                    "memory_available": 0.25,
                ])
            #expect(
                worker?["processes"]?.elements.first == [
                    "analyzer": "audio", "pid": 7, "activity": "analyzing", "frozen": true,
                    "since": "1970-01-01T00:00:01.500Z", "memory_bytes": 1_000, "song_id": 5, "fraction": 0.25,
                    "stuck_since": nil,
                ])
            #expect(worker?["errors"]?.elements.first?["reason"] == "signal 9")
        }
    }

    @Test func daysAreTold() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.getStatistics = { request in
                    #expect(request.days == 3)
                    return Statistics(days: [
                        DayStatistics(dayMs: 86_400_000, songsAnalysed: 5, audioMs: 1_500)
                    ])
                }
            }
            let day = try await gateway.administrator(.get, "/api/admin/statistics?days=3").json["days"]?.elements.first
            #expect(day?["day"] == "1970-01-02T00:00:00.000Z" && day?["songs_analyzed"] == 5)
            #expect(day?["audio_seconds"] == 1.5)
            for days in ["0", "401", "week"] {
                #expect(
                    try await gateway.administrator(.get, "/api/admin/statistics?days=\(days)").status == 400)
            }
        }
    }

    @Test func figuresOfTheProductAreShares() throws {
        let statistics = Statistics(
            days: [
                DayStatistics(dayMs: 0),
                DayStatistics(
                    dayMs: 86_400_000, enqueued: 9, completed: 6, failed: 2, cancelled: 1, songsAnalysed: 100,
                    clicks: 4,
                    clicksInTime: 3, workersStarted: 2, attendedMs: 27_000_000, recoveries: 2, recoveryMs: 3_000,
                    thumbsUp: 3, thumbsDown: 1, watchedMs: 90_000),
            ], users: 8, usersWithBackgroundAnalysis: 2)
        // Ten hours into the second day, which is the first on which anything happened.
        let figures = ProductFigures(statistics, now: Timestamp(millisecondsSince1970: 86_400_000 + 36_000_000))
        #expect(figures.songsPerHour == 10)
        #expect(figures.users == 8 && figures.backgroundAnalysisShare == 0.25)
        #expect(figures.completedShare == 0.75)
        #expect(figures.clicksInTimeShare == 0.75)
        #expect(figures.workerAvailability == 0.75 && figures.workersStarted == 2)
        #expect(figures.recoverySeconds == 1.5)
        #expect(figures.thumbsUp == 3 && figures.thumbsDown == 1 && figures.watchedSeconds == 90)
        let none = ProductFigures(Statistics(), now: .now)
        #expect(none.songsPerHour == nil && none.completedShare == nil && none.recoverySeconds == nil)
    }

    @Test func howTrueEstimatesWereIsTold() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.getAccuracy = { request in
                    #expect(request.days == 30)
                    let errors = EstimateErrors(
                        median: 0.25, medianAbsolute: 0.5, p90Absolute: 0.75, withinTarget: 0.125)
                    return Accuracy(
                        byFraction: [AccuracyByFraction(from: 0, to: 0.5, estimates: 3, adjusted: errors)],
                        fromFirstTenth: AccuracyByFraction(from: 0.1, to: 1, estimates: 2, unadjusted: errors))
                }
            }
            let accuracy = try await gateway.administrator(.get, "/api/admin/eta-accuracy?days=30").json
            #expect(
                accuracy["by_fraction"]?.elements.first == [
                    "from": 0, "to": 0.5, "estimates": 3,
                    "adjusted": [
                        "median": 0.25, "median_absolute": 0.5, "p90_absolute": 0.75, "within_target": 0.125,
                    ],
                    "unadjusted": nil,
                ])
            #expect(accuracy["from_first_tenth"]?["unadjusted"]?["median_absolute"] == 0.5)
            #expect(try await gateway.administrator(.get, "/api/admin/eta-accuracy?days=91").status == 400)
        }
    }

    @Test func deadLettersAreListedAndReplayed() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set { $0.getTargets = { _ in throw RPCError(.notFound, "there is no user ann") } }
            gateway.queue.set {
                $0.listJobs = { request in
                    #expect(request == ListJobsRequest(ended: true, limit: 20, failed: true))
                    var dead = Self.job
                    (dead.state, dead.error) = (.failed, "no audio")
                    return ListJobsReply(jobs: [dead])
                }
                $0.replayJob = { request in
                    #expect(request == JobRequest(jobID: "0-3"))
                    return Self.job
                }
                $0.replayJobs = { _ in ChangedJobs(changed: 1) }
            }
            let letter = try await gateway.administrator(.get, "/api/admin/dead-letters").json["jobs"]?.elements.first
            #expect(letter?["error"] == "no audio" && letter?["name"] == .null && letter?["user_id"] == "ann")
            #expect(try await gateway.administrator(.post, "/api/admin/dead-letters/0-3/replay").status == 200)
            let all = try await gateway.administrator(.post, "/api/admin/dead-letters/replay")
            #expect(try all.json["message"] == "1 job back in line")
        }
    }

    @Test func usersAreMadeChangedAndRemoved() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let done = Mutex<[String]>([])
            @Sendable func note(_ text: String) { done.withLock { $0.append(text) } }
            gateway.catalog.set {
                $0.listUsers = { request in
                    #expect(request == ListUsersRequest(limit: 50, pageToken: "a"))
                    return ListUsersReply(users: [GatewayUnderTest.user], nextPageToken: "demo")
                }
                $0.createUser = { request in
                    note("made \(request.id) \(request.role)")
                    return User(id: request.id, role: request.role)
                }
                $0.setRole = { request in
                    note("role \(request.userID) \(request.role)")
                    return User(id: request.userID, role: request.role)
                }
                $0.setPassword = { request in
                    note("password \(request.userID) \(request.password)")
                    return User(id: request.userID)
                }
                $0.removeUser = { request in
                    note("removed \(request.userID)")
                    return RemoveUserReply(cancelledJobs: 2)
                }
            }
            let users = try await gateway.administrator(.get, "/api/admin/users?page_token=a").json
            #expect(users["users"]?.elements.first?["id"] == "demo" && users["next_page_token"] == "demo")
            let made = try await gateway.administrator(
                .post, "/api/admin/users", json: #"{"user": "ann", "password": "secret words"}"#)
            #expect(made.status == 200)
            let role = #"{"role": "administrator"}"#
            #expect(
                try await gateway.administrator(.put, "/api/admin/users/ann/role", json: role).json["user"]?["role"]
                    == "administrator")
            let password = #"{"password": "other words"}"#
            #expect(
                try await gateway.administrator(.put, "/api/admin/users/ann/password", json: password).status == 200)
            #expect(try await gateway.administrator(.delete, "/api/admin/users/ann").json["cancelled_jobs"] == 2)
            #expect(
                done.withLock { $0 } == [
                    "made ann listener", "role ann administrator", "password ann other words", "removed ann",
                ])
            for (method, path, body) in [
                (HTTPRequest.Method.put, "users/ann/role", #"{"role": "king"}"#), (.put, "users/ann/role", "{}"),
                (.post, "users", #"{"user": "x"}"#),
                (.post, "users", #"{"user": "x", "password": "y", "role": "king"}"#),
            ] {
                #expect(try await gateway.administrator(method, "/api/admin/\(path)", json: body).status == 400)
            }
        }
    }
}
