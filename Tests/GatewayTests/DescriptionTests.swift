// The API's description: made of the routes, and therefore about them.

import AnalysisAPI
import Foundation
import HTTPTypes
import Hummingbird
import RPC
import Testing

@testable import Gateway

@Suite struct DescriptionTests {
    @Test func everyRouteIsDescribedWithTheSchemaOfItsAnswer() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.send("/api/openapi.json", .get)
            #expect(answer.status == 200)
            let document = try answer.json
            let paths = try #require(document["paths"]?.members)
            #expect(paths.count > 30)
            let schemas = try #require(document["components"]?["schemas"]?.members)
            for (path, operations) in paths {
                for (method, operation) in operations.members ?? [:] {
                    let place = "\(method) \(path)"
                    #expect(operation["summary"] != nil && operation["security"] != nil, "\(place)")
                    let schema = operation["responses"]?["200"]?["content"]?.members?.values.first?["schema"]
                    #expect(
                        schema?.members?.isEmpty == false || path == "/api/openapi.json"
                            || ["/api/events", "/api/me/export"].contains(path),
                        "\(place)")
                }
            }
            // No schema is missing, and none says that its type could not be read.
            for name in answer.text.matches(of: /"#\/components\/schemas\/([^"]+)"/).map({ String($0.output.1) }) {
                #expect(schemas[name]?["properties"] != nil, "\(name): \(schemas[name] ?? .null)")
                #expect(name.wholeMatch(of: /[A-Za-z0-9._-]+/) != nil)
            }
        }
    }

    /// With ANALYSIS_WRITE_DOCS=1 in the environment, they are listed anew.
    @Test func theDocumentationListsEveryRoute() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let paths = try await gateway.send("/api/openapi.json", .get).json["paths"]?.members ?? [:]
            var lines = ["| request | what it does | who may |", "|---|---|---|"]
            for (path, operations) in paths.sorted(by: { $0.key < $1.key }) {
                for (method, operation) in (operations.members ?? [:]).sorted(by: { $0.key < $1.key }) {
                    guard case .string(let summary) = operation["summary"] else { continue }
                    let isOpen = operation["security"]?.elements.isEmpty == true
                    let who =
                        path.hasPrefix("/api/admin/")
                        ? "administrators" : isOpen ? "everybody" : "who is signed in"
                    lines.append("| `\(method.uppercased()) \(path)` | \(summary) | \(who) |")
                }
            }
            let file = URL(filePath: #filePath).appending(path: "../../../docs/api.md").standardized
            let parts = try String(contentsOf: file, encoding: .utf8).split(separator: "## Routes\n", maxSplits: 1)
            let listed = lines.joined(separator: "\n") + "\n"
            if ProcessInfo.processInfo.environment["ANALYSIS_WRITE_DOCS"] != nil {
                try Data("\(parts[0])## Routes\n\n\(listed)".utf8).write(to: file)
            }
            #expect(parts.count == 2 && parts[1].drop(while: \.isNewline) == listed)
        }
    }

    @Test func aSchemaHasEveryMemberAndWhetherItMayBeNull() throws {
        var schemas = Schemas()
        _ = schemas.schema(of: LoginAnswer.self)
        let login = try #require(schemas.components["LoginAnswer"])
        #expect(
            login["properties"] == [
                "success": ["type": "boolean"], "status": ["type": "string"], "message": ["type": "string"],
                "user": ["$ref": "#/components/schemas/AccountAnswer.UserJSON"],
                "queued_count": ["type": "integer", "minimum": 0, "maximum": 4_294_967_295],
                "job_id": ["type": ["string", "null"]], "csrf_token": ["type": "string"],
            ])
        #expect(
            login["required"] == [
                "csrf_token", "job_id", "message", "queued_count", "status", "success", "user",
            ])
        _ = schemas.schema(of: SongsQueuedAnswer.self)
        #expect(schemas.components["SongsQueuedAnswer"]?["required"]?.elements.contains("job_id") == false)
    }

    /// Paths with an identifier for every parameter.
    private static let samples = ["/api/jobs/0-1/status", "/api/library/songs", "/api/login", "/api/playlist/1/songs"]

    @Test(arguments: samples)
    func aMethodThatAPathDoesNotHaveIsToldWhichItHas(path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            for method: HTTPRequest.Method in [.patch, .options, .trace] {
                let answer = try await gateway.send(path, method)
                #expect(answer.status == 405)
                #expect(answer.headers[.allow]?.isEmpty == false)
                #expect(try answer.json["code"] == 405)
            }
        }
    }
}

extension JSONValue {
    var members: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }
}
