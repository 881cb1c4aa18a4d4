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
    func addOpen(to routes: Endpoints<GatewayContext>) {
        routes.get("session", "Who is signed in; null where nobody is.") { _, context in
            SessionAnswer(user: context.session.map { .init($0.user) })
        }
        routes.post(
            "login", "Signs in, and starts the background analysis.", body: LoginBody.self, use: login)
        routes.post("logout", "Signs out.", use: logout)
    }

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get("me", "Who is signed in.") { _, context in AccountAnswer(user: .init(context.user)) }
    }

    /// Opens a session, ends the one that the browser had, and starts the background analysis.
    @Sendable private func login(
        request: Request, body: LoginBody, context: GatewayContext
    ) async throws -> Reply<LoginAnswer> {
        let reply: LoginReply
        do {
            reply = try await backend.catalog.login(
                LoginRequest(name: body.user, password: body.password), options: Backend.call)
        } catch let error as RPCError where error.code == .unauthenticated {
            throw GatewayError.wrongLogin
        }
        guard let user = reply.user else { throw GatewayError.fault }
        if let former = context.session { try? await sessions.end(former.token) }
        let background = await startBackground(of: user, logger: context.logger)

        var answer = Reply(
            LoginAnswer(
                message: "Signed in", user: .init(user), queuedCount: background?.queued ?? 0,
                jobID: background?.job?.id))
        answer.cookies = [
            SessionToken(reply.session).cookie(expiresAtMs: reply.expiresAtMs, secure: request.cameByHTTPS)
        ]
        return answer
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

    @Sendable private func logout(request: Request, context: GatewayContext) async throws -> Reply<DoneAnswer> {
        if let session = context.session { try await sessions.end(session.token) }
        var answer = Reply(DoneAnswer(message: "Signed out"))
        answer.cookies = [SessionToken.expiredCookie]
        return answer
    }
}

extension Request {
    /// What a proxy in front of the gateway says; browsers cannot set it across sites, and it only ever tightens the cookie.
    var cameByHTTPS: Bool {
        headers[HTTPField.Name("X-Forwarded-Proto")!] == "https"  // A literal token is a valid name.
    }
}
