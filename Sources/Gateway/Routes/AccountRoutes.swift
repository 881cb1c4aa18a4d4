// Signing in and out, and who is signed in.

import AnalysisAPI
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import RPC

struct AccountRoutes: Sendable {
    let backend: Backend
    let sessions: Sessions
    let limits: RequestLimits
    /// Whether strangers may make themselves an account.
    let registration: Bool

    /// For everybody.
    func addOpen(to routes: Endpoints<GatewayContext>) {
        routes.get("session", "Who is signed in; null where nobody is.") { _, context in
            SessionAnswer(
                user: context.session.map { .init($0.user) }, csrfToken: context.session?.credential.csrfToken,
                registration: registration)
        }
        routes.post(
            "login", "Signs in, and starts the background analysis.", body: LoginBody.self
        ) { request, body, context in
            try await signIn(body.user, body.password, "Signed in", request, context)
        }
        routes.post(
            "register", "Makes an account, where the site lets strangers do so, and signs in.",
            body: NewAccountBody.self
        ) {
            request, body, context in
            guard registration else {
                throw GatewayError(status: .forbidden, message: "Accounts are made by the administrators of this site.")
            }
            try limits.loginsOfAddress.take(context.address)
            _ = try await backend.catalog.createUser(
                CreateUserRequest(id: body.user, password: body.password, role: .listener), options: Backend.call)
            return try await signIn(body.user, body.password, "Account made", request, context)
        }
        routes.post("logout", "Signs out.", use: logout)
    }

    func add(to routes: Endpoints<SignedInContext>) {
        routes.get("me", "Who is signed in.") { _, context in AccountAnswer(user: .init(context.user)) }
        routes.post(
            "me/password", "Changes the password, and signs out everywhere but here.", body: PasswordBody.self,
            use: changePassword)
        routes.raw(
            "me/export",
            "Everything that is stored of who is signed in, as JSON Lines: an object a line, the last of kind end.",
            contentType: "application/x-ndjson", use: export)
        routes.on(
            .delete, "me", "Removes who is signed in, with everything that is theirs. Needs the password.",
            body: ConfirmationBody.self, use: removeMe)
        routes.post(
            "login-events", "Tells of a login to the web app: starts the background analysis.",
            body: LoginEventBody?.self,
            use: loginEvent)
    }

    /// Opens a session, ends the one that the browser had, and starts the background analysis.
    private func signIn(
        _ name: String, _ password: String, _ message: String, _ request: Request, _ context: GatewayContext
    ) async throws -> Reply<LoginAnswer> {
        let reply: LoginReply
        do {
            reply = try await open(name, password, from: context.address)
        } catch let error as RPCError where error.code == .unauthenticated {
            throw GatewayError.wrongLogin
        }
        guard let user = reply.user else { throw GatewayError.fault }
        if let former = context.session?.token { try? await sessions.end(former) }
        let background = await startBackground(of: user, logger: context.logger)

        let token = SessionToken(reply.session)
        var answer = Reply(
            LoginAnswer(
                message: message, user: .init(user), queuedCount: background?.queued ?? 0,
                jobID: background?.job?.id, csrfToken: Credential.session(token).csrfToken))
        answer.cookies = [token.cookie(expiresAtMs: reply.expiresAtMs, secure: request.cameByHTTPS)]
        return answer
    }

    private func open(_ name: String, _ password: String, from address: String) async throws -> LoginReply {
        var reply = LoginReply()
        try await limits.login(name, from: address) {
            reply = try await backend.catalog.login(
                LoginRequest(name: name, password: password), options: Backend.call)
        }
        return reply
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
        switch context.session?.credential {
        case .session(let token): try await sessions.end(token)
        case .token:
            throw GatewayError(
                status: .conflict, message: "The web app has signed you in; sign out there, and here you are, too.")
        case nil: break
        }
        var answer = Reply(DoneAnswer(message: "Signed out"))
        answer.cookies = [SessionToken.expiredCookie]
        return answer
    }

    /// The session is another one afterwards: whoever has the old one, or any other, is signed out.
    @Sendable private func changePassword(
        request: Request, body: PasswordBody, context: SignedInContext
    ) async throws -> Reply<PasswordAnswer> {
        let (name, address) = (context.user.id, context.address)
        try await confirm(body.currentPassword, of: context)
        _ = try await backend.catalog.setPassword(
            SetPasswordRequest(userID: name, password: body.password), options: context.call)
        if let former = context.session.token { try? await sessions.end(former) }
        let reply = try await open(name, body.password, from: address)
        let token = SessionToken(reply.session)
        var answer = Reply(PasswordAnswer(message: "Password changed", csrfToken: Credential.session(token).csrfToken))
        answer.cookies = [token.cookie(expiresAtMs: reply.expiresAtMs, secure: request.cameByHTTPS)]
        return answer
    }

    /// The first part is awaited before the answer begins, so that a service that is away is a 503.
    @Sendable private func export(request: Request, context: SignedInContext) async throws -> Response {
        let headers: HTTPFields = [
            .contentType: "application/x-ndjson; charset=utf-8", .cacheControl: "no-store",
            .contentDisposition: "attachment; filename=\"analysis-export.jsonl\"",
        ]
        guard request.method != .head else { return Response(status: .ok, headers: headers) }
        try limits.opens.take(context.user.id)
        let parts = backend.catalog.exportUser(
            UserRequest(userID: context.user.id), options: context.call.unlimited)
        let first = try await parts.next()
        let body = ResponseBody { writer in
            if let first { try await writer.write(ByteBuffer(bytes: first.jsonLines)) }
            // What breaks off ends without a line of the kind end, and without the end of its chunks.
            while let part = try await parts.next() { try await writer.write(ByteBuffer(bytes: part.jsonLines)) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    @Sendable private func removeMe(
        request: Request, body: ConfirmationBody, context: SignedInContext
    ) async throws -> Reply<RemovedUserAnswer> {
        try await confirm(body.password, of: context)
        let reply = try await backend.catalog.removeUser(
            UserRequest(userID: context.user.id), options: context.call.unlimited)
        if let token = context.session.token { try? await sessions.end(token) }
        var answer = Reply(RemovedUserAnswer(cancelledJobs: reply.cancelledJobs))
        answer.cookies = [SessionToken.expiredCookie]
        return answer
    }

    /// - Throws: 403 where it is not the password.
    private func confirm(_ password: String, of context: SignedInContext) async throws {
        do {
            let check = try await open(context.user.id, password, from: context.address)
            _ = try await backend.catalog.logout(SessionRequest(session: check.session), options: Backend.call)
        } catch let error as RPCError where error.code == .unauthenticated {
            throw GatewayError(status: .forbidden, message: "The current password is wrong.")
        }
    }

    @Sendable private func loginEvent(
        request: Request, body: LoginEventBody?, context: SignedInContext
    ) async throws -> LoginEventAnswer {
        let userID = body?.userId?.text ?? context.user.id
        guard userID == context.user.id || context.user.role == .administrator else {
            throw GatewayError(status: .forbidden, message: "Only administrators tell of others' logins.")
        }
        let reply = try await backend.catalog.loggedIn(UserRequest(userID: userID), options: context.call)
        return LoginEventAnswer(message: "Noted", queuedCount: reply.queued, jobID: reply.job?.id)
    }
}

extension Request {
    /// What a proxy in front of the gateway says; browsers cannot set it across sites, and it only ever tightens the cookie.
    var cameByHTTPS: Bool {
        headers[HTTPField.Name("X-Forwarded-Proto")!] == "https"  // A literal token is a valid name.
    }
}
