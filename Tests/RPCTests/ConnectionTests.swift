// The life of connections: waiting, reconnecting, draining, listening. Over real sockets.

import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct ReconnectTests {
    @Test func callWaitsForAServerThatComesLater() async throws {
        let address = socketAddress()
        try await withClient(address) { client in
            let call = Task { try await client.unary(echo, "patience") }
            await expectStatus(.unavailable) {
                _ = try await client.unary(echo, "", options: CallOptions(waitForReady: false))
            }
            try await withServer(TestService(echoHandler), at: address) { _ in
                let reply = try await call.value
                #expect(reply == "patience")
            }
        }
    }

    @Test func clientComesBackToAServerThatWasRestarted() async throws {
        let address = socketAddress()
        try await withClient(address) { client in
            for round in 0..<3 {
                try await withServer(TestService(echoHandler), at: address) { _ in
                    await connected(client)
                    let reply = try await client.unary(Method<Text, Text>(echo.name), Text("\(round)"))
                    #expect(reply.text == "\(round)")
                }
            }
        }
    }

    @Test func callThatRunsWhenItsConnectionIsLostFailsUnlessItMayBeRepeated() async throws {
        let address = socketAddress()
        let started = Event()
        let hanging = TestService(
            .unary(echo) { _, _ in try await untilCancelled(Event(), started: started) },
            .unary(collect) { _, _ in try await untilCancelled(Event()) })
        try await withClient(address) { client in
            let (once, repeated) = try await withServer(hanging, at: address) { _ in
                let once = Task { try await client.unary(collect, "x") }
                await connected(client)
                let repeated = Task { try await client.unary(echo, "x") }
                try await started.value()
                return (once, repeated)
            }
            await expectStatus(.unavailable) { _ = try await once.value }
            try await withServer(TestService(echoHandler), at: address) { _ in
                let reply = try await repeated.value
                #expect(reply == "x")
            }
        }
    }

    @Test func serverThatFallsSilentIsNoticed() async throws {
        let silent = try await ScriptedServer(.tcp(host: "127.0.0.1", port: 0))
        var configuration = RPCClient.Configuration()
        configuration.keepaliveInterval = .milliseconds(50)
        configuration.keepaliveTimeout = .milliseconds(50)
        try await withClient(silent.address, configuration: configuration) { client in
            let error = await expectStatus(.unavailable) { _ = try await client.unary(collect, "x") }
            #expect(error?.detail.contains("nothing was heard") == true)
        }
        try await silent.close()
    }
}

