// What a user sets, as the page reads and changes it.

import AnalysisAPI
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct PreferencesRoutesTests {
    private static let stored = Preferences(
        backgroundAnalysis: true, timeZone: "Europe/Berlin", quietHours: ["22:00-06:00"], songsPerHour: 60,
        muted: [.started, .cancelled], theme: .dark)

    @Test func everythingIsTold() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.getPreferences = { request in
                    #expect(request.userID == "demo")
                    return Self.stored
                }
            }
            #expect(
                try await gateway.get("/api/preferences").json == [
                    "success": true,
                    "preferences": [
                        "auto_analysis": true, "time_zone": "Europe/Berlin", "quiet_hours": ["22:00-06:00"],
                        "off_peak": [], "songs_per_hour": 60, "theme": "dark", "watching_time": false,
                        "notifications": [
                            "started": false, "displaced": true, "completed": true, "failed": true,
                            "cancelled": false,
                        ],
                    ],
                ])
        }
    }

    @Test func watchingIsReportedAsTheUsers() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.reportWatching = { WatchingReply(counted: $0 == WatchingReport(userID: "demo", seconds: 60)) }
            }
            let answer = try await gateway.post("/api/watching", json: #"{"seconds": 60}"#)
            #expect(try answer.json == ["success": true, "counted": true])
            for body in [#"{"seconds": -1}"#, #"{"seconds": "60"}"#, "{}"] {
                #expect(try await gateway.post("/api/watching", json: body).status == 400, "\(body)")
            }
        }
    }

    @Test func aChangeLeavesTheRestAsItWas() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let set = Mutex<[SetPreferencesRequest]>([])
            gateway.catalog.set {
                $0.getPreferences = { _ in Self.stored }
                $0.setPreferences = { request in
                    set.withLock { $0.append(request) }
                    return request.preferences ?? Preferences()
                }
            }
            let body = #"{"notifications": {"failed": false, "cancelled": true}, "theme": "light"}"#
            let answer = try await gateway.put("/api/preferences", json: body)
            #expect(answer.status == 200)
            #expect(try answer.json["preferences"]?["theme"] == "light")
            var expected = Self.stored
            (expected.muted, expected.theme) = ([.started, .failed], .light)
            #expect(set.withLock { $0 } == [SetPreferencesRequest(userID: "demo", preferences: expected)])
        }
    }

    @Test(arguments: [
        (#"{"theme": "sepia"}"#, "theme"), (#"{"notifications": {"failed": 1}}"#, "notifications.failed"),
        (#"{"quiet_hours": "22:00-06:00"}"#, "quiet_hours"), ("", "The body is missing."),
        (#"{"songs_per_hour": "many"}"#, "songs_per_hour"),
    ])
    func whatIsWrongIsNamedAndChangesNothing(body: String, problem: String) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set { $0.getPreferences = { _ in Self.stored } }
            let answer = try await gateway.put("/api/preferences", json: body)
            #expect(answer.status == 400)
            guard case .string(let message) = try answer.json["message"] else { return #expect(Bool(false)) }
            #expect(message.contains(problem), "\(message)")
        }
    }

    @Test func whatTheCatalogRefusesIsPassedOn() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.catalog.set {
                $0.getPreferences = { _ in Self.stored }
                $0.setPreferences = { _ in throw RPCError(.invalidArgument, "quiet_hours[0]: 'night' is no window") }
            }
            let answer = try await gateway.put("/api/preferences", json: #"{"quiet_hours": ["night"]}"#)
            #expect(answer.status == 400)
            #expect(try answer.json["message"] == "quiet_hours[0]: 'night' is no window")
        }
    }
}
