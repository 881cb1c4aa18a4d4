// Accounts: made by strangers where the site lets them, passwords, logins elsewhere, and pages of other sessions.

import AnalysisAPI
import HTTPTypes
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct AccountTests {
    /// Passwords by name, and a session for each login.
    private final class Accounts: Sendable {
        let passwords = Mutex<[String: String]>(["demo": "secret password"])
        let sessions = Mutex<[[UInt8]: String]>([GatewayUnderTest.session: "demo"])

        func answer(_ gateway: GatewayUnderTest) {
            gateway.catalog.set {
                $0.createUser = { [self] request in
                    guard passwords.withLock({ $0.updateValue(request.password, forKey: request.id) }) == nil else {
                        throw RPCError(.alreadyExists, "there is a user \(request.id) already")
                    }
                    return User(id: request.id, role: request.role)
                }
                $0.setPassword = { [self] request in
                    passwords.withLock { $0[request.userID] = request.password }
                    sessions.withLock { $0 = [:] }
                    return User(id: request.userID)
                }
                $0.login = { [self] request in
                    guard passwords.withLock({ $0[request.name] }) == request.password else {
                        throw RPCError(.unauthenticated, "they do not fit")
                    }
                    let session = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
                    sessions.withLock { $0[session] = request.name }
                    return LoginReply(user: User(id: request.name), session: session, expiresAtMs: 4_000_000_000_000)
                }
                $0.checkSession = { [self] request in
                    guard let name = sessions.withLock({ $0[request.session] }) else {
                        throw RPCError(.unauthenticated, "no such session")
                    }
                    return User(id: name, role: name == "root" ? .administrator : .listener)
                }
                $0.logout = { [self] request in
                    sessions.withLock { $0[request.session] = nil }
                    return LogoutReply()
                }
                $0.loggedIn = { request in LoggedInReply(job: Job(id: "0-1", userID: request.userID), queued: 3) }
            }
        }
    }

    @Test func strangersMakeAccountsOnlyWhereTheSiteLetsThem() async throws {
        let body = #"{"user":"new","password":"long enough"}"#
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.post("/api/register", json: body, headers: [.cookie: ""])
            #expect(answer.status == 403 && answer.headers[.setCookie] == nil)
        }
        try await GatewayUnderTest.run(GatewaySettings(registration: true)) { gateway async throws in
            Accounts().answer(gateway)
            let answer = try await gateway.post("/api/register", json: body, headers: [.cookie: ""])
            #expect(answer.status == 200 && answer.headers[.setCookie] != nil)
            #expect(try answer.json["user"]?["id"] == "new" && answer.json["user"]?["role"] == "listener")
            #expect(try await gateway.post("/api/register", json: body, headers: [.cookie: ""]).status == 409)
        }
    }

    @Test func aChangedPasswordEndsEverySessionButTheOneThatComesWithIt() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let accounts = Accounts()
            accounts.answer(gateway)
            let wrong = try await gateway.post(
                "/api/me/password", json: #"{"current_password":"guess","password":"another password"}"#)
            #expect(wrong.status == 403)
            #expect(try wrong.json["message"] == "The current password is wrong.")
            let answer = try await gateway.post(
                "/api/me/password", json: #"{"current_password":"secret password","password":"another password"}"#)
            #expect(answer.status == 200)
            #expect(accounts.passwords.withLock { $0["demo"] } == "another password")
            #expect(try await gateway.get("/api/me").status == 401)
            let cookie = try #require(answer.headers[.setCookie]?.split(separator: ";").first.map(String.init))
            #expect(try await gateway.get("/api/me", headers: [.cookie: cookie]).status == 200)
            let session = try await gateway.get("/api/session", headers: [.cookie: cookie]).json
            #expect(try session["csrf_token"] == answer.json["csrf_token"])
        }
    }

    @Test func ourOwnPagesTokenIsOfItsSession() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.queue.set { $0.enqueue = { _ in EnqueueReply() } }
            guard case .string(let token) = try await gateway.get("/api/session").json["csrf_token"] else {
                return #expect(Bool(false), "no token")
            }
            let right = try await gateway.post("/api/songs/1/analyze", headers: [.csrfToken: token])
            #expect(right.status == 200)
            let wrong = try await gateway.post("/api/songs/1/analyze", headers: [.csrfToken: "of another"])
            #expect(wrong.status == 403)
        }
    }

    @Test func aLoginElsewhereStartsTheBackgroundAnalysis() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let accounts = Accounts()
            accounts.answer(gateway)
            #expect(
                try await gateway.post("/api/login-events").json == [
                    "success": true, "status": "success", "message": "Noted", "queued_count": 3, "job_id": "0-1",
                ])
            let other = #"{"user_id":"somebody"}"#
            #expect(try await gateway.post("/api/login-events", json: other).status == 403)
            let root = [UInt8](repeating: 9, count: 32)
            accounts.sessions.withLock { $0[root] = "root" }
            let told = try await gateway.post(
                "/api/login-events", json: other, headers: [.cookie: GatewayUnderTest.cookie(of: root)])
            #expect(told.status == 200)
        }
    }

    @Test func whoeverGuessesPasswordsHasToWaitAndWhoKnowsTheirsHasNot() async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.loginsPerMinute = 3
        try await GatewayUnderTest.run(settings) { gateway async throws in
            Accounts().answer(gateway)
            func login(_ name: String, _ password: String) async throws -> Answer {
                try await gateway.post(
                    "/api/login", json: #"{"user":"\#(name)","password":"\#(password)"}"#, headers: [.cookie: ""])
            }
            for _ in 0..<5 { #expect(try await login("demo", "secret password").status == 200) }
            for _ in 0..<3 { #expect(try await login("demo", "guess").status == 401) }
            let answer = try await login("demo", "secret password")
            #expect(answer.status == 429)
            #expect((1...20).contains(Int(answer.headers[.retryAfter] ?? "") ?? 0))
            // Others can sign in, until the address has guessed too often.
            for _ in 0..<12 {
                #expect([401, 429].contains(try await login("\(UInt64.random(in: 0 ... .max))", "x").status))
            }
            #expect(try await login("anybody", "x").status == 429)
        }
    }

    @Test func whoeverAsksForTooMuchHasToWait() async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.asksPerMinute = 4
        try await GatewayUnderTest.run(settings) { gateway async throws in
            gateway.queue.set { $0.enqueue = { _ in EnqueueReply() } }
            for _ in 0..<4 { #expect(try await gateway.post("/api/songs/1/analyze").status == 200) }
            let answer = try await gateway.post("/api/playlists/1/analyze")
            #expect(answer.status == 429 && answer.headers[.retryAfter] != nil)
        }
    }

    @Test func whileTheCatalogIsAwayWhoWasSignedInReadsOn() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.get = { _ in ProgressView(context: .library, fraction: 0.5) } }
            #expect(try await gateway.get("/api/progress/global").status == 200)
            gateway.catalog.set { $0.checkSession = { _ in throw RPCError(.unavailable, "away") } }
            // Until the session is to be checked again, and after.
            let began = ContinuousClock.now
            while began.duration(to: .now) < SessionCacheState<User>.knownFor + .milliseconds(50) {
                #expect(try await gateway.get("/api/progress/global").status == 200)
            }
            #expect(try await gateway.get("/api/progress/global").status == 200)
            #expect(try await gateway.post("/api/songs/1/analyze").status == 503)
            let stranger = [UInt8](repeating: 1, count: 32)
            let answer = try await gateway.get(
                "/api/progress/global", headers: [.cookie: GatewayUnderTest.cookie(of: stranger)])
            #expect(answer.status == 503)
        }
    }
}
