// Whatever ends a call's interest cancels its handler, over real sockets.

import NIOCore
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct CancellationTests {
    @Test func cancelledCallerCancelsTheHandler() async throws {
        let started = Event()
        let cancelled = Event()
        let service = TestService(
            .unary(echo) { _, _ in try await untilCancelled(cancelled, started: started) })
        try await withServerAndClient(service) { client in
            let call = Task { try await client.unary(echo, "x") }
            try await started.value()
            call.cancel()
            await expectStatus(.cancelled) { _ = try await call.value }
            try await cancelled.value()
        }
    }

    @Test func droppedStreamCancelsTheHandler() async throws {
        let cancelled = Event()
        let service = TestService(
            .serverStream(stream) { _, writer, _ in
                try await writer.write("first")
                _ = try await untilCancelled(cancelled)
            })
        try await withServerAndClient(service) { client in
            for try await _ in client.serverStream(stream, "") { break }
            try await cancelled.value()
        }
    }

    @Test func lostConnectionCancelsTheHandler() async throws {
        let started = Event()
        let cancelled = Event()
        let service = TestService(
            .unary(echo) { _, _ in try await untilCancelled(cancelled, started: started) })
        try await withServer(service) { address in
            let wire = try await WireClient(address, greeting: true)
            wire.send(.call(.init(stream: 1, method: echo.name, message: ByteBuffer(), isLast: true)))
            try await started.value()
            try await wire.close()
            try await cancelled.value()
        }
    }

    @Test func cancelledCallStillGetsItsStatusSoThatItsStreamIsFree() async throws {
        var configuration = RPCServer.Configuration()
        configuration.maxStreams = 1
        let service = TestService(
            .unary(echo) { request, _ in
                if request == "wait" { _ = try await untilCancelled(Event()) }
                return request
            })
        try await withServerAndClient(service, configuration: configuration) { client in
            await expectStatus(.deadlineExceeded) {
                _ = try await client.unary(echo, "wait", options: CallOptions(timeout: .milliseconds(20)))
            }
            let reply = try await client.unary(echo, "next")
            #expect(reply == "next")
        }
    }

    @Test func callerThatFailsInTheMiddleCancelsTheHandler() async throws {
        struct Mistake: Error {}
        let cancelled = Event()
        let service = TestService(
            .clientStream(collect) { requests, _ in
                do { return Text("\(try await requests.collect().count)") } catch {
                    cancelled.signal()
                    throw error
                }
            })
        try await withServerAndClient(service) { client in
            await #expect(throws: Mistake.self) {
                _ = try await client.clientStream(collect) { writer in
                    try await writer.write("one")
                    throw Mistake()
                }
            }
            try await cancelled.value()
        }
    }

    enum Ending: CaseIterable { case caller, disconnect, deadline }

    /// The median of several: a moment in which the machine did something else is no promise broken.
    @Test(arguments: Ending.allCases)
    func handlerIsCancelledWithinATenthOfASecond(ending: Ending) async throws {
        var delays: [Duration] = []
        for _ in 0..<9 { delays.append(try await cancellationDelay(ending)) }
        #expect(delays.sorted()[delays.count / 2] < .milliseconds(100))
    }

    /// From the end of the caller's interest to the cancellation of the handler's task.
    private func cancellationDelay(_ ending: Ending) async throws -> Duration {
        let (started, cancelled) = (Event(), Event())
        let service = TestService(.unary(echo) { _, _ in try await untilCancelled(cancelled, started: started) })
        return try await withServer(service) { address in
            switch ending {
            case .caller:
                return try await withClient(address) { client in
                    let call = Task { try await client.unary(echo, "") }
                    try await started.value()
                    let end = ContinuousClock.now
                    call.cancel()
                    try await cancelled.value()
                    return .now - end
                }
            case .disconnect:
                let peer = try await WireClient(address, greeting: true)
                peer.send(call(1))
                try await started.value()
                let end = ContinuousClock.now
                try await peer.close()
                try await cancelled.value()
                return .now - end
            case .deadline:
                let peer = try await WireClient(address, greeting: true)
                let end = ContinuousClock.now + .milliseconds(500)
                peer.send(call(1, timeout: 500_000))
                try await cancelled.value()
                return .now - end
            }
        }
    }
}
