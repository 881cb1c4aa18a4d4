// The signatures by which one service proves to another for whom it acts: JSON Web Tokens (RFC 7519) with Ed25519 keys
// (RFC 8037) from a key set (RFC 7517) that may change while both run.

import Crypto
import Foundation
import Glibc
import JWTKit
import RPC

/// What a token says.
private struct UserClaims: JWTPayload {
    static let audience = "analysis"
    /// Tokens that live longer are refused: one that leaks must soon be worthless.
    static let longestLife: TimeInterval = 300

    /// The user, or `*` for every user.
    let sub: String
    let aud: String
    /// By whom the caller was asked, as RFC 8693 has it; nil: nobody says.
    let act: Actor?
    let iat: IssuedAtClaim
    let exp: ExpirationClaim

    struct Actor: Codable {
        let sub: String
    }

    func verify(using algorithm: some JWTAlgorithm) throws {
        try exp.verifyNotExpired()
        guard aud == Self.audience else {
            throw RPCError(.unauthenticated, "the token is for '\(aud)', not for '\(Self.audience)'")
        }
        guard exp.value.timeIntervalSince(iat.value) <= Self.longestLife else {
            throw RPCError(.unauthenticated, "the token lives longer than \(Int(Self.longestLife)) seconds")
        }
    }
}

/// Signs tokens with the newest key of a key set.
package actor TokenSigner {
    private var file: KeySetFile
    private let lifetime: TimeInterval
    private var kept: [String: (token: String, until: Date, keys: JWKS)] = [:]

    /// - Parameter path: a key set with private keys, the newest first; read again whenever it changes.
    /// - Throws: `RPCError` with `.failedPrecondition` where it cannot be used.
    package init(path: String, lifetime: Duration = .seconds(60)) throws {
        file = try KeySetFile(path)
        self.lifetime = TimeInterval(lifetime.components.seconds)
    }

    /// A token for a user, or for every user where the name is `*`; good for at least half of its life.
    ///
    /// - Parameter actor: whose wish the call is, which tells nothing about what it may do.
    package func token(for userID: String, actor: String? = nil) async throws -> String {
        let now = Date.now
        let keys = file.current()
        let name = "\(userID) \(actor ?? "")"
        if let kept = kept[name], kept.until > now, kept.keys.names == keys.names { return kept.token }
        let claims = UserClaims(
            sub: userID, aud: UserClaims.audience, act: actor.map { UserClaims.Actor(sub: $0) },
            iat: IssuedAtClaim(value: now),
            exp: ExpirationClaim(value: now.addingTimeInterval(lifetime)))
        let collection = try await JWTKeyCollection().add(jwks: keys)
        let token = try await collection.sign(claims, kid: keys.keys.first?.keyIdentifier)
        kept = kept.filter { $0.value.until > now }
        kept[name] = (token, now.addingTimeInterval(lifetime / 2), keys)
        return token
    }
}

extension CallContext {
    /// Whose wish the call is: the user that the caller names, or else the caller itself, such as `uid:1000`.
    ///
    /// A name counts only where the caller may act for everybody: its token has been checked, or it needs none.
    package var actor: String {
        if let authorization = metadata["authorization"] { return actorOfToken(authorization) ?? "\(peer)" }
        guard let name = metadata[Self.actorKey], !name.isEmpty, name.utf8.count <= 64 else { return "\(peer)" }
        return name
    }

    /// The metadata by which a caller without tokens names whose wish its call is.
    package static var actorKey: String { "actor" }
}

/// Whom a token that has been checked names: on whose wish it speaks, or for whom; nil: nobody.
func actorOfToken(_ authorization: String) -> String? {
    let claims = authorization.split(separator: ".").dropFirst().first.flatMap(base64URLDecoded)
        .flatMap { try? JSONDecoder().decode(UserClaims.self, from: $0) }
    return claims?.act?.sub ?? claims.flatMap { $0.sub == "*" ? nil : $0.sub }
}

private func base64URLDecoded(_ text: Substring) -> Data? {
    let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
    return Data(base64Encoded: base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4))
}

