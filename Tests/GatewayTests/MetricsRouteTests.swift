// Who may read the metrics, and what they tell when a service does not.

import AnalysisAPI
import Daemon
import Foundation
import HTTPTypes
import RPC
import Testing

@testable import Gateway

@Suite struct MetricsRouteTests {
    private static let token = "0123456789abcdef"

    private func withMetrics(
        _ access: MetricsAccess = .local, _ body: @escaping @Sendable (GatewayUnderTest) async throws -> Void
    ) async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.metricsAccess = access
        try await GatewayUnderTest.run(settings, body)
    }

    @Test func thisMachineReadsThemAsText() async throws {
        try await withMetrics { gateway in
            let answer = try await gateway.send("/metrics", .get)
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.text.contains(#"analysis_up{process="gateway""#))
        }
    }

    @Test func serviceThatDoesNotAnswerIsNotUp() async throws {
        try await withMetrics { gateway in
            // The drivers of the test have no such service.
            let text = try await gateway.send("/metrics", .get).text
            #expect(text.contains(#"analysis_up{process="queue-service"} 0"#))
            #expect(text.contains(#"analysis_up{process="progress-service"} 0"#))
        }
    }

    @Test func whoComesThroughAProxyIsNotOfThisMachine() async throws {
        try await withMetrics { gateway in
            for header in ["Forwarded", "X-Forwarded-For", "X-Real-IP"] {
                let name = try #require(HTTPField.Name(header))
                #expect(try await gateway.send("/metrics", .get, headers: [name: "127.0.0.1"]).status == 403)
            }
        }
    }

    @Test func whereThereIsATokenItMustBeShown() async throws {
        try await withToken("\(Self.token)\n") { path in
            try await withMetrics(.tokenFile(path)) { gateway in
                let none = try await gateway.send("/metrics", .get)
                #expect(none.status == 401)
                #expect(none.headers[.wwwAuthenticate] == "Bearer")
                let wrong: HTTPFields = [.authorization: "Bearer \(Self.token)x"]
                #expect(try await gateway.send("/metrics", .get, headers: wrong).status == 401)
                let right: HTTPFields = [.authorization: "Bearer \(Self.token)"]
                #expect(try await gateway.send("/metrics", .get, headers: right).status == 200)
                try Data("fedcba9876543210".utf8).write(to: URL(filePath: path))
                #expect(try await gateway.send("/metrics", .get, headers: right).status == 401)
            }
        }
    }

    @Test func tokenThatIsMissingOrCanBeGuessedIsRefused() async throws {
        try await withToken("short\n") { path in
            #expect(throws: RPCError.self) { try MetricsAccess.token(in: path) }
            #expect(throws: RPCError.self) { try MetricsAccess.token(in: path + "-missing") }
        }
    }

    private func withToken(_ content: String, _ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(content.utf8).write(to: URL(filePath: path))
        try await body(path)
    }
}
