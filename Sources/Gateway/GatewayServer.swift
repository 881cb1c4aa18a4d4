// The HTTP server: its middlewares, outermost first, and its routes.

import Daemon
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import RPC

/// What an operator decides.
struct GatewaySettings: Sendable {
    /// As long an answer to a poller serves everybody who asks the same.
    var answersFreshFor: Duration = .milliseconds(100)
    /// Whether strangers may make themselves an account.
    var registration = false
    /// Whether a proxy in front says, in X-Forwarded-For, where a request comes from.
    var trustsProxy = false
    /// Wrong ones of one account.
    var loginsPerMinute = 10
    /// Requests for analyses of one user.
    var asksPerMinute = 600
    /// Event streams of one user at a time.
    var streamsPerUser = 20
    var heartbeat: TimeAmount = .seconds(15)
    /// After how long somebody who has an event stream and reads nothing is left.
    var streamPatience: TimeAmount = .seconds(30)
    /// The tokens of the web app that count.
    var tokens: WebAppTokens?
    /// Who may read the metrics of all processes.
    var metricsAccess = MetricsAccess.local
}

enum GatewayServer {
    /// - Parameter metrics: of this process; nil: it tells none, and not those of others.
    static func router(
        backend: Backend, settings: GatewaySettings, metrics: MetricsCollector? = nil
    ) throws -> Router<GatewayContext> {
        let sessions = Sessions(backend: backend, tokens: settings.tokens)
        let limits = RequestLimits(settings)
        let table = EndpointTable(recent: RecentAnswers(freshFor: settings.answersFreshFor))
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestMetricsMiddleware())
        router.add(middleware: TraceMiddleware())
        router.add(middleware: LogRequestsMiddleware(.debug))
        router.add(middleware: SecurityHeadersMiddleware())
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: ChangeGuardMiddleware())
        if settings.trustsProxy { router.add(middleware: ProxyMiddleware()) }
        StaticFiles().add(to: router)
        if let metrics {
            MetricsRoute(services: backend.metrics, own: metrics, access: settings.metricsAccess).add(to: router)
        }

        let api = router.group("/api")
        let open = Endpoints(group: api, table: table, access: .everybody)
        HealthRoutes(backend: backend).add(to: open)
        let accounts = AccountRoutes(
            backend: backend, sessions: sessions, limits: limits, registration: settings.registration)
        api.add(middleware: SessionMiddleware(sessions: sessions))
        accounts.addOpen(to: open)
        let signedIn = Endpoints(
            group: api.group(context: SignedInContext.self), table: table, access: .signedIn)
        accounts.add(to: signedIn)
        AnalysisRoutes(backend: backend, limits: limits).add(to: signedIn)
        StatusRoutes(backend: backend).add(to: signedIn)
        ProgressRoutes(backend: backend).add(to: signedIn)
        JobRoutes(backend: backend).add(to: signedIn)
        QueueRoutes(backend: backend).add(to: signedIn)
        LibraryRoutes(backend: backend).add(to: signedIn)
        LibraryImportRoutes(backend: backend).add(to: signedIn)
        EventRoutes(
            backend: backend, alerts: AlertFeed(backend: backend), sessions: sessions, limits: limits,
            heartbeat: settings.heartbeat,
            patience: settings.streamPatience
        ).add(to: signedIn)
        PreferencesRoutes(backend: backend).add(to: signedIn)
        HistoryRoutes(backend: backend).add(to: signedIn)
        NotificationRoutes(backend: backend).add(to: signedIn)
        InsightsRoutes(backend: backend).add(to: signedIn)
        Administration.add(to: signedIn, backend: backend)
        try DescriptionRoute(table: table).add(to: open)
        refuseOtherMethods(of: table, router)
        return router
    }

    /// A method that a path does not have is 405, not 404, and the answer says which it has.
    private static func refuseOtherMethods(of table: EndpointTable, _ router: Router<GatewayContext>) {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"]
            .compactMap { HTTPRequest.Method(rawValue: $0) }
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

    /// A connection is closed where no request has begun `idleTimeout` after the last, and where the header of one takes longer
    /// than `headerTimeout`; an open event stream is a request.
    static func application(
        router: Router<GatewayContext>, address: BindAddress, eventLoopGroup: any EventLoopGroup, logger: Logger,
        headerTimeout: TimeAmount = .seconds(10), idleTimeout: TimeAmount = .seconds(75)
    ) -> some ApplicationProtocol {
        let http1 = HTTP1Channel.Configuration(
            idleTimeout: idleTimeout,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100))
        return Application(
            router: router,
            server: HTTPServerBuilder { responder in
                HeaderTimedHTTP1(http: HTTP1Channel(responder: responder, configuration: http1), timeout: headerTimeout)
            },
            configuration: .init(address: address),
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger)
    }
}
