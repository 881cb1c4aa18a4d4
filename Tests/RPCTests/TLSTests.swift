// Mutual TLS over real sockets: who gets through, and by which names they are then known.

import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private static let loopback = RPCAddress.tls(host: "127.0.0.1", port: 0)
    private static let peerName = MethodHandler.unary(echo) { _, context in
        guard case .tls(let names, _, _) = context.peer else { return Text("\(context.peer)") }
        return Text(names.joined(separator: " "))
    }

    private func reply(
        _ server: TLSIdentity?, _ client: TLSIdentity?, to host: String = "127.0.0.1"
    ) async throws -> String {
        var serving = RPCServer.Configuration()
        serving.tls = server
        var calling = RPCClient.Configuration()
        calling.tls = client
        return try await withServer(TestService(Self.peerName), at: Self.loopback, configuration: serving) { address in
            guard case .tls(_, let port) = address else { throw RPCError(.internalError, "no port") }
            return try await withClient(.tls(host: host, port: port), configuration: calling) { client in
                try await client.unary(echo, "", options: CallOptions(timeout: .seconds(10), waitForReady: false)).text
            }
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"]) func eachSideKnowsTheOtherByItsCertificate(host: String) async throws {
        let certificates = try await Certificates("queue,localhost,127.0.0.1", "worker-1,worker.example")
        let names = try await reply(certificates.identity("queue"), certificates.identity("worker-1"), to: host)
        #expect(names == "worker-1 worker.example")
    }

    @Test func serverUnderAnotherNameIsNotBelieved() async throws {
        let certificates = try await Certificates("elsewhere.example", "worker")
        await expectStatus(.unavailable) {
            _ = try await reply(certificates.identity("elsewhere.example"), certificates.identity("worker"))
        }
    }

    @Test func serverOfAnotherAuthorityIsNotBelieved() async throws {
        let (ours, others) = (try await Certificates("worker"), try await Certificates("queue,127.0.0.1"))
        await expectStatus(.unavailable) {
            _ = try await reply(others.identity("queue", trusting: ours), ours.identity("worker"))
        }
    }

    @Test func clientOfAnotherAuthorityIsTurnedAway() async throws {
        let (ours, others) = (try await Certificates("queue,127.0.0.1"), try await Certificates("worker"))
        await expectStatus(.unavailable) {
            _ = try await reply(ours.identity("queue"), others.identity("worker", trusting: ours))
        }
    }

    @Test func plaintextClientIsTurnedAwayAndDisturbsNobody() async throws {
        let certificates = try await Certificates("queue,127.0.0.1", "worker")
        var serving = RPCServer.Configuration()
        serving.tls = try certificates.identity("queue")
        var calling = RPCClient.Configuration()
        calling.tls = try certificates.identity("worker")
        try await withServer(TestService(Self.peerName), at: Self.loopback, configuration: serving) { address in
            guard case .tls(let host, let port) = address else { return }
            try await withClient(address, configuration: calling) { client in
                _ = try await client.unary(echo, "")
                try await withClient(.tcp(host: host, port: port)) { plaintext in
                    await expectStatus(.unavailable) {
                        _ = try await plaintext.unary(echo, "", options: CallOptions(waitForReady: false))
                    }
                }
                let name = try await client.unary(Method<Text, Text>(echo.name), "")
                #expect(name == "worker")
            }
        }
    }

    @Test func addressOfTLSNeedsACertificateOnBothSides() async throws {
        let certificates = try await Certificates("queue,127.0.0.1")
        await expectStatus(.failedPrecondition) { _ = try await reply(nil, certificates.identity("queue")) }
        let client = RPCClient(
            address: Self.loopback, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        await expectStatus(.failedPrecondition) { try await client.run() }
    }

    @Test func filesThatWereReplacedCountOnceTheyFitEachOther() async throws {
        let (old, next) = (try await Certificates("queue"), try await Certificates("queue"))
        let identity = try old.identity("queue")
        let before = identity.serverContext
        func replace(_ file: String) {
            rename(next.path(file), old.path(file))
        }
        replace("queue.crt")
        #expect(identity.serverContext === before)
        replace("queue.key")
        #expect(identity.serverContext !== before)
        let after = identity.serverContext
        #expect(identity.serverContext === after)
        withExtendedLifetime((old, next)) {}
    }

    @Test func fileThatCannotBeUsedIsNamed() async throws {
        let certificates = try await Certificates("queue", "worker")
        let (queue, worker) = (certificates.path("queue.crt"), certificates.path("worker.key"))
        let authority = certificates.path("authority.crt")
        for (certificate, key, wrong) in [
            (queue, worker, "key"), ("/nowhere", worker, "/nowhere"), (queue, queue, queue),
        ] {
            let error = await expectStatus(.failedPrecondition) {
                _ = try TLSIdentity(certificate: certificate, key: key, authority: authority)
            }
            #expect(error?.detail.contains(wrong) == true)
        }
        withExtendedLifetime(certificates) {}
    }

    /// Lends a peer that speaks raw frames over TLS, and what tells that its handler was cancelled.
    private func withPeer(
        limits: Limits = .standard, _ methods: MethodHandler..., body: (WireClient, Event) async throws -> Void
    ) async throws {
        let certificates = try await Certificates("queue,127.0.0.1", "worker")
        var serving = RPCServer.Configuration()
        serving.tls = try certificates.identity("queue")
        let cancelled = Event()
        let service = TestService(methods: malformedService(cancelled).methods + methods)
        try await withServer(service, at: Self.loopback, configuration: serving) { address in
            let identity = try certificates.identity("worker")
            try await body(WireClient(address, greeting: true, limits: limits, tls: identity), cancelled)
        }
    }

    @Test func peerThatBreaksTheProtocolWithMoreBehindItReadsWhy() async throws {
        try await withPeer { peer, _ in
            // What nobody reads any more must not turn the farewell into a reset.
            var bytes = ByteBuffer(integer: UInt32(0))
            bytes.writeRepeatingByte(0, count: 8 << 20)
            peer.send(bytes)
            let reason = try await peer.ending()
            #expect(reason?.code == .invalidArgument)
        }
    }

    @Test func peerThatEndsItsSideWithRepliesUnreadEndsItsCalls() async throws {
        let flood = Method<Text, Text>("test.Service/Flood")
        let written = Mutex(0)
        let flooding = MethodHandler.serverStream(flood) { _, writer, _ in
            let reply = Text(String(repeating: "x", count: 64 << 10))
            while true {
                try await writer.write(reply)
                written.withLock { $0 += 1 }
            }
        }
        try await withPeer(limits: Limits(maxMessageBytes: 4 << 20, credit: Limits.maxCredit), flooding) {
            peer, cancelled in
            peer.send(call(1, "test.Service/Hang"))
            // A handler that was not reached by then would never begin.
            guard case .message? = try await peer.next() else { return missed("the handler has started") }
            try await peer.stopReading()
            peer.send(call(3, flood.name))
            // Until the sockets are full: the server reads nothing then, but must see the end.
            var before = -1
            while before == 0 || before != written.withLock({ $0 }) {
                before = written.withLock { $0 }
                try await Task.sleep(for: .milliseconds(20))
            }
            peer.finish()
            try await cancelled.value()
            peer.startReading()
            let reason = try await peer.ending()
            #expect(reason == nil)
        }
    }
}
