// Who calls: the cookie or the token that shows it, and what it gives them. The catalog keeps sessions; this remembers its answers
// briefly.

import AnalysisAPI
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import RPC
import Synchronization

/// The random bits that are a session, as the cookie carries them.
struct SessionToken: Hashable, Sendable {
    static let cookieName = "analysis_session"

    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// `nil` where the cookie holds nothing that the catalog can have issued.
    init?(cookie: String) {
        guard let data = Data(base64Encoded: cookie), data.count == 32 else { return nil }
        bytes = Array(data)
    }

    /// - Parameter secure: whether the browser came by HTTPS, and is to send the cookie by nothing else.
    func cookie(expiresAtMs: Int64, secure: Bool) -> Cookie {
        Cookie(
            name: Self.cookieName, value: Data(bytes).base64EncodedString(),
            expires: Date(timeIntervalSince1970: Double(expiresAtMs) / 1000), path: "/", secure: secure, httpOnly: true,
            sameSite: .lax)
    }

    static let expiredCookie = Cookie(
        name: cookieName, value: "", expires: .distantPast, maxAge: 0, path: "/", httpOnly: true, sameSite: .lax)
}

/// What shows whose request it is.
enum Credential: Hashable, Sendable {
    case session(SessionToken)
    /// A token of the web app.
    case token(String)

    /// What our own page sends back with each change, in `X-CSRF-Token`. Who does not have the credential cannot make it.
    var csrfToken: String {
        let secret =
            switch self {
            case .session(let session): session.bytes
            case .token(let text): Array(text.utf8)
            }
        let code = HMAC<SHA256>.authenticationCode(for: Data("csrf".utf8), using: SymmetricKey(data: secret))
        return Data(code).base64EncodedString()
    }
}

/// Somebody who is signed in.
struct Session: Sendable {
    let credential: Credential
    let user: User

    /// The session that the catalog keeps; nil where the web app's own is used.
    var token: SessionToken? {
        if case .session(let token) = credential { token } else { nil }
    }
}

final class Sessions: Sendable {
    private struct Caller {
        let user: User
        let call: CallOptions
    }

    private let backend: Backend
    private let tokens: WebAppTokens?
    private let state = Mutex(SessionCacheState<Caller>())

    init(backend: Backend, tokens: WebAppTokens?) {
        self.backend = backend
        self.tokens = tokens
    }

    /// What a request brings to show whose it is, the first that counts: a token that it names, the session that was opened here, the
    /// token of the web app's cookie. One that has expired leaves it to the next.
    func credentials(of request: Request) -> [Credential] {
        if let tokens, let token = tokens.bearerToken(of: request) { return [.token(token)] }
        let session = request.cookies[SessionToken.cookieName].flatMap { SessionToken(cookie: $0.value) }
        let token = tokens?.cookieToken(of: request)
        return [session.map { .session($0) }, token.map { .token($0) }].compactMap { $0 }
    }

    /// Whose it is, and with what the services are called for them; nil where it shows nothing, any more or ever. An answer may be a
    /// second old, except that what this gateway has ended stays ended.
    ///
    /// - Parameter isRead: whether the answer may be older while the catalog is away: for who only reads, there may be something
    ///   that was known before.
    /// - Throws: `RPCError` when the catalog cannot be asked.
    func caller(of credential: Credential, isRead: Bool) async throws -> (user: User, call: CallOptions)? {
        let known = state.withLock { $0.lookup(credential, now: .now) }
        switch known {
        case .known(let caller): return (caller.user, caller.call)
        case .revoked: return nil
        case .former, .unknown: break
        }
        do {
            var timeout = Backend.call.timeout
            if isRead, case .former = known { timeout = RecentAnswers.patience }
            guard let user = try await user(of: credential, within: timeout) else {
                state.withLock { $0.forget(credential, now: .now) }
                return nil
            }
            let call = try await backend.call(for: user)
            let counts = state.withLock { $0.remember(Caller(user: user, call: call), for: credential, now: .now) }
            return counts ? (user, call) : nil
        } catch let error as RPCError where error.saysAway {
            guard isRead, case .former(let caller) = known else { throw error }
            return (caller.user, try await backend.call(for: caller.user))
        }
    }

    private func user(of credential: Credential, within timeout: Duration?) async throws -> User? {
        switch credential {
        case .token(let text): return try await tokens?.user(of: text, backend: backend, within: timeout)
        case .session(let token):
            var options = Backend.call
            options.timeout = timeout
            do {
                return try await backend.catalog.checkSession(
                    SessionRequest(session: token.bytes), options: options)
            } catch let error as RPCError where error.code == .unauthenticated || error.code == .notFound {
                return nil
            }
        }
    }

    /// Ends a session, here at once and then in the catalog.
    func end(_ token: SessionToken) async throws {
        state.withLock { $0.revoke(.session(token), now: .now) }
        _ = try await backend.catalog.logout(SessionRequest(session: token.bytes), options: Backend.call)
    }
}

/// Finds out whose request it is, and calls the services for nobody else.
struct SessionMiddleware: RouterMiddleware {
    let sessions: Sessions

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        for credential in sessions.credentials(of: request) {
            guard let (user, call) = try await sessions.caller(of: credential, isRead: request.isRead) else { continue }
            context.session = Session(credential: credential, user: user)
            context.call = call
            if !request.isRead { try Self.checkToken(request, credential) }
            break
        }
        context.call.metadata["request-id"] = context.requestID
        return try await next(request, context)
    }

    /// Other pages send none: of them, `ChangeGuardMiddleware` knows where they come from.
    private static func checkToken(_ request: Request, _ credential: Credential) throws {
        guard let token = request.headers[.csrfToken] else { return }
        let (given, right) = (Array(token.utf8), Array(credential.csrfToken.utf8))
        guard given.count == right.count, zip(given, right).reduce(0, { $0 | ($1.0 ^ $1.1) }) == 0 else {
            throw GatewayError(
                status: .forbidden, message: "The page is of another session; load it again.")
        }
    }
}

extension Request {
    /// Whether it changes nothing.
    var isRead: Bool { method == .get || method == .head }
}

extension HTTPField.Name {
    static let csrfToken = HTTPField.Name("X-CSRF-Token")!  // A literal token is a valid name.
}
