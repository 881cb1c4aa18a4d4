// The event stream over a real socket: at once, one by one, and ended when either side goes.

import AnalysisAPI
import Foundation
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

/// Reads an event stream as a browser does.
private enum EventStreamClient {
    struct ServerSentEvent {
        let name: String
        let data: JSONValue
    }

    /// The events of a chunked answer, as they come; nil at its end.
    struct Events {
        fileprivate var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        fileprivate var text = ""

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
                        name: name, data: try JSONDecoder().decode(JSONValue.self, from: Data(data.utf8)))
                }
                if text.contains("\r\n0\r\n\r\n") { return nil }
                guard let buffer = try await inbound.next() else { return nil }
                text += String(buffer: buffer)
            }
        }
    }

    static func read(
        _ path: String, _ gateway: GatewayUnderTest, _ body: @Sendable (String, inout Events) async throws -> Void
    ) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: try #require(gateway.client.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nCookie: \(GatewayUnderTest.cookie)\r\n\r\n"
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
