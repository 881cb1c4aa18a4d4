// The web app's own tokens, and nothing that only looks like one.

import AnalysisAPI
import Foundation
import HTTPTypes
import JWTKit
import RPC
import Testing

@testable import Gateway

@Suite struct WebAppTokensTests {
    private static let secret = "a secret of the web app, long enough"

    private struct Claims: JWTPayload {
        var sub = "maria"
        var iss = "web app"
        var aud = ["analysis", "others"]
        var exp = Date.now.timeIntervalSince1970 + 60
        var role: String? = "listener"
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private static func token(
        _ claims: Claims = Claims(), secret: String = secret, digest: DigestAlgorithm = .sha256
    ) async throws -> String {
        try await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: digest).sign(claims)
    }

    /// A file that goes with its last use.
    private final class KeyFile: Sendable {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString)").path

        init(_ text: String) { write(text) }
        deinit { unlink(path) }

        func write(_ text: String) {
            _ = FileManager.default.createFile(atPath: path + ".part", contents: Data(text.utf8))
            rename(path + ".part", path)
        }
    }

    private static func settings(_ file: KeyFile = KeyFile(secret + "\n")) async throws -> GatewaySettings {
        let tokens = try await WebAppTokens(
            keys: file.path, algorithm: "HS256", issuer: "web app", audience: "analysis", cookie: "web_app")
        return GatewaySettings(answersFreshFor: .zero, tokens: tokens)
    }

    private static func knowsMaria(_ gateway: GatewayUnderTest) {
        gateway.catalog.set {
            $0.getUser = { request in
                guard request.userID == "maria" else { throw RPCError(.notFound, "nobody") }
                return User(id: "maria", name: "Maria", lane: "0", role: .listener)
            }
        }
    }

    @Test func aTokenIsASession() async throws {
        try await GatewayUnderTest.run(try await Self.settings()) { gateway async throws in
            Self.knowsMaria(gateway)
            let token = try await Self.token()
            for headers: HTTPFields in [[.authorization: "Bearer \(token)"], [.cookie: "web_app=\(token)"]] {
                let answer = try await gateway.send("/api/me", .get, headers: headers)
                #expect(try answer.json["user"]?["name"] == "Maria" && answer.json["user"]?["role"] == "listener")
            }
            #expect(try await gateway.get("/api/me").json["user"]?["id"] == "demo")
        }
    }

    @Test func theSessionThatWasOpenedHereComesBeforeTheWebAppsCookieWhichCountsOnceItHasEnded() async throws {
        try await GatewayUnderTest.run(try await Self.settings()) { gateway async throws in
            Self.knowsMaria(gateway)
            let token = try await Self.token()
            let session = GatewayUnderTest.cookie
            gateway.catalog.set {
                $0.checkSession = { request in
                    guard request.session == GatewayUnderTest.session else {
                        throw RPCError(.unauthenticated, "expired")
                    }
                    return User(id: "demo", name: "demo", role: .listener)
                }
            }
            let expired = Data(repeating: 9, count: 32).base64EncodedString()
            for (cookie, name) in [
                ("\(session); web_app=\(token)", "demo"), ("\(session); web_app=expired", "demo"),
                ("\(SessionToken.cookieName)=\(expired); web_app=\(token)", "maria"),
            ] {
                let answer = try await gateway.send("/api/me", .get, headers: [.cookie: cookie])
                #expect(try answer.json["user"]?["id"] == .string(name), "\(cookie)")
            }
        }
    }

    @Test func whomTheWebAppHasSignedInSignsOutThere() async throws {
        try await GatewayUnderTest.run(try await Self.settings()) { gateway async throws in
            Self.knowsMaria(gateway)
            let token = try await Self.token()
            let answer = try await gateway.send("/api/logout", .post, headers: [.cookie: "web_app=\(token)"])
            #expect(answer.status == 409)
            #expect(
                try answer.json["message"] == "The web app has signed you in; sign out there, and here you are, too.")
        }
    }

    @Test func theTokenDecidesTheRole() async throws {
        try await GatewayUnderTest.run(try await Self.settings()) { gateway async throws in
            Self.knowsMaria(gateway)
            let token = try await Self.token(Claims(role: "admin"))
            let answer = try await gateway.send("/api/me", .get, headers: [.authorization: "Bearer \(token)"])
            #expect(try answer.json["user"]?["role"] == "administrator")
        }
    }

    @Test func whoComesForTheFirstTimeGetsAnAccountThatNoPasswordOpens() async throws {
        try await GatewayUnderTest.run(try await Self.settings()) { gateway async throws in
            Self.knowsMaria(gateway)
            gateway.catalog.set {
                $0.createUser = { request in
                    #expect(request.id == "jon" && request.role == .listener && request.password.utf8.count >= 43)
                    return User(id: "jon", name: "jon", role: .listener)
                }
            }
            let token = try await Self.token(Claims(sub: "jon"))
            let answer = try await gateway.send("/api/me", .get, headers: [.authorization: "Bearer \(token)"])
            #expect(try answer.json["user"]?["id"] == "jon")
        }
    }

    @Test func whatIsNotExactlyTheirsIsNone() async throws {
        try await GatewayUnderTest.run(try await Self.settings()) { gateway async throws in
            Self.knowsMaria(gateway)
            let right = try await Self.token()
            let parts = right.split(separator: ".")
            // {"alg":"none"}
            let unsigned = "eyJhbGciOiJub25lIn0.\(parts[1])."
            let tokens = [
                try await Self.token(secret: "another secret, which is long enough"),
                try await Self.token(digest: .sha512), try await Self.token(Claims(iss: "another")),
                try await Self.token(Claims(aud: ["others"])), try await Self.token(Claims(aud: [])),
                try await Self.token(Claims(exp: Date.now.timeIntervalSince1970 - 1)), unsigned, "", "a.b.c",
                String(right.dropLast()), "\(parts[0]).\(parts[1])",
            ]
            for token in tokens {
                let answer = try await gateway.send("/api/me", .get, headers: [.authorization: "Bearer \(token)"])
                #expect(answer.status == 401, "\(token)")
            }
        }
    }

    @Test func keysThatAreReplacedCountAtOnce() async throws {
        let file = KeyFile(Self.secret)
        try await GatewayUnderTest.run(try await Self.settings(file)) { gateway async throws in
            Self.knowsMaria(gateway)
            func status(_ secret: String) async throws -> Int {
                let token = try await Self.token(secret: secret)
                return try await gateway.send("/api/me", .get, headers: [.authorization: "Bearer \(token)"]).status
            }
            let next = "the next secret of the web app, as long"
            #expect(try await status(next) == 401)
            file.write("too short")
            #expect(try await status(Self.secret) == 200)
            file.write(next)
            #expect(try await status(next) == 200)
            #expect(try await status(Self.secret) == 401)
        }
    }

    @Test func aSecretThatCanBeGuessedIsRefused() async {
        for (text, algorithm) in [("short", "HS256"), ("no keys", "RS256")] {
            let file = KeyFile(text)
            await #expect(throws: RPCError.self) {
                _ = try await WebAppTokens(
                    keys: file.path, algorithm: algorithm, issuer: "i", audience: "a", cookie: nil)
            }
        }
    }
}