/// Checks tokens against the keys of a key set.
package actor TokenVerifier {
    private var file: KeySetFile
    private var collection: (keys: JWKS, verifier: JWTKeyCollection)?

    /// - Parameter path: a key set, public keys are enough; read again whenever it changes.
    /// - Throws: `RPCError` with `.failedPrecondition` where it cannot be used.
    package init(path: String) throws {
        file = try KeySetFile(path)
    }

    /// - Throws: `RPCError` with `.unauthenticated` where the token is expired, for somebody else, or signed by no key of the set.
    func principal(of token: String) async throws -> Principal {
        let verifier = try await verifier()
        do {
            let claims = try await verifier.verify(token, as: UserClaims.self)
            return claims.sub == "*" ? .everyone : .users([claims.sub])
        } catch let error as RPCError {
            throw error
        } catch {
            throw RPCError(.unauthenticated, "the token is not valid: \(error)")
        }
    }

    private func verifier() async throws -> JWTKeyCollection {
        let keys = file.current()
        if let collection, collection.keys.names == keys.names { return collection.verifier }
        let verifier = try await JWTKeyCollection().add(jwks: keys)
        collection = (keys, verifier)
        return verifier
    }
}

/// A key set in a file, as it stands.
private struct KeySetFile {
    private let path: String
    private var keys: JWKS
    private var version: FileVersion?

    init(_ path: String) throws {
        self.path = path
        version = FileVersion(path)
        keys = try Self.read(path)
    }

    /// While a file that has changed cannot be read, the keys that were there stay.
    mutating func current() -> JWKS {
        let now = FileVersion(path)
        if now != version, let read = try? Self.read(path) {
            version = now
            keys = read
        }
        return keys
    }

    static func read(_ path: String) throws -> JWKS {
        do {
            let keys = try JSONDecoder().decode(JWKS.self, from: Data(contentsOf: URL(filePath: path)))
            guard !keys.keys.isEmpty, keys.names.count == keys.keys.count else {
                throw RPCError(.failedPrecondition, "it has no keys, or keys without kid")
            }
            return keys
        } catch {
            throw RPCError(
                .failedPrecondition, "\(path) is no JSON Web Key Set; `analysisctl keys rotate` makes one (\(error))")
        }
    }
}

extension JWKS {
    fileprivate var names: [String] { keys.compactMap(\.keyIdentifier?.string) }
}

/// Makes and replaces the keys of signer and verifiers.
package enum SigningKeys {
    /// Puts a fresh key before those of the signer's file, keeps `kept` of the older ones so that tokens that are under way stay
    /// valid, and writes their public halves to the verifiers' file. A missing file is made; each is replaced in one step, the
    /// verifiers' first, so that they know a key before it signs. A file keeps its owner: an operator may be another user than the
    /// service that reads it.
    ///
    /// - Throws: `RPCError` with `.failedPrecondition` where the signer's file is no key set; what writing a file throws.
    package static func rotate(signing: String, verifying: String, keeping kept: Int) throws {
        let old = FileManager.default.fileExists(atPath: signing) ? try KeySetFile.read(signing).keys : []
        let pair = Curve25519.Signing.PrivateKey()
        let fresh = JWK.octetKeyPair(
            .eddsa, identifier: JWKIdentifier(string: UUID().uuidString),
            x: base64URL(pair.publicKey.rawRepresentation),
            y: nil, curve: .ed25519, privateKey: base64URL(pair.rawRepresentation))
        let keys = [fresh] + old.prefix(kept)
        let publicHalves = keys.map { key in
            var key = key
            key.privateExponent = nil
            return key
        }
        try write(JWKS(keys: publicHalves), to: verifying, mode: 0o644)
        try write(JWKS(keys: keys), to: signing, mode: 0o600)
    }

    private static func write(_ keys: JWKS, to path: String, mode: Int) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let part = path + ".part"
        try? FileManager.default.removeItem(atPath: part)
        let owner = owner(of: path) ?? owner(of: URL(filePath: path).deletingLastPathComponent().path)
        guard
            FileManager.default.createFile(
                atPath: part, contents: try encoder.encode(keys), attributes: [.posixPermissions: mode]),
            owner.map({ ($0.user, $0.group) == (geteuid(), getegid()) || chown(part, $0.user, $0.group) == 0 }) ?? true,
            rename(part, path) == 0
        else { throw RPCError(.failedPrecondition, "\(path) cannot be written: \(String(cString: strerror(errno)))") }
    }

    private static func owner(of path: String) -> (user: uid_t, group: gid_t)? {
        var status = stat()
        return stat(path, &status) == 0 ? (status.st_uid, status.st_gid) : nil
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
