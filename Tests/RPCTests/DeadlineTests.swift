// Deadlines, over real sockets.

import NIOCore
import NIOPosix
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct DeadlineTests {
    @Test func deadlineTravelsAsRemainingTime() async throws {
        let service = TestService(
            .unary(echo) { _, context in
                guard let remaining = context.deadline?.remaining() else { return "none" }
                return Text(remaining <= .seconds(30) && remaining > .seconds(20) ? "right" : "\(remaining)")
            })
        try await withServerAndClient(service) { client in
            let limited = try await client.unary(echo, "x", options: CallOptions(timeout: .seconds(30)))
            let unlimited = try await client.unary(echo, "x")
            #expect([limited, unlimited] == ["right", "none"])
        }
    }

    @Test func passingDeadlineFailsTheCallAndCancelsItsHandler() async throws {
        let started = Event()
        let cancelled = Event()
        let service = TestService(.unary(echo) { _, _ in try await untilCancelled(cancelled, started: started) })
        try await withServerAndClient(service) { client in
            await passDeadline(once: started) { _ = try await client.unary(echo, "x", options: $0) }
            try await cancelled.value()
        }
    }

    @Test func serverKeepsTheDeadlineOfAClientThatDoesNot() async throws {
        let started = Event()
        let cancelled = Event()
        let service = TestService(.unary(echo) { _, _ in try await untilCancelled(cancelled, started: started) })
        var configuration = RPCServer.Configuration()
        configuration.helloTimeout = .seconds(3600)  // No other timer rings meanwhile.
        try await withServer(service, configuration: configuration) { address in
            let wire = try await WireClient(address, greeting: true)
            var call = Frame.Call(stream: 1, method: echo.name, message: ByteBuffer(), isLast: true)
            var timeout: UInt64 = 1000
            repeat {
                call.timeoutMicroseconds = timeout
                wire.send(.call(call))
                let status = try await wire.status(of: call.stream)
                #expect(status.error?.code == .deadlineExceeded)
                call.stream += 2
                timeout *= 2
            } while !started.isKnown
            try await cancelled.value()
        }
    }

    @Test func callerKeepsItsDeadlineAgainstAServerThatDoesNot() async throws {
        let silent = try await ScriptedServer(.tcp(host: "127.0.0.1", port: 0))
        var configuration = RPCClient.Configuration()
        configuration.connectTimeout = .seconds(3600)  // No other timer rings meanwhile.
        try await withClient(silent.address, configuration: configuration) { client in
            await expectStatus(.deadlineExceeded) {
                _ = try await client.unary(echo, "x", options: CallOptions(timeout: .milliseconds(200)))
            }
        }
        try await silent.close()
    }

    @Test func callInsideAHandlerInheritsWhatRemains() async throws {
        let inner = TestService(
            .unary(echo) { _, context in Text("\(context.deadline.map { $0.remaining() <= .seconds(20) } ?? false)") })
        try await withServerAndClient(inner) { innerClient in
            let outer = TestService(
                .unary(collect) { request, _ in
                    try await innerClient.unary(echo, request, options: CallOptions(timeout: .seconds(60)))
                })
            try await withServerAndClient(outer) { client in
                let reply = try await client.unary(collect, "x", options: CallOptions(timeout: .seconds(20)))
                #expect(reply == "true")
            }
        }
    }

    @Test func passingDeadlineCancelsTheCallsInsideTheHandlerToo() async throws {
        let started = Event()
        let cancelled = Event()
        let inner = TestService(.unary(echo) { _, _ in try await untilCancelled(cancelled, started: started) })
        try await withServerAndClient(inner) { innerClient in
            let outer = TestService(.unary(collect) { request, _ in try await innerClient.unary(echo, request) })
            try await withServerAndClient(outer) { client in
                await passDeadline(once: started) { _ = try await client.unary(collect, "x", options: $0) }
                try await cancelled.value()
            }
        }
    }

    @Test func deadlineEndsTheWaitForAServerThatIsNotThere() async throws {
        try await withClient(socketAddress()) { client in
            let error = await expectStatus(.deadlineExceeded) {
                _ = try await client.unary(echo, "x", options: CallOptions(timeout: .milliseconds(50)))
            }
            #expect(error?.detail.contains("waited") == true)
        }
    }

    @Test func deadlineEndsTheWaitOfAClientThatDoesNotRun() async {
        let client = RPCClient(
            address: socketAddress(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        await expectStatus(.deadlineExceeded) {
            _ = try await client.unary(echo, "x", options: CallOptions(timeout: .milliseconds(1)))
        }
    }
}

/// Makes a call whose deadline passes, with longer ones until the handler had started by then.
private func passDeadline(once started: Event, _ call: (CallOptions) async throws -> Void) async {
    var timeout = Duration.milliseconds(20)
    repeat {
        await expectStatus(.deadlineExceeded) { try await call(CallOptions(timeout: timeout)) }
        timeout *= 2
    } while !started.isKnown
}
