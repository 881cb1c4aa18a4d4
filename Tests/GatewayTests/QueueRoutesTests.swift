// The queue, its workers and the gateway's own health, row by row of the contract.

import AnalysisAPI
import HTTPTypes
import Hummingbird
import RPC
import Testing

@testable import Gateway

@Suite struct QueueRoutesTests {
    private static let status = QueueStatus(
        pending: 3, inProgress: 1, completed: 7, failed: 2, cancelled: 1, paused: 1, waitingHigh: 1, waitingMedium: 0,
        waitingLow: 2,
        running: [
            Job(id: "0-3", lane: "0", userID: "demo", type: .song, priority: .high, state: .inProgress, targetID: "s1")
        ],
        workers: [
            WorkerStatus(
                id: "w1", lanes: ["0"], connectedAtMs: 1_000, heartbeatAtMs: 5_000, songsAnalysed: 20, songsFailed: 2,
                interruptions: 4)
        ])

    @Test func theQueueIsCountedByStateAndClass() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.getStatus = { request in
                    #expect(request.userID == "demo")
                    return Self.status
                }
            }
            gateway.progress.set { $0.get = { _ in ProgressView(etaMs: 90_000) } }
            let body = try await gateway.get("/api/queue/status").json
            #expect(body["status"] == "success")
            #expect(
                body["queue"]?.without("active_job") == [
                    "total_jobs": 15, "pending_jobs": 3, "in_progress_jobs": 1, "completed_jobs": 7, "failed_jobs": 2,
                    "cancelled_jobs": 1, "paused_jobs": 1, "priority_breakdown": ["HIGH": 1, "MEDIUM": 0, "LOW": 2],
                    "estimated_completion_minutes": 1.5,
                ])
            #expect(body["queue"]?["active_job"]?["job_id"] == "0-3")
            #expect(body["queue"]?["active_job"]?["job_type"] == "SONG_ANALYSIS")
        }
    }

    @Test func whatRunsIsNullToOthersAndShownToAdministrators() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set {
                $0.getStatus = { request in
                    var status = Self.status
                    if !request.userID.isEmpty { status.running = [] }
                    return status
                }
            }
            gateway.progress.set { $0.get = { _ in ProgressView() } }
            let queue = try await gateway.get("/api/queue/status").json["queue"]
            #expect(queue?["active_job"] == .null && queue?["estimated_completion_minutes"] == .null)
            #expect(try await gateway.get("/api/worker/health").json["worker"]?["current_job"] == .null)

            let session = [UInt8](repeating: 9, count: 32)
            gateway.catalog.set { $0.checkSession = { _ in User(id: "root", role: .administrator) } }
            let cookie = SessionToken(session).cookie(expiresAtMs: 0, secure: false)
            let answer = try await gateway.get(
                "/api/queue/status", headers: [.cookie: "\(cookie.name)=\(cookie.value)"])
            #expect(try answer.json["queue"]?["active_job"]?["job_id"] == "0-3")
        }
    }

    @Test func workersAreSummedUp() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.getStatus = { _ in Self.status } }
            let worker = try await gateway.get("/api/worker/health").json["worker"]
            #expect(
                worker?.without("uptime_seconds", "current_job") == [
                    "id": nil, "status": "running", "jobs_processed": 20, "jobs_failed": 2, "jobs_interrupted": 4,
                    "last_heartbeat": "1970-01-01T00:00:05.000Z",
                ])
            guard case .number(let uptime) = worker?["uptime_seconds"] else { return #expect(Bool(false), "no uptime") }
            #expect(uptime > 0)
        }
    }

    @Test func withoutWorkersTheWorkerIsOffline() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.getStatus = { _ in QueueStatus() } }
            #expect(
                try await gateway.get("/api/worker/health").json == [
                    "status": "success",
                    "worker": [
                        "id": nil, "status": "offline", "uptime_seconds": 0, "jobs_processed": 0, "jobs_failed": 0,
                        "jobs_interrupted": 0, "last_heartbeat": nil, "current_job": nil,
                    ],
                    "workers": [],
                ])
        }
    }

    @Test func theQueuesHealthFollowsItsStore() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.getStatus = { _ in QueueStatus() } }
            let well = try await gateway.get("/api/queue/health")
            #expect(well.status == 200)
            #expect(
                try well.json["queue_health"]?.without("timestamp") == [
                    "redis_connected": true, "queue_accessible": true, "error": nil,
                ])
            gateway.queue.set { $0.getStatus = { _ in throw RPCError(.unavailable, "Redis is away") } }
            let away = try await gateway.get("/api/queue/health")
            #expect(away.status == 503 && away.headers[.retryAfter] == "1")
            #expect(try away.json["status"] == "error")
            let health = try away.json["queue_health"]
            #expect(health?["redis_connected"] == false && health?["queue_accessible"] == false)
            #expect(health?["error"] != .null)
        }
    }

    @Test func livenessNeedsNothingAndReadinessSaysWhatIsMissing() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            for path in ["/api/health/live", "/api/health/ready", "/api/health", "/api/health/detailed"] {
                #expect(try await gateway.send(path, .get).status == 200)
            }
            gateway.progressHealth.set(problem: "Redis does not answer")
            let ready = try await gateway.send("/api/health/ready", .get)
            #expect(ready.status == 503)
            #expect(
                try ready.json.without("timestamp") == [
                    "status": "not ready", "error": "progress-service: Redis does not answer",
                ])
            #expect(try await gateway.send("/api/health/live", .get).json["status"] == "alive")
            let checks = try await gateway.send("/api/health/detailed", .get).json["checks"]?.elements
            #expect(checks?.map { $0["status"] } == ["healthy", "unhealthy"])
        }
    }
}
