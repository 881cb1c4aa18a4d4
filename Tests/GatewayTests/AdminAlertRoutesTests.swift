// What administrators see of what is wrong, and of what they did; and what users get and remove of their own.

import AnalysisAPI
import HTTPTypes
import NIOCore
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct AdminAlertRoutesTests {
    private static let alert = Alert(
        id: "a1", kind: .noWorker, severity: .critical, summary: "No worker", advice: "Start one", unit: "workers",
        raisedAtMs: 1_000)

    @Test(arguments: [
        (HTTPRequest.Method.get, "alerts"), (.post, "alerts/a1/acknowledge"), (.get, "audit"),
    ])
    func nobodyElseMay(method: HTTPRequest.Method, path: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let answer = try await gateway.send(
                "/api/admin/\(path)", method, headers: [.cookie: GatewayUnderTest.cookie])
            #expect(answer.status == 403)
            #expect(try await gateway.send("/api/admin/\(path)", method).status == 401)
        }
    }

    @Test func alertsAreToldWithWhatToDo() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            var over = Self.alert
            (over.id, over.clearedAtMs, over.userID) = ("a0", 2_000, "7")
            gateway.alerts.set { [over] in
                $0.listAlerts = { request in
                    #expect(request.limit == 5)
                    return ListAlertsReply(active: [Self.alert], past: [over])
                }
            }
            let json = try await gateway.administrator(.get, "/api/admin/alerts?limit=5").json
            guard case .array(let active) = json["active"], case .array(let past) = json["past"] else {
                Issue.record("no alerts")
                return
            }
            #expect(active.count == 1 && active[0]["kind"] == "no_worker" && active[0]["severity"] == "critical")
            #expect(active[0]["advice"] == "Start one" && active[0]["cleared_at"] == .null)
            #expect(active[0]["raised_at"]?.isTimestamp == true && active[0]["user_id"] == .null)
            #expect(past[0]["cleared_at"]?.isTimestamp == true && past[0]["user_id"] == .integer(7))
            #expect(try await gateway.administrator(.get, "/api/admin/alerts?limit=0").status == 400)
        }
    }

    @Test func anAlertIsAcknowledgedWithANoteOrWithout() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.alerts.set {
                $0.acknowledgeAlert = { request in
                    guard request.alertID == "a1" else { throw RPCError(.notFound, "there is no alert") }
                    var alert = Self.alert
                    (alert.acknowledgedAtMs, alert.acknowledgedBy, alert.note) = (3_000, "root", request.note)
                    return alert
                }
            }
            let path = "/api/admin/alerts/a1/acknowledge"
            let noted = try await gateway.administrator(.post, path, json: #"{"note": "mine"}"#).json["alert"]
            #expect(noted?["acknowledged_by"] == "root" && noted?["note"] == "mine")
            #expect(try await gateway.administrator(.post, path).status == 200)
            #expect(try await gateway.administrator(.post, "/api/admin/alerts/a2/acknowledge").status == 404)
        }
    }

    @Test func whatAdministratorsDidIsToldByPages() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.audit.set { request in
                #expect(request.pageToken == "1-a" && request.userID == "ann" && request.limit == 2)
                let entry = AuditEntry(
                    id: "2-b", atMs: 2, actor: "root", action: "analysis.v1.Queue/PauseQueue", detail: "new disk",
                    outcome: "OK")
                return ListAuditEntriesReply(entries: [entry], nextPageToken: "2-b")
            }
            let json = try await gateway.administrator(.get, "/api/admin/audit?limit=2&user_id=ann&page_token=1-a").json
            guard case .array(let entries) = json["entries"] else {
                Issue.record("no entries")
                return
            }
            #expect(entries[0]["action"] == "Queue/PauseQueue" && entries[0]["actor"] == "root")
            #expect(entries[0]["user_id"] == .null && json["next_page_token"] == "2-b")
        }
    }

    @Test func usersGetAllThatIsStoredOfThem() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.exportUser = { request in
                    #expect(request.userID == "demo")
                    return [
                        ExportPart(jsonLines: Array("{\"kind\":\"account\"}\n".utf8)),
                        ExportPart(jsonLines: Array("{\"kind\":\"end\"}\n".utf8)),
                    ]
                }
            }
            let answer = try await gateway.get("/api/me/export")
            #expect(answer.status == 200 && answer.text == "{\"kind\":\"account\"}\n{\"kind\":\"end\"}\n")
            #expect(answer.headers[.contentType]?.hasPrefix("application/x-ndjson") == true)
            #expect(answer.headers[.contentDisposition]?.contains("attachment") == true)
            gateway.catalog.set { $0.exportUser = { _ in throw RPCError(.unavailable, "away") } }
            #expect(try await gateway.get("/api/me/export").status == 503)
        }
    }

    @Test func usersRemoveThemselvesWithTheirPasswordAlone() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let removed = Mutex<[String]>([])
            gateway.catalog.set {
                $0.login = { request in
                    guard request.password == "right" else { throw RPCError(.unauthenticated, "wrong") }
                    return LoginReply(user: GatewayUnderTest.user, session: [UInt8](repeating: 1, count: 32))
                }
                $0.logout = { _ in LogoutReply() }
                $0.removeUser = { request in
                    removed.withLock { $0.append(request.userID) }
                    return RemoveUserReply(cancelledJobs: 2)
                }
            }
            func remove(_ json: String) async throws -> Answer {
                try await gateway.send(
                    "/api/me", .delete, headers: [.cookie: GatewayUnderTest.cookie, .contentType: "application/json"],
                    body: ByteBuffer(string: json))
            }
            #expect(try await remove(#"{"password": "wrong"}"#).status == 403)
            #expect(try await remove("{}").status == 400)
            #expect(removed.withLock { $0 }.isEmpty)
            let answer = try await remove(#"{"password": "right"}"#)
            #expect(answer.status == 200 && removed.withLock { $0 } == ["demo"])
            #expect(try answer.json["cancelled_jobs"] == .integer(2))
            #expect(answer.headers[.setCookie]?.contains("Max-Age=0") == true)
        }
    }
}
