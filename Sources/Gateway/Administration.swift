// The part of the API that is for administrators alone.

import AnalysisAPI
import Hummingbird

/// Tells everybody but administrators so. The services check it again, by the token of the call.
struct AdministratorsOnly: RouterMiddleware {
    func handle(
        _ request: Request, context: SignedInContext, next: (Request, SignedInContext) async throws -> Response
    ) async throws -> Response {
        guard context.user.role == .administrator else {
            throw GatewayError(status: .forbidden, message: "Only administrators may do this.")
        }
        return try await next(request, context)
    }
}

enum Administration {
    /// Adds all routes whose path begins with `admin`.
    static func add(to signedIn: Endpoints<SignedInContext>, backend: Backend) {
        let group = signedIn.group.group().add(middleware: AdministratorsOnly())
        let routes = Endpoints(group: group, table: signedIn.table, access: .administrators)
        AdminQueueRoutes(backend: backend).add(to: routes)
        AdminJobRoutes(backend: backend).add(to: routes)
        AdminUserRoutes(backend: backend).add(to: routes)
        AdminAccuracyRoutes(backend: backend).add(to: routes)
        AdminAlertRoutes(backend: backend).add(to: routes)
    }
}
