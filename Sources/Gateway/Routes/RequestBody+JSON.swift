// Reads the JSON bodies of requests.

import Foundation
import Hummingbird
import NIOCore
import NIOFoundationCompat

extension Request {
    /// The body as JSON; nil where it is empty or `null`.
    ///
    /// - Throws: 400 that names what is wrong.
    func json<Value: Decodable>(_ type: Value.Type) async throws -> Value? {
        let buffer = try await body.collect(upTo: GatewayContext.maxBodyBytes)
        if buffer.readableBytes == 0 { return nil }
        do {
            return try JSONDecoder().decode(Value?.self, from: buffer)
        } catch let error as DecodingError {
            throw GatewayError.badRequest(Self.message(for: error))
        }
    }

    private static func message(for error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        return switch error {
        case .keyNotFound(let key, _): "The body lacks the member \"\(key.stringValue)\"."
        case .typeMismatch(let type, let context) where context.codingPath.isEmpty:
            "The body must be a JSON object, not another kind of value than \(type)."
        case .typeMismatch(let type, let context): "The member \"\(path(context))\" must be of type \(type)."
        case .valueNotFound(_, let context): "The member \"\(path(context))\" must not be null."
        case .dataCorrupted: "The body is not valid JSON."
        @unknown default: "The body is not the JSON that is expected."
        }
    }
}
