// The event stream over a real socket: at once, one by one, and ended when either side goes.

import AnalysisAPI
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import Gateway

@Suite struct EventStreamTests {
    private static func view(_ version: UInt64, job: String = "0-1") -> ProgressView {
        ProgressView(context: .job(job), version: version, fraction: 0.5, job: Job(id: job, state: .inProgress))
    }

    @Test func everyChangeIsSentAsItHappens() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let (views, changes) = AsyncStream.makeStream(of: ProgressView.self)
            gateway.progress.set { $0.watch = { _ in views } }
            changes.yield(Self.view(1))
            try await EventStreamClient.read("/api/events", gateway) { head, events async throws in
                #expect(head.contains("200 OK") && head.lowercased().contains("content-type: text/event-stream"))
                // Each is awaited before the next is made, so none is held back for another.
                for version in 1...5 {
                    let event = try #require(try await events.next())
                    #expect(event.name == "progress" && event.data["version"] == .integer(Int64(version)))
                    #expect(event.data["context"] == ["type": "job", "id": "0-1"] && event.data["job_id"] == "0-1")
                    changes.yield(Self.view(UInt64(version) + 1))
                }
            }
        }
    }

    @Test func administratorsHearOfAlertsAndNobodyElseDoes() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let (views, changes) = AsyncStream.makeStream(of: ProgressView.self)
            gateway.progress.set { $0.watch = { _ in views } }
            let (alerts, raised) = AsyncStream.makeStream(of: Alert.self)
            gateway.alerts.set { $0.watchAlerts = { alerts } }
            changes.yield(Self.view(1))
            try await EventStreamClient.read("/api/events", gateway, cookie: GatewayUnderTest.administratorCookie) {
                _, events async throws in
                #expect(try await events.next()?.name == "progress")
                raised.yield(Alert(id: "a1", kind: .noWorker, severity: .critical, summary: "No worker", raisedAtMs: 1))
                let event = try #require(try await events.next())
                #expect(event.name == "alert" && event.data["id"] == "a1" && event.data["severity"] == "critical")
            }
            // A listener's stream does not ask for them.
            let asked = Mutex(false)
            gateway.alerts.set {
                $0.watchAlerts = {
                    asked.withLock { $0 = true }
                    return AsyncStream { _ in }
                }
            }
            let (others, more) = AsyncStream.makeStream(of: ProgressView.self)
            gateway.progress.set { $0.watch = { _ in others } }
            more.yield(Self.view(1))
            try await EventStreamClient.read("/api/events", gateway) { _, events async throws in
                _ = try await events.next()
                more.yield(Self.view(2))
                #expect(try await events.next()?.name == "progress")
            }
            #expect(!asked.withLock { $0 })
        }
    }

    @Test func alertsAreFollowedOnceForAllWhoseStreamsTellThem() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.watch = { _ in AsyncStream { $0.yield(Self.view(1)) } } }
            let calls = Mutex(0)
            let (alerts, raised) = AsyncStream.makeStream(of: Alert.self)
            gateway.alerts.set {
                $0.watchAlerts = {
                    calls.withLock { $0 += 1 }
                    return alerts
                }
            }
            let cookie = GatewayUnderTest.administratorCookie
            try await EventStreamClient.read("/api/events", gateway, cookie: cookie) { _, events async throws in
                #expect(try await events.next()?.name == "progress")
                raised.yield(Alert(id: "over", kind: .redisAway, raisedAtMs: 1))
                raised.yield(Alert(id: "over", kind: .redisAway, raisedAtMs: 1, clearedAtMs: 2))
                raised.yield(Alert(id: "lasts", kind: .noWorker, raisedAtMs: 3))
                for id in ["over", "over", "lasts"] { #expect(try await events.next()?.data["id"] == .string(id)) }
                // Who comes later is told of what lasts, without another call.
                try await EventStreamClient.read("/api/events", gateway, cookie: cookie) { _, others async throws in
                    #expect(try await others.next()?.name == "progress")
                    #expect(try await others.next()?.data["id"] == "lasts")
                }
            }
            #expect(calls.withLock { $0 } == 1)
        }
    }

    @Test(arguments: [
        ("/api/events", WatchRequest(userID: "demo", contexts: [.library], activeJobs: true)),
        ("/api/events?job=0-1&job=0-2", WatchRequest(userID: "demo", contexts: [.job("0-1"), .job("0-2")])),
        ("/api/events?playlist=a%2Fb&library=1", WatchRequest(userID: "demo", contexts: [.playlist("a/b"), .library])),
        ("/api/events?active=1", WatchRequest(userID: "demo", activeJobs: true)),
    ])
    func theQueryNamesTheContexts(path: String, expected: WatchRequest) async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let asked = Mutex<[WatchRequest]>([])
            gateway.progress.set {
                $0.watch = { request in
                    asked.withLock { $0.append(request) }
                    return AsyncStream { continuation in
                        continuation.yield(Self.view(1))
                    }
                }
            }
            try await EventStreamClient.read(path, gateway) { _, events async throws in
                _ = try await events.next()
            }
            #expect(asked.withLock { $0 } == [expected])
        }
    }

    @Test func aContextThatIsNotTheUsersIsNotFound() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set { $0.watch = { _ in throw RPCError(.notFound, "someone else's") } }
            let answer = try await gateway.get("/api/events?job=0-1")
            #expect(answer.status == 404)
            gateway.progress.set { $0.watch = { _ in throw RPCError(.unavailable, "away") } }
            #expect(try await gateway.get("/api/events").status == 503)
        }
    }

    @Test func whoComesBackGoesOnAfterTheLastEvent() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.get = { _ in Self.view(7) }
                $0.watch = { request in
                    #expect(request == WatchRequest(userID: "demo", contexts: [.job("0-1")], sinceVersion: 7))
                    return AsyncStream { $0.yield(Self.view(8)) }
                }
            }
            try await EventStreamClient.read("/api/events?job=0-1", gateway, lastEventID: "7") {
                _, events async throws in
                let event = try #require(try await events.next())
                #expect(event.id == "8" && event.data["version"] == 8)
            }
            gateway.progress.set { $0.get = { _ in throw RPCError(.notFound, "gone") } }
            let gone = try await gateway.get(
                "/api/events?job=0-1", headers: [HTTPField.Name("Last-Event-ID")!: "7"])
            #expect(gone.status == 404)
        }
    }

    @Test func theWatchEndsWhenTheClientGoes() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let (ends, ended) = AsyncStream.makeStream(of: Void.self)
            gateway.progress.set {
                $0.watch = { _ in AsyncStream { $0.yield(Self.view(1)) } }
                $0.watchEnded = { ended.yield() }
            }
            try await EventStreamClient.read("/api/events", gateway) { _, events async throws in
                _ = try await events.next()
            }
            for await _ in ends { break }
        }
    }

    @Test func theStreamEndsWhenTheServiceGoes() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            let (views, changes) = AsyncStream.makeStream(of: ProgressView.self)
            gateway.progress.set { $0.watch = { _ in views } }
            changes.yield(Self.view(1))
            try await EventStreamClient.read("/api/events", gateway) { _, events async throws in
                _ = try await events.next()
                changes.finish()
                #expect(try await events.next() == nil)
            }
        }
    }
}

