// What routes answer with.

import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// JSON that a route answers with. Its stored properties are its schema in the API's description.
protocol Answer: Codable, Answering where Content == Self {}

/// What a handler may return: an answer, or a `Reply` where more than its body is to be said.
protocol Answering<Content>: Sendable {
    associatedtype Content: Codable & Sendable
    var reply: Reply<Content> { get }
}

extension Answer {
    var reply: Reply<Self> { Reply(self) }
}

/// An answer with a status, headers or cookies of its own.
struct Reply<Content: Codable & Sendable>: Answering {
    var content: Content
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var cookies: [Cookie] = []

    init(_ content: Content, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        self.content = content
        self.status = status
        self.headers = headers
    }

    var reply: Self { self }

    func response(to request: Request) throws -> Response {
        let body = try JSONBody.encode(content)
        let isRead = request.method == .get || request.method == .head
        guard isRead, status == .ok else {
            var response = JSONBody.response(encoded: body, status: status, headers: headers)
            for cookie in cookies { response.setCookie(cookie) }
            return response
        }
        return JSONBody.response(encoded: body, tag: EntityTag(of: body), to: request, headers: headers)
    }
}

/// Names the bytes of an answer, so that who has them already is not sent them again.
struct EntityTag: Sendable, Hashable {
    let text: String

    init(of body: ByteBuffer) {
        let digest = SHA256.hash(data: body.readableBytesView)
        text = "\"" + digest.prefix(12).map { String(format: "%02x", $0) }.joined() + "\""
    }

    /// Whether a request says that its sender has these bytes.
    func matches(_ request: Request) -> Bool {
        guard let known = request.headers[.ifNoneMatch] else { return false }
        // Proxies weaken the tags of what they compress.
        return known.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            .contains { $0 == "*" || $0 == text || $0 == "W/\(text)" }
    }
}
