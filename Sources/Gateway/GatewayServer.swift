// The HTTP server: its middlewares, outermost first, and its routes.

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import RPC

/// What an operator decides.
struct GatewaySettings: Sendable {
    /// As long an answer to a poller serves everybody who asks the same.
    var answersFreshFor: Duration = .milliseconds(100)
}

enum GatewayServer {
    static func router(backend: Backend, settings: GatewaySettings) throws -> Router<GatewayContext> {
        let sessions = Sessions(catalog: backend.catalog)
        let table = EndpointTable(recent: RecentAnswers(freshFor: settings.answersFreshFor))
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: LogRequestsMiddleware(.debug))
        router.add(middleware: SecurityHeadersMiddleware())
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: ChangeGuardMiddleware())
        StaticFiles().add(to: router)

        let api = router.group("/api")
        let watched = Endpoints(group: api, table: table, access: .everybody)
        HealthRoutes(backend: backend).add(to: watched)
        let accounts = AccountRoutes(backend: backend, sessions: sessions)
        api.add(middleware: SessionMiddleware(sessions: sessions, backend: backend))
        let open = Endpoints(group: api, table: table, access: .everybody)
        accounts.addOpen(to: open)
        let signedIn = Endpoints(
            group: api.group(context: SignedInContext.self), table: table, access: .signedIn)
        accounts.add(to: signedIn)
        AnalysisRoutes(backend: backend).add(to: signedIn)
        StatusRoutes(backend: backend).add(to: signedIn)
        ProgressRoutes(backend: backend).add(to: signedIn)
        JobRoutes(backend: backend).add(to: signedIn)
        QueueRoutes(backend: backend).add(to: signedIn)
        LibraryRoutes(backend: backend).add(to: signedIn)
        LibraryImportRoutes(backend: backend).add(to: signedIn)
        EventRoutes(backend: backend).add(to: signedIn)
        try DescriptionRoute(table: table).add(to: watched)
        refuseOtherMethods(of: table, router)
        return router
    }

    /// A method that a path does not have is 405, not 404, and the answer says which it has.
    private static func refuseOtherMethods(of table: EndpointTable, _ router: Router<GatewayContext>) {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
        for (path, methods) in table.methods {
            let allowed = methods.map(\.rawValue).sorted().joined(separator: ", ")
            for method in known where !methods.contains(method) {
                router.on(RouterPath(path), method: method) { request, _ -> Response in
                    throw GatewayError(
                        status: .methodNotAllowed,
                        message: "\(request.uri.path) takes \(allowed), not \(request.method).",
                        headers: [.allow: allowed])
                }
            }
        }
    }

    /// A connection without a request is closed after `idleTimeout`; an open event stream is a request.
    static func application(
        backend: Backend, settings: GatewaySettings, address: BindAddress, eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        idleTimeout: TimeAmount = .seconds(75)
    ) throws -> some ApplicationProtocol {
        Application(
            router: try router(backend: backend, settings: settings),
            server: .http1(configuration: .init(idleTimeout: idleTimeout)),
            configuration: .init(address: address),
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger)
    }
}
