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

    private static func settings() async throws -> GatewaySettings {
        GatewaySettings(
            answersFreshFor: .zero,
            tokens: try await WebAppTokens(
                keys: Data((secret + "\n").utf8), algorithm: "HS256", issuer: "web app", audience: "analysis",
                cookie: "web_app"))
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

    @Test func aSecretThatCanBeGuessedIsRefused() async {
        await #expect(throws: RPCError.self) {
            _ = try await WebAppTokens(
                keys: Data("short".utf8), algorithm: "HS256", issuer: "i", audience: "a", cookie: nil)
        }
        await #expect(throws: RPCError.self) {
            _ = try await WebAppTokens(
                keys: Data("no keys".utf8), algorithm: "RS256", issuer: "i", audience: "a", cookie: nil)
        }
    }
}
