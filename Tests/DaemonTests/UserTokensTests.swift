// Signed tokens: for whom they speak, for how long, and what becomes of them when keys change.

import Foundation
import JWTKit
import RPC
import Testing

@testable import Daemon

@Suite struct UserTokensTests {
    /// The two key sets of one test.
    private struct KeySets {
        private let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")
        var signing: String { folder.appending(path: "signing.json").path }
        var verifying: String { folder.appending(path: "verifying.json").path }

        static func with(_ body: (KeySets) async throws -> Void) async throws {
            let keys = KeySets()
            try FileManager.default.createDirectory(at: keys.folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: keys.folder) }
            try keys.rotate()
            try await body(keys)
        }

        func rotate(keeping kept: Int = 1) throws {
            try SigningKeys.rotate(signing: signing, verifying: verifying, keeping: kept)
        }
    }

    /// Claims as somebody else might write them.
    private struct Claims: JWTPayload {
        var sub: String? = "alice"
        var aud: String? = "analysis"
        var iat: Double? = Date.now.timeIntervalSince1970
        var exp: Double? = Date.now.timeIntervalSince1970 + 60

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    private func refusal(_ token: String, _ verifier: TokenVerifier) async -> RPCError? {
        await #expect(throws: RPCError.self) { try await verifier.principal(of: token) }
    }

    @Test func tokenSpeaksForItsUserAndAStarForEveryone() async throws {
        try await KeySets.with { keys in
            let (signer, verifier) = (try TokenSigner(path: keys.signing), try TokenVerifier(path: keys.verifying))
            #expect(try await verifier.principal(of: signer.token(for: "alice")) == .users(["alice"]))
            #expect(try await verifier.principal(of: signer.token(for: "*")) == .everyone)
        }
    }

    @Test func tokenTellsWhoseWishItIsWithoutSpeakingForThem() async throws {
        try await KeySets.with { keys in
            let (signer, verifier) = (try TokenSigner(path: keys.signing), try TokenVerifier(path: keys.verifying))
            let (ada, bob) = (
                try await signer.token(for: "*", actor: "ada"), try await signer.token(for: "*", actor: "bob")
            )
            #expect(ada != bob)
            #expect(try await verifier.principal(of: ada) == .everyone)
            #expect(actorOfToken("Bearer \(ada)") == "ada")
            #expect(actorOfToken("Bearer \(try await signer.token(for: "alice"))") == "alice")
            #expect(
                actorOfToken("Bearer \(try await signer.token(for: "*"))") == nil && actorOfToken("nonsense") == nil)
        }
    }

    @Test func tokenOfAnotherKeyIsRefused() async throws {
        try await KeySets.with { keys in
            let verifier = try TokenVerifier(path: keys.verifying)
            try await KeySets.with { others in
                let token = try await TokenSigner(path: others.signing).token(for: "alice")
                #expect(await refusal(token, verifier)?.code == .unauthenticated)
            }
        }
    }

    @Test func keyIsReplacedWhileBothSidesRun() async throws {
        try await KeySets.with { keys in
            let (signer, verifier) = (try TokenSigner(path: keys.signing), try TokenVerifier(path: keys.verifying))
            let first = try await signer.token(for: "alice")
            try keys.rotate()
            let second = try await signer.token(for: "alice")
            #expect(first != second)
            #expect(try await verifier.principal(of: second) == .users(["alice"]))
            #expect(try await verifier.principal(of: first) == .users(["alice"]))
            try keys.rotate()
            #expect(await refusal(first, verifier)?.code == .unauthenticated)
            #expect(try await verifier.principal(of: second) == .users(["alice"]))
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func rotatedFilesKeepTheirOwner() async throws {
        try await KeySets.with { keys in
            for file in [keys.signing, keys.verifying] { #expect(chown(file, 4242, 4243) == 0) }
            try keys.rotate()
            for file in [keys.signing, keys.verifying] {
                let attributes = try FileManager.default.attributesOfItem(atPath: file)
                #expect(attributes[.ownerAccountID] as? Int == 4242 && attributes[.groupOwnerAccountID] as? Int == 4243)
            }
        }
    }

    /// As Kubernetes replaces secrets: the file is a link into a folder that is a link, which is swapped.
    @Test func keysBehindALinkThatIsSwappedCount() async throws {
        try await KeySets.with { keys in
            try await KeySets.with { next in
                let link = keys.signing + ".link"
                let folders = [keys.signing, next.signing].map { URL(filePath: $0).deletingLastPathComponent().path }
                symlink(folders[0], link)
                let signer = try TokenSigner(path: link + "/signing.json")
                let verifier = try TokenVerifier(path: next.verifying)
                let first = try await signer.token(for: "alice")
                #expect(await refusal(first, verifier)?.code == .unauthenticated)
                symlink(folders[1], link + ".next")
                rename(link + ".next", link)
                #expect(try await verifier.principal(of: signer.token(for: "alice")) == .users(["alice"]))
            }
        }
    }

    @Test func verifiersFileHoldsNoPrivateKey() async throws {
        try await KeySets.with { keys in
            let sets = try [keys.signing, keys.verifying].map {
                try JSONDecoder().decode(JWKS.self, from: Data(contentsOf: URL(filePath: $0)))
            }
            #expect(sets.map { $0.keys.map { $0.privateExponent != nil } } == [[true], [false]])
            #expect(sets.map { $0.keys.map(\.keyIdentifier?.string) }[0] == sets[1].keys.map(\.keyIdentifier?.string))
            let modes = try [keys.signing, keys.verifying].map {
                try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
            }
            #expect(modes == [0o600, 0o644])
        }
    }

    @Test func claimsThatDoNotHoldAreRefused() async throws {
        try await KeySets.with { keys in
            let verifier = try TokenVerifier(path: keys.verifying)
            let set = try JSONDecoder().decode(JWKS.self, from: Data(contentsOf: URL(filePath: keys.signing)))
            let signer = try await JWTKeyCollection().add(jwks: set)
            let now = Date.now.timeIntervalSince1970
            for claims in [
                Claims(exp: now - 1), Claims(aud: "elsewhere"), Claims(exp: now + 3600), Claims(sub: nil),
                Claims(aud: nil),
                Claims(iat: nil), Claims(exp: nil),
            ] {
                let token = try await signer.sign(claims, kid: set.keys.first?.keyIdentifier)
                #expect(await refusal(token, verifier)?.code == .unauthenticated, "\(claims)")
            }
            let good = try await signer.sign(Claims(), kid: set.keys.first?.keyIdentifier)
            #expect(try await verifier.principal(of: good) == .users(["alice"]))
        }
    }

    @Test(arguments: ["", ".", "..", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."])
    func whatIsNoTokenIsRefused(text: String) async throws {
        try await KeySets.with { keys in
            let error = await refusal(text, try TokenVerifier(path: keys.verifying))
            #expect(error?.code == .unauthenticated)
        }
    }

    @Test func fileThatIsNoKeySetIsNamed() throws {
        let error = #expect(throws: RPCError.self) { try TokenVerifier(path: "/nowhere/keys.json") }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.detail.contains("/nowhere/keys.json") == true)
    }
}
