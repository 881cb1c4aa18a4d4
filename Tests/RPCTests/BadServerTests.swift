// The table of PROTOCOL.md about what a client does when a server breaks the protocol, row by row, over a real socket.

import NIOCore
import Testing

@testable import RPC

/// Ways for a server to say what the first column of the table names.
struct BadServerRow: Sendable, CustomTestStringConvertible {
    let input: String
    /// What the server says at once.
    var opening = ByteBuffer(framing: ScriptedServer.hello)
    /// What a client of such a server calls; its error is what the row is about.
    var call: @Sendable (RPCClient, ScriptedServer) async throws -> Void = { client, _ in
        _ = try await client.unary(collect, "x", options: CallOptions(waitForReady: false))
    }
    /// What it says in answer to the first call, each to a client of its own.
    let ways: [ByteBuffer]

    init(_ input: String, _ ways: [Frame]...) {
        self.input = input
        self.ways = ways.map(bytes(of:))
    }

    init(_ input: String, bytes ways: ByteBuffer...) {
        self.input = input
        self.ways = ways
    }

    var testDescription: String { input }
}

private func bytes(of frames: [Frame]) -> ByteBuffer {
    var bytes = ByteBuffer()
    for frame in frames { frame.encode(into: &bytes) }
    return bytes
}

@Suite(.timeLimit(.minutes(1))) struct BadServerTests {
    private static let table = "What a server may say"

    @Test(arguments: rows)
    func outcomeIsTheOneOfTheSpecification(row: BadServerRow) async throws {
        let cell = try Specification.cell(of: row.input, in: Self.table)
        let code = try Specification.code(cell.split { !$0.isLetter && $0 != "_" }.first.map(String.init), in: cell)
        for way in row.ways {
            let server = try await ScriptedServer(socketAddress(), opening: row.opening) { stream in
                stream == 1
                    ? way : bytes(of: [.status(stream: stream, Frame.Status(message: ByteBuffer(string: "goes on")))])
            }
            var configuration = RPCClient.Configuration()
            configuration.connectTimeout = .milliseconds(300)
            configuration.keepaliveInterval = .milliseconds(100)
            configuration.keepaliveTimeout = .milliseconds(100)
            try await withClient(server.address, configuration: configuration) { client in
                if code == .ok {
                    try await row.call(client, server)
                } else {
                    await expectStatus(code) { try await row.call(client, server) }
                }
                if cell.contains("closed") {
                    try await server.left.value()
                } else {
                    let next = try await client.unary(collect, "x")
                    #expect(next == "goes on")
                    #expect(!server.left.isKnown)
                }
            }
            try await server.close()
        }
    }

    @Test func everyRowOfTheSpecificationIsTested() throws {
        #expect(try Specification.inputs(in: Self.table) == Set(Self.rows.map(\.input)))
    }

    private static let rows: [BadServerRow] = [
        silentOpening("first frame other than HELLO", bytes(of: [.ping(ByteBuffer())])),
        silentOpening("version other than 1", bytes(of: [.hello(.init(version: 2, limits: .standard, maxStreams: 9))])),
        silentOpening("no HELLO in time", ByteBuffer()),
        BadServerRow(
            "length of zero or over the maximum", bytes: ByteBuffer(integer: UInt32(0)), ByteBuffer(integer: UInt32.max)
        ),
        BadServerRow("bytes that are no Frame", bytes: framed([0xFF, 0xFF, 0xFF]), framed(field(1, 99))),
        BadServerRow("second HELLO", [ScriptedServer.hello]),
        BadServerRow("CALL, END or CANCEL", [RPCTests.call(3)], [.end(stream: 1)], [.cancel(stream: 1)]),
        BadServerRow(
            "MESSAGE, STATUS or CREDIT on a stream on which no call was made", [.message(stream: 3, ByteBuffer())],
            [.status(stream: 2, Frame.Status())], [.credit(stream: 5, bytes: 1)]),
        BadServerRow(
            "CREDIT of zero, or beyond 2147483647 in sum", [.credit(stream: 1, bytes: 0)],
            [.credit(stream: 1, bytes: Limits.maxCredit)]),
        unread(
            BadServerRow(
                "message beyond the credit",
                Array(repeating: .message(stream: 1, ByteBuffer(repeating: 0x78, count: 1000)), count: 65))),
        BadServerRow(
            "PING of more than 8 bytes, PINGs beyond their rate", [.ping(ByteBuffer(repeating: 0, count: 9))],
            Array(repeating: .ping(ByteBuffer()), count: 20)),
        BadServerRow("STATUS 0 without the message of a call that has one", [.status(stream: 1, Frame.Status())]),
        BadServerRow(
            "second message on a call that has one",
            [.message(stream: 1, ByteBuffer()), .status(stream: 1, Frame.Status(message: ByteBuffer()))]),
        BadServerRow(
            "payload that is no such message", [.status(stream: 1, Frame.Status(message: ByteBuffer(bytes: [0xFF])))]),
        BadServerRow(
            "message over its maximum in a frame within its own",
            [.message(stream: 1, ByteBuffer(repeating: 0x78, count: 4 << 20 | 1))],
            [.status(stream: 1, Frame.Status(message: ByteBuffer(repeating: 0x78, count: 4 << 20 | 1)))]),
        BadServerRow(
            "metadata of more than 8 KiB",
            [.message(stream: 1, ByteBuffer(), metadata: ["a": String(repeating: "x", count: 8 << 10)])],
            [.status(stream: 1, Frame.Status(metadata: ["a": String(repeating: "x", count: 8 << 10)]))]),
        BadServerRow("status that is no code", bytes: framed(field(1, 5) + field(2, 1) + field(9, 77))),
        BadServerRow(
            "MESSAGE, STATUS or CREDIT on a call that has ended",
            [
                .status(stream: 1, Frame.Status(message: ByteBuffer())), .message(stream: 1, ByteBuffer()),
                .credit(stream: 1, bytes: 1), .status(stream: 1, Frame.Status()),
            ]),
        BadServerRow(
            "part of a frame or of an answer, and then silence", bytes: ByteBuffer(bytes: [0, 0, 0, 9, 8]), ByteBuffer()
        ),
        BadServerRow("end of the stream", bytes: ScriptedServer.hangUp),
    ]

    /// A server that never comes as far as a call.
    private static func silentOpening(_ input: String, _ opening: ByteBuffer) -> BadServerRow {
        var row = BadServerRow(input, [])
        row.opening = opening
        return row
    }

    /// A call of which nothing is read before the connection has ended.
    private static func unread(_ row: BadServerRow) -> BadServerRow {
        var row = row
        row.call = { client, server in
            let replies = client.serverStream(stream, "")
            try await server.left.value()
            _ = try await replies.collect()
        }
        return row
    }
}
