// The description of the whole API (OpenAPI 3.1), made of the routes that were added.

import Foundation
import HTTPTypes

enum OpenAPI {
    static func document(_ table: EndpointTable) -> JSONValue {
        let problem = table.schemas.schema(of: ProblemAnswer.self)
        var paths: [String: JSONValue] = [:]
        for (path, endpoints) in Dictionary(grouping: table.endpoints, by: \.path) {
            paths[path] = .object(
                Dictionary(
                    uniqueKeysWithValues: endpoints.map { ($0.method.rawValue.lowercased(), operation($0, problem)) }))
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Analysis queue", "version": "1",
                "description": """
                Starts analyses of songs, tells how far they are, and keeps what they found. What is somebody else's answers \
                as what does not exist.
                """,
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(table.schemas.components),
                "securitySchemes": [
                    "session": ["type": "apiKey", "in": "cookie", "name": .string(SessionToken.cookieName)],
                    "bearer": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"],
                ],
            ],
        ]
    }

    private static func operation(_ endpoint: Endpoint, _ problem: JSONValue) -> JSONValue {
        var responses = endpoint.answers.reduce(into: [String: JSONValue]()) { responses, answer in
            responses[String(answer.key)] = [
                "description": answer.key == 200 ? "Done." : "A part of the system is away.",
                "content": [endpoint.contentType: ["schema": answer.value]],
            ]
        }
        if endpoint.method == .get {
            responses["304"] = ["description": "What the sender of If-None-Match has is what there is."]
        }
        responses["default"] = ["description": "A problem.", "content": ["application/json": ["schema": problem]]]
        var operation: [String: JSONValue] = [
            "summary": .string(endpoint.summary),
            "operationId": .string(endpoint.operationID),
            "tags": [.string(endpoint.tag)],
            "parameters": .array(endpoint.pathParameters + endpoint.query.map(parameter)),
            "responses": .object(responses),
            "security": endpoint.access == .everybody ? [] : [["session": []], ["bearer": []]],
        ]
        if let body = endpoint.body {
            operation["requestBody"] = [
                "required": .bool(body.isRequired), "content": ["application/json": ["schema": body.schema]],
            ]
        }
        return .object(operation)
    }

    private static func parameter(_ parameter: QueryParameter) -> JSONValue {
        let schema: JSONValue =
            switch parameter.kind {
            case .text: ["type": "string", "pattern": "^[^\\u0000]*$"]
            case .token: ["type": "string", "format": "token"]
            case .texts: ["type": "array", "items": ["type": "string", "pattern": "^[^\\u0000]*$"]]
            case .integer(let range):
                [
                    "type": "integer", "minimum": .integer(Int64(range.lowerBound)),
                    "maximum": .integer(Int64(range.upperBound)),
                ]
            case .flag: ["type": "boolean"]
            case .one(let names): ["type": "string", "enum": .array(names.map { .string($0) })]
            }
        return [
            "name": .string(parameter.name), "in": "query", "required": false, "schema": schema,
            "description": .string(parameter.summary),
        ]
    }
}

extension Endpoint {
    /// The segments of the path behind `/api`.
    private var segments: [Substring] { path.split(separator: "/").dropFirst().map { $0 } }

    var tag: String { segments.first.map(String.init) ?? "" }

    /// `getJobsIdStatus`.
    fileprivate var operationID: String {
        method.rawValue.lowercased()
            + segments.flatMap { $0.split { !$0.isLetter } }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    fileprivate var pathParameters: [JSONValue] {
        segments.filter { $0.hasPrefix("{") }.map { segment in
            [
                "name": .string(String(segment.dropFirst().dropLast())), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1],
            ]
        }
    }
}
