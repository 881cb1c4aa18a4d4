// The description of the API itself, made once all other routes are known.

import Hummingbird
import NIOCore

struct DescriptionRoute {
    let table: EndpointTable

    func add(to routes: Endpoints<GatewayContext>) throws {
        routes.describe(.get, "openapi.json", "This description (OpenAPI 3.1).")
        let body = try JSONBody.encode(OpenAPI.document(table))
        let tag = EntityTag(of: body)
        routes.group.get("openapi.json") { request, _ in JSONBody.response(encoded: body, tag: tag, to: request) }
    }
}
