// Signing in and out.

import AnalysisAPI
import HTTPTypes
import NIOCore
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct AccountRoutesTests {
    private static func allowLogin(_ gateway: GatewayUnderTest) {
        gateway.catalog.set {
            $0.login = { request in
                guard request == LoginRequest(name: "demo", password: "secret") else {
                    throw RPCError(.unauthenticated, "they do not fit")
                }
                return LoginReply(
                    user: GatewayUnderTest.user, session: GatewayUnderTest.session, expiresAtMs: 4_000_000_000_000)
            }
            $0.loggedIn = { _ in LoggedInReply(job: Job(id: "0-1"), queued: 42) }
        }
    }

    @Test(arguments: [#"{"user":"demo","password":"secret"}"#, #"{"name":"demo","password":"secret"}"#])
    func signingInStartsTheBackgroundAnalysis(body: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.allowLogin(gateway)
            let answer = try await gateway.send(
                "/api/login", .post, headers: [.contentType: "application/json"], body: .init(string: body))
            #expect(answer.status == 200)
            #expect(
                try answer.json == [
                    "success": true, "status": "success", "message": "Signed in",
                    "user": [
                        "id": "demo", "name": "Demo", "role": "listener", "auto_analysis": true,
                        "created_at": "1970-01-01T00:00:01.000Z", "last_analysis_at": nil,
                    ],
                    "queued_count": 42, "job_id": "0-1",
                    "csrf_token": .string(Credential.session(SessionToken(GatewayUnderTest.session)).csrfToken),
                ])
            let cookie = try #require(answer.headers[.setCookie])
            #expect(cookie.hasPrefix(GatewayUnderTest.cookie + ";"))
            #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"))
            #expect(!cookie.contains("Secure"))
        }
    }

    @Test func behindHTTPSTheCookieIsSecure() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.allowLogin(gateway)
            let answer = try await gateway.post(
                "/api/login", json: #"{"user":"demo","password":"secret"}"#,
                headers: [HTTPField.Name("X-Forwarded-Proto")!: "https", .cookie: ""])
            #expect(answer.headers[.setCookie]?.contains("Secure") == true)
        }
    }

    @Test func aLoginStandsWhereTheBackgroundAnalysisCannotStart() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.allowLogin(gateway)
            gateway.catalog.set { $0.loggedIn = { _ in throw RPCError(.unavailable, "not now") } }
            let answer = try await gateway.post(
                "/api/login", json: #"{"user":"demo","password":"secret"}"#, headers: [.cookie: ""])
            #expect(answer.status == 200)
            #expect(try answer.json["job_id"] == .null)
        }
    }

    @Test func aWrongPasswordIsRefusedWithoutACookie() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            Self.allowLogin(gateway)
            let answer = try await gateway.post(
                "/api/login", json: #"{"user":"demo","password":"guess"}"#, headers: [.cookie: ""])
            #expect(answer.status == 401 && answer.headers[.setCookie] == nil)
            #expect(try answer.json["message"] == "The name or the password is wrong.")
            #expect(
                try await gateway.post("/api/login", json: #"{"user":"demo"}"#, headers: [.cookie: ""]).status == 400)
        }
    }

    @Test func whoIsSignedInIsTold() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            #expect(try await gateway.get("/api/me").json["user"]?["id"] == "demo")
            #expect(try await gateway.get("/api/session").json["user"]?["id"] == "demo")
            #expect(
                try await gateway.send("/api/session", .get).json == [
                    "success": true, "user": nil, "csrf_token": nil, "registration": false,
                ])
            #expect(try await gateway.send("/api/me", .get).status == 401)
            #expect(try await gateway.get("/api/me", headers: [.cookie: "analysis_session=forged"]).status == 401)
        }
    }

    @Test(arguments: [
        "/api/me", "/api/playlists", "/api/progress", "/api/progress/0-1", "/api/events", "/api/queue/status",
        "/api/songs/1/analysis-status", "/api/song/1/analysis", "/api/jobs/0-1/status", "/api/stats",
    ])
    func nothingOfAUserIsShownToStrangers(path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.send(path, .get)
            #expect(answer.status == 401)
            #expect(try answer.json["message"] == "Sign in first.")
        }
    }

    @Test func signingOutCountsAtOnceAlthoughSessionsAreRemembered() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let ended = Mutex<[[UInt8]]>([])
            gateway.catalog.set {
                $0.logout = { request in
                    ended.withLock { $0.append(request.session) }
                    return LogoutReply()
                }
            }
            #expect(try await gateway.get("/api/me").status == 200)
            let answer = try await gateway.post("/api/logout")
            #expect(answer.status == 200)
            #expect(answer.headers[.setCookie]?.contains("Max-Age=0") == true)
            // The driver's catalog would still accept it.
            #expect(try await gateway.get("/api/me").status == 401)
            #expect(ended.withLock { $0 } == [GatewayUnderTest.session])
        }
    }

    @Test func aPollersSessionIsCheckedAboutOnceASecond() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let checks = Mutex(0)
            gateway.catalog.set {
                $0.checkSession = { _ in
                    checks.withLock { $0 += 1 }
                    return GatewayUnderTest.user
                }
            }
            let began = ContinuousClock.now
            for _ in 0..<50 { #expect(try await gateway.get("/api/me").status == 200) }
            let seconds = Int(began.duration(to: .now) / .seconds(1))
            #expect(checks.withLock { $0 } <= seconds + 1)
        }
    }
}

@Suite struct SessionCacheStateTests {
    private let credential = Credential.session(SessionToken([1, 2, 3]))
    private let start = ContinuousClock.now

    private func isKnown(_ lookup: SessionCacheState<String>.Lookup) -> Bool {
        if case .known("u") = lookup { true } else { false }
    }

    @Test func whatIsKnownIsCheckedAgainAfterASecondAndForgottenAfterMinutes() {
        var state = SessionCacheState<String>()
        guard case .unknown = state.lookup(credential, now: start) else { return #expect(Bool(false)) }
        state.remember("u", for: credential, now: start)
        #expect(isKnown(state.lookup(credential, now: start + .milliseconds(999))))
        guard case .former("u") = state.lookup(credential, now: start + .seconds(300)) else {
            return #expect(Bool(false))
        }
        guard case .unknown = state.lookup(credential, now: start + .seconds(301)) else {
            return #expect(Bool(false))
        }
    }

    @Test func aCheckThatAnswersLateDoesNotBringASessionBack() {
        var state = SessionCacheState<String>()
        state.remember("u", for: credential, now: start)
        state.revoke(credential, now: start)
        let counts = state.remember("u", for: credential, now: start + .seconds(10))
        #expect(!counts)
        guard case .revoked = state.lookup(credential, now: start + .seconds(10)) else { return #expect(Bool(false)) }
    }

    @Test func manySessionsDoNotPileUp() {
        var state = SessionCacheState<String>()
        for index in 0..<100_000 {
            let token = SessionToken(withUnsafeBytes(of: index) { Array($0) })
            state.remember("u", for: .session(token), now: start + .milliseconds(200 * index))
        }
        #expect(state.count <= 4097)
    }
}
