// A slow reader suspends its writer and nobody else, over real sockets.

import NIOCore
import Synchronization
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct FlowControlTests {
    private static let kilobyte = Text(String(repeating: "x", count: 1000))

    @Test func slowReaderSuspendsTheWritingHandlerAndNoOtherCall() async throws {
        let written = Mutex(0)
        let total = 2000
        let service = TestService(
            .serverStream(stream) { _, writer, _ in
                for _ in 0..<total {
                    try await writer.write(Self.kilobyte)
                    written.withLock { $0 += 1 }
                }
            }, echoHandler)
        try await withServerAndClient(service) { client in
            let replies = client.serverStream(stream, "")
            let first = try await replies.next()
            #expect(first == Self.kilobyte)
            // While nobody reads on, other calls are answered and the writer gets no further than its credit.
            for _ in 0..<200 { _ = try await client.unary(echo, Self.kilobyte) }
            let ahead = written.withLock { $0 }
            #expect(ahead <= Limits.standard.credit / 1032 + 2)
            var count = 1
            while try await replies.next() != nil { count += 1 }
            #expect(count == total)
        }
    }

    @Test func slowHandlerSuspendsTheWritingCaller() async throws {
        let mayRead = Event()
        let service = TestService(
            .clientStream(collect) { requests, _ in
                try await mayRead.value()
                return Text("\(try await requests.collect().count)")
            }, echoHandler)
        try await withServerAndClient(service) { client in
            let written = Mutex(0)
            async let reply = client.clientStream(collect) { writer in
                for _ in 0..<1000 {
                    try await writer.write(Self.kilobyte)
                    written.withLock { $0 += 1 }
                }
            }
            for _ in 0..<200 { _ = try await client.unary(echo, Self.kilobyte) }
            #expect(written.withLock { $0 } <= Limits.standard.credit / 1032 + 2)
            mayRead.signal()
            let count = try await reply
            #expect(count == "1000")
        }
    }

    @Test func cancelledWriterStopsWaitingForCredit() async throws {
        let service = TestService(
            .clientStream(collect) { _, _ in try await untilCancelled(Event()) })
        try await withServerAndClient(service) { client in
            let call = Task {
                try await client.clientStream(collect) { writer in
                    while true { try await writer.write(Self.kilobyte) }
                }
            }
            await connected(client)
            call.cancel()
            await expectStatus(.cancelled) { _ = try await call.value }
        }
    }

    @Test func handlerWaitsForAClientThatTakesNothingOffItsSocketHoweverMuchCreditItGave() async throws {
        let written = Mutex(0)
        let total = 10_000
        let service = TestService(
            .serverStream(stream) { _, writer, _ in
                for _ in 0..<total {
                    try await writer.write(Self.kilobyte)
                    written.withLock { $0 += 1 }
                }
            }, echoHandler)
        try await withServer(service) { address in
            let limits = Limits(maxMessageBytes: 4 << 20, credit: Limits.maxCredit)
            let deaf = try await WireClient(address, greeting: true, limits: limits)
            try await deaf.stopReading()
            deaf.send(.call(.init(stream: 1, method: stream.name, message: ByteBuffer(), isLast: true)))
            // The server's event loops go on serving others.
            try await withClient(address) { client in
                for _ in 0..<50 { _ = try await client.unary(echo, "x") }
            }
            #expect(written.withLock { $0 } < total / 2)
            deaf.startReading()
            #expect(try await deaf.status(of: 1).error == nil)
            #expect(written.withLock { $0 } == total)
        }
    }

    @Test func serverReadsNoMoreFromAClientThatDoesNotReadItsReplies() async throws {
        let answered = Mutex(0)
        let service = TestService(
            .unary(echo) { request, _ in
                answered.withLock { $0 += 1 }
                return Text(String(repeating: "x", count: 20_000))
            })
        var configuration = RPCServer.Configuration()
        configuration.maxStreams = .max
        try await withServer(service, configuration: configuration) { address in
            let deaf = try await WireClient(address, greeting: true)
            try await deaf.stopReading()
            let calls = 1000
            let request = ByteBuffer(repeating: 0x78, count: 1000)
            for number in 0..<calls {
                let id = UInt64(2 * number + 1)
                deaf.send(.call(.init(stream: id, method: echo.name, message: request, isLast: true)))
            }
            // Others are served meanwhile.
            try await withClient(address) { client in
                for _ in 0..<50 { _ = try await client.unary(echo, "x") }
            }
            #expect(answered.withLock { $0 } < calls)
            deaf.startReading()
            let last = try await deaf.status(of: UInt64(2 * calls - 1))
            #expect(last.message?.readableBytes == 20_000)
        }
    }
}
