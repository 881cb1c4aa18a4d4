// The W3C trace of a request: that of its sender, or one that begins here.

import HTTPTypes
import Hummingbird
import Instrumentation
import RPC

/// Everything that is done for a request, here and in the services, is logged with its trace and its id. The answer says which span
/// of which trace it was (`traceresponse`), so that a client that sends no `traceparent` can ask for it.
struct TraceMiddleware: RouterMiddleware {
    private static let parent = HTTPField.Name("traceparent")!  // A literal token is a valid name.
    private static let state = HTTPField.Name("tracestate")!
    private static let answer = HTTPField.Name("traceresponse")!

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let sent = request.headers[Self.parent].flatMap {
            TraceContext(traceparent: $0, tracestate: request.headers[values: Self.state].joined(separator: ","))
        }
        let trace = sent?.child ?? TraceContext()
        var service = ServiceContext.topLevel
        (service.trace, service.requestID) = (trace, context.requestID)
        var response = try await ServiceContext.$current.withValue(service) { try await next(request, context) }
        response.headers[Self.answer] = trace.traceparent
        return response
    }
}
