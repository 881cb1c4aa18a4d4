// A gateway on a real port in front of drivers on real Unix sockets, and requests to it.

import AnalysisAPI
import Daemon
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import Gateway

struct GatewayUnderTest: Sendable {
    let queue: QueueDriver
    let catalog: CatalogDriver
    let alerts: AlertsDriver
    let audit: AuditDriver
    let progress: ProgressDriver
    let progressHealth: HealthDriver
    let client: any TestClientProtocol

    static let user = User(id: "demo", name: "Demo", lane: "0", role: .listener, autoAnalysis: true, createdAtMs: 1_000)
    static let session = [UInt8](repeating: 7, count: 32)
    static let administrator = User(id: "root", name: "Root", lane: "0", role: .administrator)
    private static let administratorSession = [UInt8](repeating: 8, count: 32)
    static let administratorCookie =
        "\(SessionToken.cookieName)=\(Data(administratorSession).base64EncodedString())"
    static let cookie = cookie(of: session)

    static func cookie(of session: [UInt8]) -> String {
        "\(SessionToken.cookieName)=\(Data(session).base64EncodedString())"
    }

    /// Runs `body` with a gateway whose services run, and with Demo's and an administrator's session known to the catalog.
    ///
    /// - Parameter settings: by default, every request is answered anew.
    static func run(
        _ settings: GatewaySettings = GatewaySettings(answersFreshFor: .zero),
        _ body: @escaping @Sendable (GatewayUnderTest) async throws -> Void
    ) async throws {
        let folder = URL(filePath: "/tmp/gateway-test-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func address(_ name: String) throws -> RPCAddress { try RPCAddress("unix:\(folder.path)/\(name).sock") }

        let (queue, catalog, progress) = (QueueDriver(), CatalogDriver(), ProgressDriver())
        let (alerts, audit) = (AlertsDriver(), AuditDriver())
        let (queueHealth, progressHealth) = (HealthDriver(), HealthDriver())
        catalog.set {
            $0.checkSession = { request in
                switch request.session {
                case session: return user
                case administratorSession: return administrator
                default: throw RPCError(.unauthenticated, "no such session")
                }
            }
        }
        let servers = [
            RPCServer(
                addresses: [try address("queue")], services: [queue, catalog, alerts, audit, queueHealth],
                eventLoopGroup: group, logger: logger),
            RPCServer(
                addresses: [try address("progress")], services: [progress, progressHealth],
                eventLoopGroup: group, logger: logger),
        ]
        let clients = [
            RPCClient(address: try address("queue"), eventLoopGroup: group, logger: logger),
            RPCClient(address: try address("progress"), eventLoopGroup: group, logger: logger),
        ]
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for server in servers {
                tasks.addTask { try await server.run() }
                _ = try await server.listening()
            }
            for client in clients { tasks.addTask { try await client.run() } }
            let app = GatewayServer.application(
                router: try GatewayServer.router(
                    backend: Backend(queue: clients[0], progress: clients[1], signer: nil), settings: settings,
                    metrics: MetricsCollector(process: "gateway", registry: MetricRegistry())),
                address: .hostname("127.0.0.1", port: 0),
                eventLoopGroup: group, logger: logger)
            try await app.test(.live) { client in
                try await body(
                    GatewayUnderTest(
                        queue: queue, catalog: catalog, alerts: alerts, audit: audit, progress: progress,
                        progressHealth: progressHealth,
                        client: client))
            }
            tasks.cancelAll()
        }
    }

    /// A request of Demo's, as a page of the gateway's own makes it.
    func get(_ path: String, headers: HTTPFields = [:]) async throws -> Answer {
        try await send(path, .get, headers: [.cookie: Self.cookie], adding: headers)
    }

    func post(_ path: String, json: String? = nil, headers: HTTPFields = [:]) async throws -> Answer {
        try await send(
            path, .post, headers: [.cookie: Self.cookie, .contentType: "application/json"], adding: headers,
            body: json.map { ByteBuffer(string: $0) })
    }

    func put(_ path: String, json: String) async throws -> Answer {
        try await send(
            path, .put, headers: [.cookie: Self.cookie, .contentType: "application/json"],
            body: ByteBuffer(string: json))
    }

    /// A request of the administrator's.
    func administrator(
        _ method: HTTPRequest.Method, _ path: String, json: String? = nil
    ) async throws -> Answer {
        try await send(
            path, method, headers: [.cookie: Self.administratorCookie, .contentType: "application/json"],
            body: json.map { ByteBuffer(string: $0) })
    }

    /// A request with these headers and no others.
    func send(
        _ path: String, _ method: HTTPRequest.Method, headers: HTTPFields = [:], adding more: HTTPFields = [:],
        body: ByteBuffer? = nil
    ) async throws -> Answer {
        var headers = headers
        for field in more { headers[field.name] = field.value }
        return Answer(try await client.executeRequest(uri: path, method: method, headers: headers, body: body))
    }
}

/// What came back.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String

    init(_ response: TestResponse) {
        status = response.status.code
        headers = response.headers
        text = String(buffer: response.body)
    }

    /// The body as JSON, numbers told apart as written: `1` from `1.5`.
    var json: JSONValue {
        get throws { try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }
    }

    /// The body of a polled answer, without what is said to pollers.
    var content: JSONValue {
        get throws { try json.without("poll_after_ms", "stale") }
    }
}

extension JSONValue {
    /// The member of an object; nil where there is none.
    subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The object without some of its members.
    func without(_ names: String...) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !names.contains($0.key) })
    }

    var isTimestamp: Bool {
        guard case .string(let text) = self else { return false }
        return text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil
    }
}