@Suite struct EventStreamLimitTests {
    private static func view(_ version: UInt64, filler: Int = 0) -> ProgressView {
        let song = Song(id: "s", title: String(repeating: "x", count: filler))
        return ProgressView(context: .job("0-1"), version: version, job: Job(id: "0-1", state: .inProgress), song: song)
    }

    @Test func aUserHasOnlySoManyStreamsAtATime() async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.streamsPerUser = 2
        try await GatewayUnderTest.run(settings) { gateway async throws in
            let (ends, ended) = AsyncStream.makeStream(of: Void.self)
            gateway.progress.set {
                $0.watch = { _ in AsyncStream { $0.yield(Self.view(1)) } }
                $0.watchEnded = { ended.yield() }
            }
            try await EventStreamClient.read("/api/events", gateway) { _, first async throws in
                _ = try await first.next()
                try await EventStreamClient.read("/api/events", gateway) { _, second async throws in
                    _ = try await second.next()
                    let third = try await gateway.get("/api/events")
                    #expect(third.status == 429 && third.headers[.retryAfter] == "5")
                }
                // The place of the one that has gone is free again.
                for await _ in ends { break }
                while true {
                    let isOpen = try await EventStreamClient.opens("/api/events", gateway)
                    if isOpen { break }
                }
            }
        }
    }

    @Test func whoAsksForTheHeadAloneOpensNothing() async throws {
        try await GatewayUnderTest.run { gateway async throws in
            gateway.progress.set {
                $0.watch = { _ in
                    Issue.record("a stream was opened")
                    return AsyncStream { $0.finish() }
                }
            }
            gateway.catalog.set {
                $0.exportUser = { _ in
                    Issue.record("an export was begun")
                    return []
                }
            }
            for path in ["/api/events", "/api/me/export"] {
                let answer = try await gateway.send(path, .head, headers: [.cookie: GatewayUnderTest.cookie])
                #expect(answer.status == 200)
            }
        }
    }

    @Test func whoOpensStreamsAgainAndAgainIsAskedToWait() async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.streamsPerUser = 1
        try await GatewayUnderTest.run(settings) { gateway async throws in
            gateway.progress.set { $0.watch = { _ in throw RPCError(.unavailable, "away") } }
            for _ in 1...3 { #expect(try await gateway.get("/api/events").status == 503) }
            #expect(try await gateway.get("/api/events").status == 429)
        }
    }

    @Test func whoeverReadsNothingIsLeft() async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.streamPatience = .milliseconds(100)
        try await GatewayUnderTest.run(settings) { gateway async throws in
            let (ends, ended) = AsyncStream.makeStream(of: Void.self)
            gateway.progress.set {
                // More than sockets and windows hold.
                $0.watch = { _ in
                    AsyncStream { views in
                        for version in 1...400 { views.yield(Self.view(UInt64(version), filler: 100_000)) }
                    }
                }
                $0.watchEnded = { ended.yield() }
            }
            try await EventStreamClient.read("/api/events", gateway) { _, _ async throws in
                for await _ in ends { break }
            }
        }
    }

    @Test func heartbeatsShowThatTheStreamIsOpenUntilTheSessionEnds() async throws {
        try await Self.expectEnd { _ in throw RPCError(.unauthenticated, "revoked") }
    }

    @Test func aStreamEndsWithTheRightsThatItWasOpenedBy() async throws {
        var user = GatewayUnderTest.user
        user.role = user.role == .administrator ? .listener : .administrator
        try await Self.expectEnd { [user] _ in user }
    }

    /// A stream beats until its session is looked at again, and ends where that answers so.
    private static func expectEnd(by checkSession: @escaping @Sendable (SessionRequest) throws -> User) async throws {
        var settings = GatewaySettings(answersFreshFor: .zero)
        settings.heartbeat = .milliseconds(20)
        try await GatewayUnderTest.run(settings) { gateway async throws in
            gateway.progress.set { $0.watch = { _ in AsyncStream { $0.yield(Self.view(1)) } } }
            try await EventStreamClient.read("/api/events", gateway) { _, events async throws in
                _ = try await events.next()
                gateway.catalog.set { $0.checkSession = checkSession }
                #expect(try await events.next() == nil)
                #expect(events.heard.contains(": heartbeat"))
            }
        }
    }
}

