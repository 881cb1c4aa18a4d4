// The four kinds of calls, over real sockets.

import Foundation
import NIOCore
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct CallTests {
    @Test(arguments: [socketAddress(), .tcp(host: "127.0.0.1", port: 0), .tcp(host: "::1", port: 0)])
    func unaryCallReturnsWhatTheHandlerReturns(address: RPCAddress) async throws {
        try await withServerAndClient(TestService(echoHandler), at: address) { client in
            let replies = [try await client.unary(echo, "hello"), try await client.unary(echo, "")]
            #expect(replies == ["hello", ""])
        }
    }

    @Test func serverStreamDeliversEveryMessageInOrder() async throws {
        let service = TestService(
            .serverStream(stream) { request, writer, _ in
                for number in 0..<(Int(request.text) ?? 0) { try await writer.write(Text("\(number)")) }
            })
        try await withServerAndClient(service) { client in
            let numbers = try await client.serverStream(stream, "1000").collect()
            #expect(numbers.map(\.text) == (0..<1000).map(String.init))
        }
    }

    @Test func clientStreamReachesTheHandlerInOrder() async throws {
        let service = TestService(
            .clientStream(collect) { requests, _ in
                Text(try await requests.collect().map(\.text).joined(separator: " "))
            })
        try await withServerAndClient(service) { client in
            let reply = try await client.clientStream(collect) { writer in
                for word in ["one", "two", "three"] { try await writer.write(Text(word)) }
            }
            #expect(reply == "one two three")
        }
    }

    @Test func bidirectionalCallAnswersEachMessageBeforeTheNext() async throws {
        let service = TestService(
            .bidirectional(chat) { requests, writer, _ in
                for try await request in requests { try await writer.write(Text(request.text.uppercased())) }
            })
        try await withServerAndClient(service) { client in
            let replies = try await client.bidirectional(chat) { writer, replies in
                var received: [Text?] = []
                for word in ["a", "b", "c"] {
                    try await writer.write(Text(word))
                    received.append(try await replies.next())
                }
                writer.finish()
                received.append(try await replies.next())
                return received
            }
            #expect(replies == ["A", "B", "C", nil])
        }
    }

    @Test func bidirectionalCallWhoseRepliesAreNotReadRunsUntilItsBodyLeaves() async throws {
        let words = Event()
        let service = TestService(
            .bidirectional(chat) { requests, _, _ in
                if try await requests.collect().count == 3 { words.signal() }
            })
        try await withServerAndClient(service) { client in
            try await client.bidirectional(chat) { writer, _ in
                for word in ["a", "b", "c"] { try await writer.write(Text(word)) }
                writer.finish()
                try await words.value()
            }
        }
    }

    @Test func concurrentCallsEachGetTheirOwnReply() async throws {
        try await withServerAndClient(TestService(echoHandler)) { client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<500 {
                    group.addTask { try await client.unary(echo, Text("\(number)")).text == "\(number)" }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func moreCallsThanStreamsWaitForTheirTurn() async throws {
        var configuration = RPCServer.Configuration()
        configuration.maxStreams = 2
        try await withServerAndClient(TestService(echoHandler), configuration: configuration) { client in
            try await withThrowingTaskGroup(of: Text.self) { group in
                for _ in 0..<50 { group.addTask { try await client.unary(echo, "x") } }
                var count = 0
                for try await _ in group { count += 1 }
                #expect(count == 50)
            }
        }
    }

    @Test func statusOfTheHandlerReachesTheCaller() async throws {
        let service = TestService(
            .unary(echo) { _, _ in
                throw RPCError(
                    .failedPrecondition, "the lane is held", metadata: ["holder": "w1"], retryAfter: .milliseconds(1500)
                )
            })
        try await withServerAndClient(service) { client in
            let error = await expectStatus(.failedPrecondition) { _ = try await client.unary(echo, "x") }
            #expect(error?.detail == "the lane is held")
            #expect(error?.metadata["holder"] == "w1")
            #expect(error?.retryAfter == .milliseconds(1500))
        }
    }

    @Test func domainErrorsBecomeTheirStatusAndOthersStayPrivate() async throws {
        struct Missing: RPCErrorConvertible {
            var rpcError: RPCError { RPCError(.notFound, "no such song") }
        }
        struct Secret: Error {}
        let service = TestService(
            .unary(echo) { request, _ in throw request == "missing" ? Missing() : Secret() as any Error })
        try await withServerAndClient(service) { client in
            await expectStatus(.notFound) { _ = try await client.unary(echo, "missing") }
            let error = await expectStatus(.unknown) { _ = try await client.unary(echo, "other") }
            #expect(error?.detail.contains("Secret") == false)
        }
    }

    @Test func messagesBeforeAnErrorAreReadBeforeIt() async throws {
        let service = TestService(
            .serverStream(stream) { _, writer, _ in
                try await writer.write("first")
                throw RPCError(.dataLoss, "the rest is gone")
            })
        try await withServerAndClient(service) { client in
            let replies = client.serverStream(stream, "")
            let reply = try await replies.next()
            #expect(reply == "first")
            await expectStatus(.dataLoss) { _ = try await replies.next() }
        }
    }

    @Test func metadataTravelsBothWaysAndTrails() async throws {
        let service = TestService(
            .serverStream(stream) { _, writer, context in
                context.addMetadata("leading", context.metadata["question"] ?? "none")
                context.addTrailer("trailing", "\(context.metadata[binary: "raw-bin"] ?? [])")
                try await writer.write("x")
            })
        try await withServerAndClient(service) { client in
            let (received, continuation) = AsyncStream.makeStream(of: Metadata.self)
            var options = CallOptions(metadata: ["Question": "why"], onMetadata: { continuation.yield($0) })
            options.metadata[binary: "raw-bin"] = [0, 255]
            _ = try await client.serverStream(stream, "", options: options).collect()
            var metadata = received.makeAsyncIterator()
            #expect(await metadata.next() == ["leading": "why"])
            #expect(await metadata.next() == ["trailing": "[0, 255]"])
        }
    }

    @Test func leadingAndTrailingMetadataHaveOneLimit() async throws {
        let service = TestService(
            .serverStream(stream) { request, writer, context in
                context.addMetadata("leading", String(repeating: "x", count: 5000))
                try await writer.write("x")
                context.addTrailer("trailing", String(repeating: "x", count: Int(request.text) ?? 0))
            })
        try await withServerAndClient(service) { client in
            let fits = try await client.serverStream(stream, "3000").collect()
            #expect(fits == ["x"])
            let replies = client.serverStream(stream, "4000")
            let first = try await replies.next()
            #expect(first == "x")
            await expectStatus(.internalError) { _ = try await replies.next() }
        }
    }

    @Test func unknownMethodIsUnimplemented() async throws {
        try await withServerAndClient(TestService(echoHandler)) { client in
            await expectStatus(.unimplemented) { _ = try await client.unary(collect, "x") }
        }
    }

    @Test func clientStreamAnsweredEarlyReturnsTheAnswer() async throws {
        let service = TestService(.clientStream(collect) { requests, _ in try await requests.next() ?? "none" })
        try await withServerAndClient(service) { client in
            let reply = try await client.clientStream(collect) { writer in
                while true { try await writer.write(Text(String(repeating: "x", count: 1000))) }
            }
            #expect(reply.text.count == 1000)
        }
    }

    @Test func messageOfFourMebibytesPassesAndALargerOneIsRefusedWithoutHarm() async throws {
        try await withServerAndClient(TestService(echoHandler)) { client in
            let large = Text(String(repeating: "x", count: 4 << 20))
            let reply = try await client.unary(echo, large)
            #expect(reply == large)
            await expectStatus(.resourceExhausted) { _ = try await client.unary(echo, Text(large.text + "x")) }
            let next = try await client.unary(echo, "still here")
            #expect(next == "still here")
        }
    }

    @Test func replyOverTheCallersLimitIsRefused() async throws {
        let service = TestService(.unary(echo) { _, _ in Text(String(repeating: "x", count: 2000)) })
        var configuration = RPCClient.Configuration()
        configuration.maxMessageBytes = 1000
        try await withServerAndClient(service, client: configuration) { client in
            await expectStatus(.resourceExhausted) { _ = try await client.unary(echo, "x") }
        }
    }

    @Test func handlerLearnsWhoCallsFromTheKernel() async throws {
        let service = TestService(.unary(echo) { _, context in Text("\(context.peer)") })
        try await withServerAndClient(service) { client in
            let expected = PeerIdentity.unix(userID: getuid(), groupID: getgid(), processID: getpid())
            let reply = try await client.unary(echo, "x")
            #expect(reply.text == "\(expected)")
        }
    }
}
