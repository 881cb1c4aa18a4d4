// What every request must satisfy, and what every answer carries, whatever its route.

import HTTPTypes
import Hummingbird

/// Headers that keep the page to its own scripts, out of frames and out of guesses about types; and no body behind a `HEAD`.
struct SecurityHeadersMiddleware: RouterMiddleware {
    private static let headers: HTTPFields = [
        .contentSecurityPolicy:
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        .xContentTypeOptions: "nosniff",
        HTTPField.Name("Referrer-Policy")!: "same-origin",  // A literal token is a valid name.
        HTTPField.Name("Cross-Origin-Opener-Policy")!: "same-origin",
        HTTPField.Name("Cross-Origin-Resource-Policy")!: "same-origin",
    ]
    private static let requestID = HTTPField.Name("X-Request-ID")!

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        // A problem has a body, of which whoever asks for the head alone would take the first bytes for the next answer.
        if request.method == .head { response = response.createHeadResponse() }
        response.headers.append(contentsOf: Self.headers)
        response.headers[Self.requestID] = context.requestID
        return response
    }
}

/// Lets a request that changes something through only when it comes from our own pages or from no page at all.
///
/// Browsers tell where a request comes from in `Sec-Fetch-Site`, or at least in `Origin`; a page of another site can forge
/// neither. And every body is JSON, which cannot be sent across sites without asking first. The tokens that the existing pages bring are
/// not ours and are not looked at.
struct ChangeGuardMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        if request.isRead { return try await next(request, context) }
        guard Self.isSameOrigin(request) else {
            throw GatewayError(status: .forbidden, message: "Requests from other sites may not change anything here.")
        }
        return try await next(request, context)
    }

    static func isSameOrigin(_ request: Request) -> Bool {
        if let site = request.headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let origin = request.headers[.origin] else { return true }
        guard let host = request.head.authority else { return false }
        return origin == "http://\(host)" || origin == "https://\(host)"
    }
}

/// Takes where a request comes from out of what the proxy in front of the gateway has added last; what stands before it, anybody
/// may have written.
struct ProxyMiddleware: RouterMiddleware {
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")!  // A literal token is a valid name.

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let addresses = request.headers[values: Self.forwardedFor].flatMap { $0.split(separator: ",") }
        if let last = addresses.last { context.address = last.filter { $0 != " " } }
        return try await next(request, context)
    }
}

extension HTTPField.Name {
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
