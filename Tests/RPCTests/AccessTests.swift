// The server asks its access policy before a handler sees anything.

import NIOCore
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct AccessTests {
    /// Lets in whom it is told to, for one method and the users in the metadata.
    private struct Policy: AccessPolicy {
        var admits = true

        func admit(_ peer: PeerIdentity) throws {
            guard admits else { throw RPCError(.permissionDenied, "\(peer) is not on the list") }
        }

        func authorize(_ peer: PeerIdentity, method: String, metadata: Metadata) async throws -> Principal {
            guard method == echo.name else { throw RPCError(.permissionDenied, "not \(method)") }
            return metadata["user"].map { .users([$0]) } ?? .everyone
        }
    }

    private static let ownUser = MethodHandler.unary(echo) { request, context in
        try context.require(actingFor: request.text)
        return request
    }

    private func configuration(_ policy: Policy) -> RPCServer.Configuration {
        var configuration = RPCServer.Configuration()
        configuration.access = policy
        return configuration
    }

    @Test func connectionOfAPeerThatIsNotAdmittedEndsWithTheReason() async throws {
        let service = TestService(Self.ownUser)
        try await withServer(service, configuration: configuration(Policy(admits: false))) { address in
            let wire = try await WireClient(address, greeting: false)
            wire.send(.hello(Frame.Hello(limits: .standard, maxStreams: 0)))
            guard case .hello = try await wire.next() else { return #expect(Bool(false), "no HELLO") }
            guard case .goAway(let last, let reason) = try await wire.next() else {
                return #expect(Bool(false), "no GOAWAY")
            }
            #expect(last == 0 && reason.code == .permissionDenied)
            #expect(reason.detail.contains("is not on the list"))
        }
    }

    @Test func methodThatThePeerMayNotCallNeverRuns() async throws {
        let ran = Event()
        let forbidden = MethodHandler.unary(Method<Text, Text>("test.Service/Other")) { request, _ in
            ran.signal()
            return request
        }
        let service = TestService(Self.ownUser, forbidden)
        try await withServerAndClient(service, configuration: configuration(Policy())) { client in
            await expectStatus(.permissionDenied) {
                _ = try await client.unary(Method<Text, Text>("test.Service/Other"), "")
            }
            #expect(!ran.isKnown)
            let reply = try await client.unary(echo, "anybody")
            #expect(reply == "anybody")
        }
    }

    @Test func callerActsOnlyForItsUsers() async throws {
        try await withServerAndClient(TestService(Self.ownUser), configuration: configuration(Policy())) { client in
            let alice = CallOptions(metadata: ["user": "alice"])
            let reply = try await client.unary(echo, "alice", options: alice)
            #expect(reply == "alice")
            for other in ["bob", ""] {
                await expectStatus(.permissionDenied) { _ = try await client.unary(echo, Text(other), options: alice) }
            }
        }
    }
}
