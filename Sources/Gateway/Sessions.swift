// Sessions: the cookie that names one, and whose it is. The catalog keeps them; this remembers its answers briefly.

import AnalysisAPI
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

struct Session: Sendable {
    let token: SessionToken
    let user: User
}

final class Sessions: Sendable {
    private let catalog: CatalogClient
    private let state = Mutex(SessionCacheState())

    init(catalog: CatalogClient) {
        self.catalog = catalog
    }

    /// Whose session it is; nil where it is none, any more or ever. An answer may be a second old, except that what this
    /// gateway has ended stays ended.
    ///
    /// - Throws: `RPCError` when the catalog cannot be asked.
    func user(of token: SessionToken) async throws -> User? {
        switch state.withLock({ $0.lookup(token, now: .now) }) {
        case .known(let user): return user
        case .revoked: return nil
        case .unknown: break
        }
        do {
            let user = try await catalog.checkSession(SessionRequest(session: token.bytes), options: Backend.call)
            return state.withLock { state in
                state.remember(user, for: token, now: .now)
                return state.lookup(token, now: .now) == .revoked ? nil : user
            }
        } catch let error as RPCError where error.code == .unauthenticated || error.code == .notFound {
            return nil
        }
    }

    /// Ends a session, here at once and then in the catalog.
    func end(_ token: SessionToken) async throws {
        state.withLock { $0.revoke(token, now: .now) }
        _ = try await catalog.logout(SessionRequest(session: token.bytes), options: Backend.call)
    }
}

/// Finds out whose request it is, and calls the services for nobody else.
struct SessionMiddleware: RouterMiddleware {
    let sessions: Sessions
    let backend: Backend

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let token = request.cookies[SessionToken.cookieName].flatMap({ SessionToken(cookie: $0.value) }),
            let user = try await sessions.user(of: token)
        {
            context.session = Session(token: token, user: user)
            context.call = try await backend.call(for: user)
        }
        return try await next(request, context)
    }
}
