// A route as the API's description has it, and all of them.

import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// What a route promises.
struct Endpoint: Sendable {
    enum Access: Sendable {
        case everybody
        case signedIn
        case administrators
    }

    /// What a request may or must carry.
    struct Body: Sendable {
        let schema: JSONValue
        let isRequired: Bool
    }

    let method: HTTPRequest.Method
    /// With its parameters in braces: `/api/jobs/{id}/status`.
    let path: String
    let access: Access
    let summary: String
    let query: [QueryParameter]
    let body: Body?
    /// Schemas of its answers by HTTP status; every other status is a problem.
    let answers: [Int: JSONValue]
    /// Other than JSON.
    var contentType = "application/json"

    /// Bodies of this API are a few names and switches, but for libraries.
    static let maxBodyBytes = 64 * 1024
}

/// A parameter behind the question mark of an address.
struct QueryParameter: Sendable {
    enum Kind: Sendable {
        case text
        /// Any number of them.
        case texts
        case integer(ClosedRange<Int>)
        /// `1` or `true`, `0` or `false`.
        case flag
        case one(of: [String])
        /// What an earlier answer gave for this.
        case token
    }

    let name: String
    let kind: Kind
    let summary: String

    init(_ name: String, _ kind: Kind, _ summary: String) {
        self.name = name
        self.kind = kind
        self.summary = summary
    }

    /// - Throws: 400 that says what would be right.
    func check(_ request: Request) throws {
        let values = request.uri.queryParameters[values: Substring(name)]
        guard values.count <= 1 || isRepeatable else {
            throw GatewayError.badRequest("\(name) is given \(values.count) times; once is right.")
        }
        for value in values where !allows(value) {
            throw GatewayError.badRequest("\(name) is '\(value)'; \(expectation) is right.")
        }
    }

    private var isRepeatable: Bool { if case .texts = kind { true } else { false } }

    private func allows(_ value: Substring) -> Bool {
        switch kind {
        case .text, .texts, .token: !value.utf8.contains(0)
        case .integer(let range): Int(value).map(range.contains) ?? false
        case .flag: ["0", "1", "true", "false"].contains(value)
        case .one(let names): names.contains(String(value))
        }
    }

    private var expectation: String {
        switch kind {
        case .text, .texts, .token: "any text without a NUL"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "1 or 0"
        case .one(let names): "one of \(names.joined(separator: ", "))"
        }
    }
}

extension Request {
    /// The parameters of the query. Forms write a space as "+", which the router leaves as it is.
    var queryParameters: FlatDictionary<Substring, Substring> {
        URI("/?" + (uri.query ?? "").replacing("+", with: "%20")).queryParameters
    }

    /// A parameter of the query; nil where it is missing or empty.
    func query(_ name: String) -> String? {
        guard let value = queryParameters.get(name), !value.isEmpty else { return nil }
        return value
    }

    /// Whether a flag of the query is set.
    func flag(_ name: String) -> Bool { ["1", "true"].contains(query(name)) }
}

/// The routes that were added, in order, with the schemas that they share.
final class EndpointTable {
    private(set) var endpoints: [Endpoint] = []
    var schemas = Schemas()
    let recent: RecentAnswers

    init(recent: RecentAnswers) {
        self.recent = recent
    }

    func add(_ endpoint: Endpoint) {
        endpoints.append(endpoint)
    }

    /// The methods of each path, in the router's notation; whoever may `GET` may ask for the `HEAD`.
    var methods: [String: [HTTPRequest.Method]] {
        var methods = Dictionary(grouping: endpoints, by: \.path).mapValues { $0.map(\.method) }
        for (path, known) in methods where known.contains(.get) { methods[path] = known + [.head] }
        return Dictionary(uniqueKeysWithValues: methods.map { (Self.routerPath($0.key), $0.value) })
    }

    /// `jobs/:id` as `jobs/{id}`.
    static func documentPath(_ path: String) -> String {
        path.split(separator: "/").map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }
            .joined(separator: "/")
    }

    private static func routerPath(_ path: String) -> String {
        path.replacing("{", with: ":").replacing("}", with: "")
    }
}
