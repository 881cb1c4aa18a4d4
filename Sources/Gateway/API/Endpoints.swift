// Adds routes. What a route takes and answers is known from the types of its handler, and described from them.

import AnalysisAPI
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// Routes for one kind of caller.
///
/// Queries and bodies are checked before a handler is called, against what the description says of them.
struct Endpoints<Context: RequestContext> {
    let group: RouterGroup<Context>
    let table: EndpointTable
    let access: Endpoint.Access

    func get<Result: Answering>(
        _ path: String, _ summary: String, query: [QueryParameter] = [], unavailable: (any Decodable.Type)? = nil,
        use handler: @escaping @Sendable (Request, Context) async throws -> Result
    ) {
        on(.get, path, summary, query: query, unavailable: unavailable, use: handler)
    }

    func post<Result: Answering>(
        _ path: String, _ summary: String,
        use handler: @escaping @Sendable (Request, Context) async throws -> Result
    ) {
        on(.post, path, summary, use: handler)
    }

    func post<Body: Decodable & Sendable, Result: Answering>(
        _ path: String, _ summary: String, body: Body.Type, maxBytes: Int = Endpoint.maxBodyBytes,
        use handler: @escaping @Sendable (Request, Body, Context) async throws -> Result
    ) {
        on(.post, path, summary, body: body, maxBytes: maxBytes, use: handler)
    }

    func put<Body: Decodable & Sendable, Result: Answering>(
        _ path: String, _ summary: String, body: Body.Type, maxBytes: Int = Endpoint.maxBodyBytes,
        use handler: @escaping @Sendable (Request, Body, Context) async throws -> Result
    ) {
        on(.put, path, summary, body: body, maxBytes: maxBytes, use: handler)
    }

    func delete<Result: Answering>(
        _ path: String, _ summary: String,
        use handler: @escaping @Sendable (Request, Context) async throws -> Result
    ) {
        on(.delete, path, summary, use: handler)
    }

    /// A route that takes no body of its own. Pages send one with every change, which is then left alone.
    func on<Result: Answering>(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, query: [QueryParameter] = [],
        unavailable: (any Decodable.Type)? = nil,
        use handler: @escaping @Sendable (Request, Context) async throws -> Result
    ) {
        describe(method, path, summary, query: query, answer: Result.Content.self, unavailable: unavailable)
        let recent = table.recent
        group.on(RouterPath(path), method: method) { request, context in
            for parameter in query { try parameter.check(request) }
            _ = try await request.jsonBytes(upTo: Endpoint.maxBodyBytes)
            defer { recent.noteChange(by: context, in: request) }
            return try await handler(request, context).reply.response(to: request)
        }
    }

    /// A route that takes a body; it may be left out where `Body` is an `Optional`.
    func on<Body: Decodable & Sendable, Result: Answering>(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, body: Body.Type,
        maxBytes: Int = Endpoint.maxBodyBytes,
        use handler: @escaping @Sendable (Request, Body, Context) async throws -> Result
    ) {
        describe(method, path, summary, body: body, answer: Result.Content.self)
        let recent = table.recent
        group.on(RouterPath(path), method: method) { request, context in
            defer { recent.noteChange(by: context, in: request) }
            let body = try Body(json: try await request.jsonBytes(upTo: maxBytes))
            return try await handler(request, body, context).reply.response(to: request)
        }
    }

    /// A route whose answer is made by itself and is no JSON.
    func raw(
        _ path: String, _ summary: String, query: [QueryParameter] = [], contentType: String,
        use handler: @escaping @Sendable (Request, Context) async throws -> Response
    ) {
        describe(.get, path, summary, query: query, contentType: contentType)
        group.on(RouterPath(path), method: .get) { request, context in
            for parameter in query { try parameter.check(request) }
            return try await handler(request, context)
        }
    }