/// Reads an event stream as a browser does.
private enum EventStreamClient {
    struct ServerSentEvent {
        let name: String
        let id: String?
        let data: JSONValue
    }

    /// The events of a chunked answer, as they come; nil at its end.
    struct Events {
        fileprivate var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        fileprivate var text = ""
        /// All that came after the head.
        fileprivate(set) var heard = ""

        mutating func next() async throws -> ServerSentEvent? {
            while true {
                while let end = text.range(of: "\n\n") {
                    let lines = text[..<end.lowerBound].split(whereSeparator: \.isNewline)
                    text = String(text[end.upperBound...])
                    func field(_ name: String) -> String? {
                        lines.first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
                    }
                    guard let name = field("event"), let data = field("data") else { continue }
                    return ServerSentEvent(
                        name: name, id: field("id"),
                        data: try JSONDecoder().decode(JSONValue.self, from: Data(data.utf8)))
                }
                if text.contains("\r\n0\r\n\r\n") { return nil }
                guard let buffer = try await inbound.next() else { return nil }
                text += String(buffer: buffer)
                heard += String(buffer: buffer)
            }
        }
    }

    /// Whether a stream opens; it is closed again.
    static func opens(_ path: String, _ gateway: GatewayUnderTest) async throws -> Bool {
        let opened = Mutex(false)
        try await read(path, gateway) { head, _ in opened.withLock { $0 = head.contains("200 OK") } }
        return opened.withLock { $0 }
    }

    static func read(
        _ path: String, _ gateway: GatewayUnderTest, lastEventID: String? = nil,
        cookie: String = GatewayUnderTest.cookie,
        _ body: @Sendable (String, inout Events) async throws -> Void
    ) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: try #require(gateway.client.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            let resume = lastEventID.map { "Last-Event-ID: \($0)\r\n" } ?? ""
            let request =
                "GET \(path) HTTP/1.1\r\nHost: localhost\r\nCookie: \(cookie)\r\n\(resume)\r\n"
            try await outbound.write(ByteBuffer(string: request))
            var events = Events(inbound: inbound.makeAsyncIterator())
            while !events.text.contains("\r\n\r\n"), let buffer = try await events.inbound.next() {
                events.text += String(buffer: buffer)
            }
            let end = try #require(events.text.range(of: "\r\n\r\n"))
            let head = String(events.text[..<end.lowerBound])
            events.text = String(events.text[end.upperBound...])
            try await body(head, &events)
        }
    }
}
