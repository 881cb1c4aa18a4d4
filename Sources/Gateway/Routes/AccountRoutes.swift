// Signing in and out, and who is signed in.

import AnalysisAPI
import HTTPTypes
import Hummingbird
import Logging
import RPC

struct AccountRoutes: Sendable {
    let backend: Backend
    let sessions: Sessions

    /// For everybody.
    func addOpen(to group: RouterGroup<GatewayContext>) {
        group.get("session") { _, context in
            try JSONBody.response(SessionAnswer(user: context.session.map { .init($0.user) }))
        }
        group.post("login", use: login)
        group.post("logout", use: logout)
    }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("me") { _, context in try JSONBody.response(AccountAnswer(user: .init(context.user))) }
    }

    /// Opens a session, ends the one that the browser had, and starts the background analysis.
    @Sendable private func login(request: Request, context: GatewayContext) async throws -> Response {
        guard let body = try await request.json(LoginBody.self), let name = body.user ?? body.name else {
            throw GatewayError.badRequest("The body must be {\"user\": …, \"password\": …}.")
        }
        let reply: LoginReply
        do {
            reply = try await backend.catalog.login(
                LoginRequest(name: name, password: body.password), options: Backend.call)
        } catch let error as RPCError where error.code == .unauthenticated {
            throw GatewayError.wrongLogin
        }
        guard let user = reply.user else { throw GatewayError.fault }
        if let former = context.session { try? await sessions.end(former.token) }
        let background = await startBackground(of: user, logger: context.logger)

        var response = try JSONBody.response(
            LoginAnswer(
                message: "Signed in", user: .init(user), queuedCount: background?.queued ?? 0,
                jobID: background?.job?.id))
        response.setCookie(
            SessionToken(reply.session).cookie(expiresAtMs: reply.expiresAtMs, secure: request.cameByHTTPS))
        return response
    }

    /// A login stands even where its background analysis could not be started.
    private func startBackground(of user: User, logger: Logger) async -> LoggedInReply? {
        do {
            let options = try await backend.call(for: user)
            return try await backend.catalog.loggedIn(UserRequest(userID: user.id), options: options)
        } catch {
            logger.warning("the background analysis was not started at login", metadata: ["error": "\(error)"])
            return nil
        }
    }

    @Sendable private func logout(request: Request, context: GatewayContext) async throws -> Response {
        if let session = context.session { try await sessions.end(session.token) }
        var response = try JSONBody.response(DoneAnswer(message: "Signed out"))
        response.setCookie(SessionToken.expiredCookie)
        return response
    }
}

extension Request {
    /// What a proxy in front of the gateway says; browsers cannot set it across sites, and it only ever tightens the cookie.
    var cameByHTTPS: Bool {
        headers[HTTPField.Name("X-Forwarded-Proto")!] == "https"  // A literal token is a valid name.
    }
}
