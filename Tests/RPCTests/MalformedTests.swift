// The tables of malformed input in PROTOCOL.md, row by row: a peer says it over a real socket and gets the outcome that is
// written there, while another connection to the same server is served as before and memory stays bounded.

import AnalysisAPI
import Foundation
import NIOCore
import Testing

@testable import RPC

/// Ways to say what the first column of a table names. The second column, read from PROTOCOL.md, is what is expected.
struct MalformedRow: Sendable, CustomTestStringConvertible {
    let input: String
    var address: @Sendable () -> RPCAddress = { socketAddress() }
    var greets = true
    var configuration = RPCServer.Configuration()
    /// The call that a STATUS is expected for.
    var stream: UInt64 = 1
    /// Makes room again for a call that shows that the connection goes on.
    var tidy: @Sendable (WireClient) async throws -> Void = { _ in }
    /// Each is said on a connection of its own.
    let ways: [Way]

    typealias Way = @Sendable (WireClient) async throws -> Void

    init(_ input: String, greets: Bool = true, _ ways: Way...) {
        self.input = input
        self.greets = greets
        self.ways = ways
    }

    var testDescription: String { input }
}

@Suite(.timeLimit(.minutes(1)), .serialized) struct MalformedTests {
    private static let rows = greetingRows + frameRows + streamRows + callRows + floodRows + endRows

    @Test(arguments: rows)
    func outcomeIsTheOneOfTheSpecification(row: MalformedRow) async throws {
        let outcome = try Specification.outcome(of: row.input, in: "What a client may say")
        let cancelled = Event()
        try await withServer(malformedService(cancelled), at: row.address(), configuration: row.configuration) {
            address in
            let bystander = try await WireClient(address, greeting: true)
            bystander.send(call(1, bytes: "before"))
            #expect(try await bystander.status(of: 1).message == ByteBuffer(string: "before"))
            let peak = try PeakMemory()
            for way in row.ways {
                let peer = try await WireClient(address, greeting: row.greets)
                try await expect(outcome, of: row, from: peer, way)
            }
            if case .closed = outcome { try await cancelled.value() }
            #expect(try peak.growth() < 160 << 20)
            bystander.send(call(3, bytes: "after"))
            #expect(try await bystander.status(of: 3).message == ByteBuffer(string: "after"))
        }
    }

    private func expect(
        _ outcome: Specification.Outcome, of row: MalformedRow, from peer: WireClient,
        _ say: (WireClient) async throws -> Void
    ) async throws {
        switch outcome {
        case .goAway(let code):
            try await say(peer)
            let reason = try await peer.ending()
            #expect(reason?.code == code, "\(reason as Any)")
        case .closed:
            // A call whose handler stays, so that its cancelling shows.
            peer.send(call(1, "test.Service/Hang"))
            guard case .message? = try await peer.next() else { return missed("the handler has started") }
            try await say(peer)
            #expect(try await peer.ending() == nil)
        case .status(let code):
            try await say(peer)
            let status = try await peer.status(of: row.stream)
            #expect((status.error?.code ?? .ok) == code, "\(status)")
            try await row.tidy(peer)
            try await expectService(of: peer)
        case .taken:
            try await say(peer)
            try await expectService(of: peer)
        }
    }

    /// The connection goes on.
    private func expectService(of peer: WireClient) async throws {
        let id: UInt64 = 1_000_001
        peer.send(call(id, bytes: "goes on"))
        #expect(try await peer.status(of: id).message == ByteBuffer(string: "goes on"))
    }

    /// The one row whose outcome needs a server that stops.
    @Test func callAfterGoAwayIsIgnored() async throws {
        #expect(try Specification.outcome(of: Self.callAfterGoAway, in: "What a client may say") == .taken)
        let address = socketAddress()
        let server = DrainableServer(malformedService(Event()), at: address)
        try await server.listening()
        let peer = try await WireClient(address, greeting: true)
        peer.send(call(1, collect.name, nil, isLast: false))
        peer.send(.ping(ByteBuffer(string: "12345678")))
        #expect(try await peer.next() == .pong(ByteBuffer(string: "12345678")))
        server.drain()
        guard case .goAway(lastStream: 1, _)? = try await peer.next() else { return missed("a GOAWAY") }
        peer.send(call(3))
        peer.send(.message(stream: 3, ByteBuffer()))
        peer.send(.end(stream: 1))
        // The accepted call ends, and then the connection, without a word about the other.
        guard case .status(stream: 1, let status)? = try await peer.next() else { return missed("the status") }
        #expect(status.message == ByteBuffer(string: "0"))
        #expect(try await peer.next() == nil)
        try await server.ended()
    }

    private static let callAfterGoAway = "CALL after GOAWAY"

    @Test func everyRowOfTheSpecificationIsTested() throws {
        let tested = Self.rows.map(\.input) + [Self.callAfterGoAway]
        #expect(try Specification.inputs(in: "What a client may say") == Set(tested))
        #expect(Set(tested).count == tested.count)
    }
}

/// What the rows call. `Hang` says a message and stays until it is cancelled; `Deaf` never reads.
func malformedService(_ cancelled: Event) -> TestService {
    TestService(
        echoHandler,
        .clientStream(collect) { requests, _ in Text("\(try await requests.collect().count)") },
        .serverStream(stream) { _, writer, _ in while true { try await writer.write("x") } },
        .serverStream(Method<Text, Text>("test.Service/Hang")) { _, writer, _ in
            try await writer.write("started")
            _ = try await untilCancelled(cancelled)
        },
        .clientStream(Method<Text, Text>("test.Service/Deaf")) { _, _ in try await untilCancelled(Event()) },
        .unary(Method<Job, Job>("test.Service/Job")) { job, _ in job },
        .unary(Method<ListJobsReply, Text>("test.Service/Jobs")) { _, _ in "" })
}

func call(
    _ stream: UInt64, _ method: String = echo.name, _ message: ByteBuffer? = ByteBuffer(), isLast: Bool = true,
    timeout: UInt64? = nil
) -> Frame {
    .call(.init(stream: stream, method: method, timeoutMicroseconds: timeout, message: message, isLast: isLast))
}

func call(_ stream: UInt64, bytes: String) -> Frame {
    call(stream, echo.name, ByteBuffer(string: bytes))
}
