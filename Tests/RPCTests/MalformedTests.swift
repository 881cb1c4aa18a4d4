// The table of malformed input in PROTOCOL.md, row by row: a peer says it over a real socket, gets the outcome that is written
// there, and nobody else notices.

import NIOCore
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct MalformedTests {
    private static let service = TestService(
        echoHandler,
        .clientStream(collect) { requests, _ in Text("\(try await requests.collect().count)") },
        .serverStream(stream) { _, writer, _ in while true { try await writer.write("x") } })

    /// Says bytes on a connection of its own and expects the connection to end with a status, a bystander unharmed.
    private func expectEnding(
        _ code: StatusCode, greeting: Bool = true, sourceLocation: SourceLocation = #_sourceLocation,
        _ say: (WireClient) throws -> Void
    ) async throws {
        try await withServer(Self.service) { address in
            try await withClient(address) { bystander in
                await connected(bystander)
                let peer = try await WireClient(address, greeting: greeting)
                try say(peer)
                let reason = try await peer.ending()
                #expect(reason?.code == code, "\(reason as Any)", sourceLocation: sourceLocation)
                var configuration = CallOptions()
                configuration.waitForReady = false
                let reply = try await bystander.unary(echo, "unharmed", options: configuration)
                #expect(reply == "unharmed", sourceLocation: sourceLocation)
            }
        }
    }

    private func call(
        _ stream: UInt64, _ method: String = echo.name, _ message: ByteBuffer? = ByteBuffer(), isLast: Bool = true,
        timeout: UInt64? = nil
    ) -> Frame {
        .call(.init(stream: stream, method: method, timeoutMicroseconds: timeout, message: message, isLast: isLast))
    }

    // MARK: The connection ends

    @Test func frameOverTheMaximumIsRefusedAtItsLength() async throws {
        try await expectEnding(.resourceExhausted) { peer in
            // Only the length is ever sent: the server does not wait for the rest.
            peer.send(ByteBuffer(integer: UInt32(Limits.standard.maxMessageBytes + Limits.headerRoomBytes + 1)))
        }
    }

    @Test func longFirstFrameIsRefused() async throws {
        try await expectEnding(.resourceExhausted, greeting: false) { peer in
            peer.send(ByteBuffer(integer: UInt32(Limits.maxFirstFrameBytes + 1)))
        }
    }

    @Test func frameOfZeroBytesIsRefused() async throws {
        try await expectEnding(.invalidArgument) { $0.send(ByteBuffer(integer: UInt32(0))) }
    }

    @Test func bytesThatAreNoFrameAreRefused() async throws {
        try await expectEnding(.invalidArgument) { $0.send(ByteBuffer(bytes: [0, 0, 0, 3, 0xff, 0xff, 0xff])) }
    }

    @Test func frameThatUnpacksToFarMoreThanItsSizeIsRefused() async throws {
        try await expectEnding(.resourceExhausted) { peer in
            // Field 7, empty: two bytes for a header that takes many times that.
            let headers = [UInt8](repeating: 0, count: 400_000).indices.map { $0 % 2 == 0 ? UInt8(0x3a) : 0 }
            var bytes = ByteBuffer(integer: UInt32(headers.count))
            bytes.writeBytes(headers)
            peer.send(bytes)
        }
    }

    @Test func unknownKindIsRefused() async throws {
        try await expectEnding(.invalidArgument) { $0.send(ByteBuffer(bytes: [0, 0, 0, 2, 0x08, 0x63])) }
        try await expectEnding(.invalidArgument) { $0.send(ByteBuffer(bytes: [0, 0, 0, 2, 0x10, 0x01])) }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}\u{00}", "*1\r\n$4\r\nPING\r\n"])
    func openingOfAnotherProtocolIsRefused(text: String) async throws {
        try await expectEnding(.resourceExhausted, greeting: false) { $0.send(ByteBuffer(string: text)) }
    }

    @Test func firstFrameOtherThanHelloIsRefused() async throws {
        try await expectEnding(.invalidArgument, greeting: false) { $0.send(call(1)) }
    }

    @Test func secondHelloIsRefused() async throws {
        try await expectEnding(.invalidArgument) { $0.send(.hello(Frame.Hello(limits: .standard, maxStreams: 0))) }
    }

    @Test func otherVersionIsRefused() async throws {
        try await expectEnding(.unimplemented, greeting: false) {
            $0.send(.hello(Frame.Hello(version: 2, limits: .standard, maxStreams: 0)))
        }
    }

    @Test func silenceInsteadOfHelloEndsTheConnection() async throws {
        var configuration = RPCServer.Configuration()
        configuration.helloTimeout = .milliseconds(20)
        try await withServer(Self.service, configuration: configuration) { address in
            let peer = try await WireClient(address)
            #expect(try await peer.ending()?.code == .deadlineExceeded)
        }
    }

    @Test(arguments: [0, 2, UInt64.max - 1])
    func callOnAnEvenStreamIsRefused(stream: UInt64) async throws {
        try await expectEnding(.invalidArgument) { $0.send(call(stream)) }
    }

    @Test(arguments: [5, 3])
    func callOnAStreamThatDoesNotRiseIsRefused(stream: UInt64) async throws {
        try await expectEnding(.invalidArgument) {
            $0.send(call(5))
            $0.send(call(stream))
        }
    }

    @Test func frameOnAStreamThatWasNeverOpenedIsRefused() async throws {
        for frame: Frame in [
            .message(stream: 1, ByteBuffer()), .end(stream: 1), .cancel(stream: 1), .credit(stream: 1, bytes: 1),
        ] {
            try await expectEnding(.invalidArgument) { $0.send(frame) }
        }
    }

    @Test func messageAfterTheLastIsRefused() async throws {
        try await expectEnding(.invalidArgument) {
            $0.send(call(1, stream.name))
            $0.send(.message(stream: 1, ByteBuffer()))
        }
    }

    @Test func messageBeyondTheCreditIsRefused() async throws {
        let deaf = TestService(.clientStream(collect) { _, _ in try await untilCancelled(Event()) })
        try await withServer(deaf) { address in
            let peer = try await WireClient(address, greeting: true)
            peer.send(call(1, collect.name, nil, isLast: false))
            for _ in 0...(Limits.standard.credit / 1032 + 1) {
                peer.send(.message(stream: 1, ByteBuffer(repeating: 0, count: 1000)))
            }
            #expect(try await peer.ending()?.code == .invalidArgument)
        }
    }

    @Test(arguments: [0, Limits.maxCredit + 1, Int.max])
    func creditThatIsNoneOrOverflowsIsRefused(bytes: Int) async throws {
        try await expectEnding(.invalidArgument) {
            $0.send(call(1, collect.name, nil, isLast: false))
            $0.send(.credit(stream: 1, bytes: bytes))
        }
    }

    @Test func statusFromAClientIsRefused() async throws {
        try await expectEnding(.invalidArgument) { $0.send(.status(stream: 1, Frame.Status())) }
    }

    @Test func pingOfMoreThanEightBytesIsRefused() async throws {
        try await expectEnding(.invalidArgument) { $0.send(.ping(ByteBuffer(repeating: 0, count: 9))) }
    }

    // MARK: The call ends

    /// Says frames on one connection and expects each stream to end with its status, the connection going on.
    private func expectStatus(_ code: StatusCode, _ frames: Frame...) async throws {
        try await withServer(Self.service) { address in
            let peer = try await WireClient(address, greeting: true)
            for frame in frames { peer.send(frame) }
            let status = try await peer.status(of: 1)
            #expect((status.error?.code ?? .ok) == code, "\(status)")
            peer.send(call(3, echo.name, ByteBuffer(string: "goes on")))
            let next = try await peer.status(of: 3)
            #expect(next.message == ByteBuffer(string: "goes on"))
        }
    }

    @Test func unknownMethodIsUnimplemented() async throws {
        try await expectStatus(.unimplemented, call(1, "test.Service/Nothing"))
        try await expectStatus(.unimplemented, call(1, ""))
    }

    @Test func undecodablePayloadIsAnInvalidArgument() async throws {
        try await expectStatus(.invalidArgument, call(1, echo.name, ByteBuffer(bytes: [0xff])))
    }

    @Test func secondRequestOfAUnaryCallIsAnInvalidArgument() async throws {
        try await expectStatus(
            .invalidArgument, call(1, isLast: false), .message(stream: 1, ByteBuffer(), isLast: true))
    }

    @Test func unaryCallThatEndsWithoutItsRequestIsAnInvalidArgument() async throws {
        try await expectStatus(.invalidArgument, call(1, echo.name, nil, isLast: true))
        try await expectStatus(.invalidArgument, call(1, echo.name, nil, isLast: false), .end(stream: 1))
    }

    @Test func messageOverTheMaximumInALegalFrameExhaustsTheCall() async throws {
        let large = ByteBuffer(repeating: 0x78, count: Limits.standard.maxMessageBytes + 1)
        try await expectStatus(.resourceExhausted, call(1, echo.name, large))
    }

    @Test func deadlineSoFarThatItOverflowsIsFar() async throws {
        try await expectStatus(.ok, call(1, timeout: .max))
    }

    @Test func callBeyondTheStreamsAllowedIsRefused() async throws {
        var configuration = RPCServer.Configuration()
        configuration.maxStreams = 1
        try await withServer(Self.service, configuration: configuration) { address in
            let peer = try await WireClient(address, greeting: true)
            peer.send(call(1, collect.name, nil, isLast: false))
            peer.send(call(3))
            #expect(try await peer.status(of: 3).error?.code == .resourceExhausted)
            peer.send(.end(stream: 1))
            #expect(try await peer.status(of: 1).message == ByteBuffer(string: "0"))
        }
    }

    // MARK: Nothing ends

    @Test func framesOfACallThatHasEndedAreIgnored() async throws {
        try await withServer(Self.service) { address in
            let peer = try await WireClient(address, greeting: true)
            peer.send(call(1))
            _ = try await peer.status(of: 1)
            for frame: Frame in [
                .message(stream: 1, ByteBuffer()), .end(stream: 1), .cancel(stream: 1), .credit(stream: 1, bytes: 1),
            ] {
                peer.send(frame)
            }
            peer.send(call(3))
            #expect(try await peer.status(of: 3).error == nil)
        }
    }

    @Test func oneByteAtATimeIsUnderstood() async throws {
        try await withServer(Self.service) { address in
            let peer = try await WireClient(address)
            var bytes = ByteBuffer(framing: .hello(Frame.Hello(limits: .standard, maxStreams: 0)))
            bytes.writeImmutableBuffer(ByteBuffer(framing: call(1, echo.name, ByteBuffer(string: "slow"))))
            for byte in bytes.readableBytesView { peer.send(ByteBuffer(integer: byte)) }
            #expect(try await peer.status(of: 1).message == ByteBuffer(string: "slow"))
        }
    }

    @Test func streamOfFramesThatEndsInTheMiddleOfOneEndsTheConnection() async throws {
        try await withServer(Self.service) { address in
            let peer = try await WireClient(address, greeting: true)
            peer.send(ByteBuffer(bytes: [0, 0, 1]))
            peer.finish()
            #expect(try await peer.ending() == nil)
        }
    }

    @Test func pingIsAnsweredWithItsBytes() async throws {
        try await withServer(Self.service) { address in
            let peer = try await WireClient(address, greeting: true)
            peer.send(.ping(ByteBuffer(string: "12345678")))
            #expect(try await peer.next() == .pong(ByteBuffer(string: "12345678")))
        }
    }

    @Test(arguments: [
        Frame.status(stream: 2, Frame.Status()), .hello(Frame.Hello(limits: .standard, maxStreams: 1)), .end(stream: 1),
    ])
    func callOnAServerThatBreaksTheProtocolFailsAsItsFault(frame: Frame) async throws {
        let server = try await ScriptedServer(.tcp(host: "127.0.0.1", port: 0), answers: [frame])
        try await withClient(server.address) { client in
            let error = await RPCTests.expectStatus(.internalError) { _ = try await client.unary(collect, "x") }
            #expect(error?.detail.contains("broke the protocol") == true)
        }
        try await server.close()
    }
}