    func describe(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, query: [QueryParameter] = [],
        body: (any Decodable.Type)? = nil, answer: (any Decodable.Type)? = nil,
        unavailable: (any Decodable.Type)? = nil, contentType: String = "application/json"
    ) {
        var answers = [200: answer.map { table.schemas.schema(of: $0) } ?? JSONValue.object([:])]
        if let unavailable { answers[503] = table.schemas.schema(of: unavailable) }
        table.schemas.isIncoming = true
        defer { table.schemas.isIncoming = false }
        table.add(
            Endpoint(
                method: method, path: "/api/" + EndpointTable.documentPath(path), access: access, summary: summary,
                query: query,
                body: body.map {
                    Endpoint.Body(schema: table.schemas.schema(of: $0), isRequired: !($0 is any OptionalBody.Type))
                },
                answers: answers, contentType: contentType))
    }
}

extension RecentAnswers {
    fileprivate func noteChange(by context: some RequestContext, in request: Request) {
        guard !request.isRead, let user = (context as? SignedInContext)?.user else { return }
        noteChange(by: user.id)
    }
}

/// Told apart in the type of a body.
private protocol OptionalBody {}
extension Optional: OptionalBody {}

extension Request {
    /// The body of a request that changes something, which must be JSON or empty; empty of one that reads.
    ///
    /// - Throws: 413 where it is larger, 415 where it is said to be anything but JSON.
    fileprivate func jsonBytes(upTo limit: Int) async throws -> ByteBuffer {
        if method == .get || method == .head { return ByteBuffer() }
        let buffer: ByteBuffer
        do {
            buffer = try await whole(upTo: limit)
        } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
            throw GatewayError(
                status: .contentTooLarge, message: "The body is too large; at most \(limit) bytes are taken.")
        }
        let type = headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard buffer.readableBytes == 0 || type == "application/json" else {
            throw GatewayError(
                status: .unsupportedMediaType, message: "The body must be JSON, with Content-Type: application/json.")
        }
        return buffer
    }
}

extension Request {
    /// As long a body may take.
    private static let patience: Duration = .seconds(30)

    private func whole(upTo limit: Int) async throws -> ByteBuffer {
        if headers[.contentLength] == "0" { return ByteBuffer() }
        let body = body
        return try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
            group.addTask { try await body.collect(upTo: limit) }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw GatewayError(
                    status: .requestTimeout, message: "The body did not come within \(Self.patience).",
                    headers: [.connection: "close"])
            }
            defer { group.cancelAll() }
            return try await group.next() ?? ByteBuffer()
        }
    }
}

extension Decodable {
    /// - Throws: 400 that names what is wrong.
    fileprivate init(json buffer: ByteBuffer) throws {
        do {
            // What is left out is as good as null, of which the type knows whether it may be.
            let bytes = buffer.readableBytes == 0 ? ByteBuffer(string: "null") : buffer
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self = try decoder.decode(Self.self, from: bytes)
        } catch let error as DecodingError {
            throw GatewayError.badRequest(error.advice)
        }
    }
}

extension DecodingError {
    /// What would be right.
    fileprivate var advice: String {
        switch self {
        case .keyNotFound(let key, let context):
            "The body lacks the member \"\(Self.path(context.codingPath + [key]))\"."
        case .typeMismatch(let type, let context) where context.codingPath.isEmpty:
            "The body must be a JSON object, not another kind of value than \(type)."
        case .typeMismatch(let type, let context):
            "The member \"\(Self.path(context.codingPath))\" must be of type \(type)."
        case .valueNotFound(_, let context) where context.codingPath.isEmpty: "The body is missing."
        case .valueNotFound(_, let context): "The member \"\(Self.path(context.codingPath))\" must not be null."
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            "The member \"\(Self.path(context.codingPath))\" is wrong: \(context.debugDescription)"
        case .dataCorrupted: "The body is not valid JSON."
        @unknown default: "The body is not the JSON that is expected."
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { key in key.intValue.map { "[\($0)]" } ?? Schemas.memberName(key) }.joined(separator: ".")
            .replacing(".[", with: "[")
    }
}
