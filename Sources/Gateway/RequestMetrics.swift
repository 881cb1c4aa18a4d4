// How long requests take, by route.

import HTTPTypes
import Hummingbird
import Metrics
import NIOCore
import Synchronization

/// Measures every request that has a route, up to where its answer begins.
struct RequestMetricsMiddleware: RouterMiddleware {
    private let timers = RequestTimers()

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let began = NIODeadline.now()
        let response = try await next(request, context)
        // What has no route may be called anything.
        let route = RequestTimers.Route(
            method: context.endpointPath == nil ? "other" : request.method.rawValue,
            path: context.endpointPath ?? "other", statusClass: response.status.code / 100)
        timers.timer(of: route).recordNanoseconds((NIODeadline.now() - began).nanoseconds)
        return response
    }
}

/// The handles of all routes that were asked for; a look into a table and not into the backend for each request.
private final class RequestTimers: Sendable {
    struct Route: Hashable, Sendable {
        let method: String
        let path: String
        let statusClass: Int
    }

    private let timers = Mutex<[Route: Metrics.Timer]>([:])

    func timer(of route: Route) -> Metrics.Timer {
        timers.withLock { timers in
            if let timer = timers[route] { return timer }
            let timer = Timer(
                label: "analysis_http_request_duration_seconds",
                dimensions: [
                    ("method", route.method), ("route", RequestTimers.documented(route.path)),
                    ("status", "\(route.statusClass)xx"),
                ])
            timers[route] = timer
            return timer
        }
    }

    /// `/api/jobs/:id` as `/api/jobs/{id}`.
    private static func documented(_ path: String) -> String {
        path == "other" ? path : "/" + EndpointTable.documentPath(path)
    }
}
