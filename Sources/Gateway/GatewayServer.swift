// The HTTP server: its middlewares, outermost first, and its routes.

import Hummingbird
import Logging
import NIOCore
import RPC

enum GatewayServer {
    static func router(backend: Backend) -> Router<GatewayContext> {
        let sessions = Sessions(catalog: backend.catalog)
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: LogRequestsMiddleware(.debug))
        router.add(middleware: SecurityHeadersMiddleware())
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: ChangeGuardMiddleware())
        StaticFiles().add(to: router)

        let api = router.group("/api")
        HealthRoutes(backend: backend).add(to: api)
        let accounts = AccountRoutes(backend: backend, sessions: sessions)
        api.add(middleware: SessionMiddleware(sessions: sessions, backend: backend))
        accounts.addOpen(to: api)
        let signedIn = api.group(context: SignedInContext.self)
        accounts.add(to: signedIn)
        AnalysisRoutes(backend: backend).add(to: signedIn)
        StatusRoutes(backend: backend).add(to: signedIn)
        ProgressRoutes(backend: backend).add(to: signedIn)
        JobRoutes(backend: backend).add(to: signedIn)
        QueueRoutes(backend: backend).add(to: signedIn)
        LibraryRoutes(backend: backend).add(to: signedIn)
        EventRoutes(backend: backend).add(to: signedIn)
        return router
    }

    /// A connection without a request is closed after `idleTimeout`; an open event stream is a request.
    static func application(
        backend: Backend, address: BindAddress, eventLoopGroup: any EventLoopGroup, logger: Logger,
        idleTimeout: TimeAmount = .seconds(75)
    ) -> some ApplicationProtocol {
        Application(
            router: router(backend: backend),
            server: .http1(configuration: .init(idleTimeout: idleTimeout)),
            configuration: .init(address: address),
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger)
    }
}
