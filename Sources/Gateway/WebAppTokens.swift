// The tokens of the web app that the gateway stands beside: JSON Web Tokens (RFC 7519), so that it shares no passwords with us.

import AnalysisAPI
import ArgumentParser
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import JWTKit
import RPC
import Synchronization

/// Which tokens of the web app count.
struct WebAppTokenOptions: ParsableArguments {
    @Option(
        help:
            "A file with what checks the web app's tokens: the secret of HS256, HS384 or HS512; otherwise a JSON Web Key Set."
    )
    var tokenKeys: String?

    @Option(help: "The one algorithm that its tokens are signed with, such as HS256, RS256, ES256 or EdDSA.")
    var tokenAlgorithm: String?

    @Option(help: "Who must have issued them: their iss.")
    var tokenIssuer: String?

    @Option(help: "For whom they must be: among their aud.")
    var tokenAudience: String?

    @Option(help: "The cookie that carries one, beside 'Authorization: Bearer'.")
    var tokenCookie: String?

    func validate() throws {
        let given = [tokenKeys, tokenAlgorithm, tokenIssuer, tokenAudience]
        guard given.allSatisfy({ $0 == nil }) && tokenCookie == nil || given.allSatisfy({ $0 != nil }) else {
            throw ValidationError(
                "--token-keys, --token-algorithm, --token-issuer and --token-audience are given together or not at all."
            )
        }
    }

    /// - Throws: `RPCError` with `.failedPrecondition` where the keys cannot be used.
    func tokens() async throws -> WebAppTokens? {
        guard let tokenKeys, let tokenAlgorithm, let tokenIssuer, let tokenAudience else { return nil }
        return try await WebAppTokens(
            keys: tokenKeys, algorithm: tokenAlgorithm, issuer: tokenIssuer, audience: tokenAudience,
            cookie: tokenCookie)
    }
}

/// Checks the web app's tokens, and knows their users. The file of the keys is read again when it has changed; while it cannot be used,
/// the keys that were there hold.
final class WebAppTokens: Sendable {
    private struct Keys {
        let version: FileVersion?
        let collection: JWTKeyCollection
    }

    private let file: String
    private let keys: Mutex<Keys>
    private let algorithm: String
    private let issuer: String
    private let audience: String
    private let cookie: String?

    private static let digests: [String: DigestAlgorithm] = ["HS256": .sha256, "HS384": .sha384, "HS512": .sha512]

    /// - Parameters:
    ///   - keys: the file of a secret where the algorithm is symmetric, otherwise of a JSON Web Key Set (RFC 7517).
    ///   - algorithm: the only one; a token that names another is refused.
    ///   - cookie: the name of the cookie that carries a token; nil: none does.
    /// - Throws: `RPCError` with `.failedPrecondition` where the keys cannot be used.
    init(keys file: String, algorithm: String, issuer: String, audience: String, cookie: String?) async throws {
        self.file = file
        keys = Mutex(try await Self.read(file, algorithm: algorithm))
        self.algorithm = algorithm
        self.issuer = issuer
        self.audience = audience
        self.cookie = cookie
    }

    private static func read(_ file: String, algorithm: String) async throws -> Keys {
        // What changes while it is read is read again.
        let version = FileVersion(file)
        guard let data = FileManager.default.contents(atPath: file) else {
            throw RPCError(.failedPrecondition, "the keys of the web app's tokens, \(file), cannot be read")
        }
        let collection = JWTKeyCollection()
        if let digest = digests[algorithm] {
            let secret = Data(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines).utf8)
            guard secret.count >= 32 else {
                throw RPCError(
                    .failedPrecondition,
                    "the secret of the web app's tokens has \(secret.count) bytes; at least 32 are right")
            }
            await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: digest)
        } else {
            do {
                try await collection.add(jwksJSON: String(decoding: data, as: UTF8.self))
            } catch {
                throw RPCError(
                    .failedPrecondition, "the keys of the web app's tokens are no JSON Web Key Set (\(error))")
            }
        }
        return Keys(version: version, collection: collection)
    }

    private func currentKeys() async -> JWTKeyCollection {
        let known = keys.withLock { $0 }
        guard FileVersion(file) != known.version, let read = try? await Self.read(file, algorithm: algorithm) else {
            return known.collection
        }
        keys.withLock { $0 = read }
        return read.collection
    }

    /// The token that a request names; nil: none.
    func bearerToken(of request: Request) -> String? {
        guard let authorization = request.headers[.authorization], authorization.hasPrefix("Bearer ") else {
            return nil
        }
        return String(authorization.dropFirst("Bearer ".count))
    }

    /// The token in the web app's cookie; nil: there is none.
    func cookieToken(of request: Request) -> String? { cookie.flatMap { request.cookies[$0]?.value } }

    /// Whose token it is, with the role that it gives them; nil where it does not count. Who comes for the first time gets an
    /// account, which no password opens.
    ///
    /// - Parameter timeout: how long the catalog may take to answer.
    /// - Throws: `RPCError` when the catalog cannot be asked.
    func user(of token: String, backend: Backend, within timeout: Duration?) async throws -> User? {
        guard let claims = await claims(of: token) else { return nil }
        guard var user = try await account(of: claims, backend: backend, within: timeout) else { return nil }
        user.role = claims.role
        return user
    }

    private func account(of claims: Claims, backend: Backend, within timeout: Duration?) async throws -> User? {
        var options = try await backend.call(for: User(id: claims.sub))
        options.timeout = timeout
        let request = UserRequest(userID: claims.sub)
        do {
            return try await backend.catalog.getUser(request, options: options)
        } catch let error as RPCError where error.code == .notFound {
            let password = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            do {
                return try await backend.catalog.createUser(
                    CreateUserRequest(id: claims.sub, password: password, role: .listener), options: options)
            } catch let error as RPCError where error.code == .alreadyExists {
                // Somebody was quicker.
                return try await backend.catalog.getUser(request, options: options)
            } catch let error as RPCError where error.code == .invalidArgument {
                return nil
            }
        }
    }

    private func claims(of token: String) async -> Claims? {
        struct Header: Decodable { let alg: String }
        guard let first = token.split(separator: ".").first, let json = Data(base64URL: first),
            let header = try? JSONDecoder().decode(Header.self, from: json), header.alg == algorithm,
            let claims = try? await currentKeys().verify(token, as: Claims.self), claims.iss == issuer,
            claims.aud.names.contains(audience)
        else { return nil }
        return claims
    }
}

private struct Claims: JWTPayload {
    let sub: String
    let iss: String
    let aud: Audience
    /// Seconds since 1970.
    let exp: Double
    let nbf: Double?
    private let roleName: String?

    var role: Role { ["administrator", "admin"].contains(roleName) ? .administrator : .listener }

    private enum CodingKeys: String, CodingKey {
        case sub, iss, aud, exp, nbf
        case roleName = "role"
    }

    /// One name, or a list of them.
    struct Audience: Codable, Sendable {
        let names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            names = try (try? container.decode([String].self)) ?? [container.decode(String.self)]
        }
    }

    func verify(using algorithm: some JWTAlgorithm) throws {
        let now = Date.now.timeIntervalSince1970
        guard now < exp, now >= nbf ?? 0 else { throw RPCError(.unauthenticated, "the token is not valid now") }
    }
}

extension Data {
    /// Base 64 with the alphabet for addresses and without padding (RFC 4648, section 5).
    fileprivate init?(base64URL text: Substring) {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        self.init(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