@Suite(.timeLimit(.minutes(1))) struct DrainTests {
    @Test func acceptedCallsFinishAndLaterOnesGoToTheNextServer() async throws {
        let address = socketAddress()
        let started = Event()
        let mayFinish = Event()
        let first = TestService(
            .unary(collect) { _, _ in
                started.signal()
                try await mayFinish.value()
                return "finished"
            },
            // What comes before it says that it stops is made again.
            .unary(echo) { _, _ in throw RPCError(.unavailable, "the server is about to stop") })
        try await withClient(address) { client in
            let server = DrainableServer(first, at: address)
            let accepted = Task { try await client.unary(collect, "x") }
            try await started.value()
            server.drain()
            // The socket's file goes when the server listens no more.
            await untilGone(address)
            try await withServer(TestService(echoHandler), at: address) { _ in
                let later = try await client.unary(echo, "later")
                #expect(later == "later")
                mayFinish.signal()
                let reply = try await accepted.value
                #expect(reply == "finished")
            }
            try await server.ended()
        }
    }

    @Test func goAwayReturnsTheCallsThatWereNotAccepted() async throws {
        let address = socketAddress()
        let draining = try await ScriptedServer(
            address, answers: [.goAway(lastStream: 0, RPCError(.unavailable, "the server is stopping"))])
        try await withClient(address) { client in
            let call = Task { try await client.unary(collect, "x") }
            try await draining.left.value()
            try await draining.close()
            try await withServer(TestService(.unary(collect) { request, _ in request }), at: address) { _ in
                let reply = try await call.value
                #expect(reply == "x")
            }
        }
    }

    @Test func whatIsWrittenBetweenTwoServersGoesToTheNext() async throws {
        let address = socketAddress()
        let draining = try await ScriptedServer(
            address, answers: [.goAway(lastStream: 0, RPCError(.unavailable, "the server is stopping"))])
        try await withClient(address) { client in
            let isGone = Event()
            let call = Task {
                try await client.clientStream(collect) { writer in
                    try await isGone.value()
                    try await writer.write("x")
                }
            }
            try await draining.left.value()
            try await draining.close()
            isGone.signal()
            let service = TestService(.clientStream(collect) { requests, _ in try await requests.next() ?? "lost" })
            try await withServer(service, at: address) { _ in
                let reply = try await call.value
                #expect(reply == "x")
            }
        }
    }

    @Test func streamsThatNeverEndMayBeEndedByADrain() async throws {
        let address = socketAddress()
        let service = TestService(
            .serverStream(stream) { _, writer, context in
                context.endsOnDrain()
                try await writer.write("first")
                _ = try await untilCancelled(Event())
            })
        try await withClient(address) { client in
            let server = DrainableServer(service, at: address)
            let replies = client.serverStream(stream, "")
            let first = try await replies.next()
            #expect(first == "first")
            server.drain()
            await expectStatus(.unavailable) { _ = try await replies.next() }
            try await server.ended()
        }
    }

    @Test func drainThatTakesTooLongCancelsWhatIsLeft() async throws {
        let address = socketAddress()
        let cancelled = Event()
        let started = Event()
        let service = TestService(
            .unary(collect) { _, _ in try await untilCancelled(cancelled, started: started) })
        try await withClient(address) { client in
            let server = DrainableServer(service, at: address, drainTimeout: .milliseconds(50))
            let call = Task { try await client.unary(collect, "x") }
            try await started.value()
            server.drain()
            try await cancelled.value()
            try await server.ended()
            await expectStatus(.unavailable) { _ = try await call.value }
        }
    }

    @Test func stoppedClientLetsItsCallsFinishAndMakesNoMore() async throws {
        let started = Event()
        let mayFinish = Event()
        let service = TestService(
            .unary(collect) { _, _ in
                started.signal()
                try await mayFinish.value()
                return "finished"
            }, echoHandler)
        try await withServer(service) { address in
            let client = RPCClient(
                address: address, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
            let group = ServiceGroup(services: [client], logger: quiet)
            let run = Task { try await group.run() }
            let call = Task { try await client.unary(collect, "x") }
            try await started.value()
            await group.triggerGracefulShutdown()
            await expectStatus(.unavailable) {
                while true { _ = try await client.unary(echo, "x") }
            }
            mayFinish.signal()
            let reply = try await call.value
            #expect(reply == "finished")
            try await run.value
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ListeningTests {
    @Test func socketFileIsForOwnerAndGroupAndGoesWithTheServer() async throws {
        let address = socketAddress()
        guard case .unix(let path) = address else { return }
        try await withServer(TestService(), at: address) { _ in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o660)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func staleSocketIsReplacedAndALiveOneIsNot() async throws {
        let address = socketAddress()
        guard case .unix(let path) = address else { return }
        try leaveStaleSocket(at: path)
        try await withServerAndClient(TestService(echoHandler), at: address) { client in
            await expectStatus(.alreadyExists) { try await withServer(TestService(), at: address) { _ in } }
            let reply = try await client.unary(echo, "unharmed")
            #expect(reply == "unharmed")
        }
    }

    @Test func fileThatIsNoSocketIsNotTouched() async throws {
        let address = socketAddress()
        guard case .unix(let path) = address else { return }
        try Data("precious".utf8).write(to: URL(filePath: path))
        await expectStatus(.failedPrecondition) { try await withServer(TestService(), at: address) { _ in } }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
        try FileManager.default.removeItem(atPath: path)
    }

    @Test(arguments: ["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:0", "tcp://music.example:0"])
    func plaintextBetweenMachinesIsRefusedUnlessAllowed(text: String) async throws {
        let address = try RPCAddress(text)
        await expectStatus(.failedPrecondition) { try await withServer(TestService(), at: address) { _ in } }
        let client = RPCClient(
            address: address, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        await expectStatus(.failedPrecondition) { try await client.run() }
        var configuration = RPCServer.Configuration()
        configuration.allowsRemotePlaintext = true
        if text.contains("0.0.0.0") {
            try await withServer(TestService(), at: address, configuration: configuration) { _ in }
        }
    }
}

/// A server that a test asks to stop as a signal would.
final class DrainableServer: Sendable {
    private let server: RPCServer
    private let group: ServiceGroup
    private let run: Task<Void, any Error>

    init(_ service: TestService, at address: RPCAddress, drainTimeout: Duration = .seconds(60)) {
        var configuration = RPCServer.Configuration()
        configuration.drainTimeout = drainTimeout
        let server = RPCServer(
            addresses: [address], services: [service], eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quiet, configuration: configuration)
        self.server = server
        let group = ServiceGroup(services: [server], logger: quiet)
        self.group = group
        run = Task { try await group.run() }
    }

    func listening() async throws {
        _ = try await server.listening()
    }

    func drain() {
        Task { await group.triggerGracefulShutdown() }
    }

    func ended() async throws {
        try await run.value
    }
}

/// Returns when a Unix socket's file is gone.
private func untilGone(_ address: RPCAddress) async {
    guard case .unix(let path) = address else { return }
    while FileManager.default.fileExists(atPath: path) { try? await Task.sleep(for: .milliseconds(1)) }
}

/// What a process leaves that was killed while it listened.
private func leaveStaleSocket(at path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    try SocketAddress(unixDomainSocketPath: path).withSockAddr { address, size in
        #expect(bind(descriptor, address, socklen_t(size)) == 0)
    }
}
