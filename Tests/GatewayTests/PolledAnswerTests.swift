// What pollers rely on: a pace, an answer that is cheap where nothing changed, and one while a service is away.

import AnalysisAPI
import HTTPTypes
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct PolledAnswerTests {
    private static func view(_ state: JobState, fraction: Double = 0.5) -> ProgressView {
        ProgressView(context: .job("0-1"), fraction: fraction, total: 2, job: Job(id: "0-1", state: state))
    }

    @Test(
        arguments: [(JobState.inProgress, 1_000), (.pending, 2_000), (.paused, 2_000), (.completed, 10_000)]
            as [(JobState, Int64)])
    func pollersAreToldWhenItIsWorthAskingAgain(state: JobState, milliseconds: Int64) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.get = { _ in Self.view(state) } }
            let body = try await gateway.get("/api/progress/0-1").json
            #expect(body["poll_after_ms"] == .integer(milliseconds) && body["stale"] == false)
        }
    }

    @Test func whatHasNotChangedIsNotSentAgain() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.get = { _ in Self.view(.inProgress) } }
            let first = try await gateway.get("/api/progress/0-1")
            let tag = try #require(first.headers[.eTag])
            #expect(first.headers[.cacheControl] == "private, no-cache")
            let same = try await gateway.get("/api/progress/0-1", headers: [.ifNoneMatch: "\"other\", W/\(tag)"])
            #expect(same.status == 304 && same.text.isEmpty && same.headers[.eTag] == tag)
            gateway.progress.set { $0.get = { _ in Self.view(.inProgress, fraction: 0.75) } }
            let changed = try await gateway.get("/api/progress/0-1", headers: [.ifNoneMatch: tag])
            #expect(changed.status == 200)
            #expect(try changed.json["progress"]?["progress"] == 0.75)
        }
    }

    @Test func whoeverAsksTheSameWithinTheMomentSharesAnAnswer() async throws {
        try await GatewayUnderTest.run(GatewaySettings(answersFreshFor: .seconds(3600))) { gateway async throws in
            let asked = Mutex<[ProgressContext?]>([])
            gateway.progress.set {
                $0.get = { request in
                    asked.withLock { $0.append(request.context) }
                    return Self.view(.inProgress)
                }
            }
            for _ in 0..<5 { #expect(try await gateway.get("/api/progress/0-1").status == 200) }
            for _ in 0..<5 { #expect(try await gateway.get("/api/progress/global").status == 200) }
            #expect(asked.withLock { $0 } == [.job("0-1"), .library])
            // Nobody is told what somebody else asked.
            gateway.catalog.set { $0.checkSession = { _ in User(id: "other", role: .listener) } }
            gateway.progress.set { $0.get = { _ in throw RPCError(.notFound, "not theirs") } }
            let session = [UInt8](repeating: 9, count: 32)
            let other = try await gateway.get(
                "/api/progress/0-1", headers: [.cookie: GatewayUnderTest.cookie(of: session)])
            #expect(other.status == 404)
        }
    }

    @Test func whoChangesSomethingSeesItAtOnce() async throws {
        try await GatewayUnderTest.run(GatewaySettings(answersFreshFor: .seconds(3600))) { gateway async throws in
            let state = Mutex(JobState.inProgress)
            gateway.progress.set { $0.get = { _ in Self.view(state.withLock { $0 }) } }
            gateway.queue.set {
                $0.pauseJob = { _ in
                    state.withLock { $0 = .paused }
                    return Job(id: "0-1", state: .paused)
                }
            }
            #expect(try await gateway.get("/api/progress/0-1").json["progress"]?["status"] == "in_progress")
            #expect(try await gateway.post("/api/jobs/0-1/pause").status == 200)
            #expect(try await gateway.get("/api/progress/0-1").json["progress"]?["status"] == "paused")
        }
    }

    @Test func whatIsForgottenIsGoneAtOnce() async throws {
        try await GatewayUnderTest.run(GatewaySettings(answersFreshFor: .seconds(3600))) { gateway async throws in
            let isForgotten = Mutex(false)
            gateway.progress.set {
                $0.get = { _ in
                    if isForgotten.withLock({ $0 }) { throw RPCError(.notFound, "forgotten") }
                    return Self.view(.completed)
                }
                $0.forget = { request in
                    #expect(request == ProgressRequest(userID: "demo", context: .job("0-1")))
                    isForgotten.withLock { $0 = true }
                    return Self.view(.completed)
                }
            }
            #expect(try await gateway.get("/api/progress/0-1").status == 200)
            let forgotten = try await gateway.send(
                "/api/progress/0-1", .delete, headers: [.cookie: GatewayUnderTest.cookie])
            #expect(try forgotten.json["progress"]?["status"] == "completed")
            #expect(try await gateway.get("/api/progress/0-1").status == 404)
        }
    }

    @Test(arguments: [StatusCode.unavailable, .deadlineExceeded])
    func whileAServiceIsAwayTheLastAnswerIsGivenAsStale(code: StatusCode) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.get = { _ in Self.view(.inProgress) } }
            let fresh = try await gateway.get("/api/progress/0-1")
            gateway.progress.set { $0.get = { _ in throw RPCError(code, "away") } }
            let stale = try await gateway.get("/api/progress/0-1")
            #expect(stale.status == 200 && stale.headers[.eTag] == nil)
            #expect(try stale.json["stale"] == true)
            #expect(try stale.content == fresh.content)
            // Of what was never known there is nothing to tell.
            let never = try await gateway.get("/api/progress/0-2")
            #expect(never.status == 503 && never.headers[.retryAfter] != nil)
        }
    }

    @Test func whatIsGoneIsNotKept() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.get = { _ in Self.view(.completed) } }
            #expect(try await gateway.get("/api/progress/0-1").status == 200)
            gateway.progress.set { $0.get = { _ in throw RPCError(.notFound, "gone") } }
            #expect(try await gateway.get("/api/progress/0-1").status == 404)
            gateway.progress.set { $0.get = { _ in throw RPCError(.unavailable, "away") } }
            #expect(try await gateway.get("/api/progress/0-1").status == 503)
        }
    }
}
