// Unary calls that are made again, and those that are not: the policy as pure state, then over real sockets.

import NIOCore
import Synchronization
import Testing

@testable import RPC

private let moment = NIODeadline.uptimeNanoseconds(1_000_000_000)
private let unavailable = RPCError(.unavailable, "not now")

@Suite struct RetryPolicyTests {
    private func delay(_ error: RPCError, attempts: Int = 1, within remaining: Duration? = nil) -> Duration? {
        var random = SystemRandomNumberGenerator()
        return RetryPolicy().delay(
            after: error, attempts: attempts, deadline: remaining.map { moment + TimeAmount($0) }, now: moment,
            using: &random)
    }

    @Test func onlyWhatMaySoonSucceedIsTriedAgain() {
        for code in StatusCode.allCases where code != .unavailable {
            #expect(delay(RPCError(code, "")) == nil)
        }
        #expect(delay(unavailable) != nil)
    }

    @Test func attemptsAreCountedAndTheirWaitsGrow() throws {
        #expect(delay(unavailable, attempts: 4) == nil)
        let waits = try (1...3).map { try #require(delay(unavailable, attempts: $0)) }
        #expect(waits[0] >= .milliseconds(25))
        #expect(waits[2] >= .milliseconds(64))
        #expect(waits[2] <= .milliseconds(128))
    }

    @Test func serverSaysWhenToComeBackUnlessThatIsTooLong() {
        #expect(delay(RPCError(.unavailable, "", retryAfter: .seconds(3))) == .seconds(3))
        #expect(delay(RPCError(.unavailable, "", retryAfter: .seconds(6))) == nil)
    }

    @Test func waitThatWouldOutlastTheDeadlineIsNotBegun() {
        #expect(delay(RPCError(.unavailable, "", retryAfter: .seconds(3)), within: .seconds(3)) == nil)
        #expect(delay(RPCError(.unavailable, "", retryAfter: .seconds(3)), within: .seconds(4)) == .seconds(3))
    }

    @Test func throttleStopsAfterFiveFailuresAndOpensSlowly() {
        var throttle = RetryThrottle()
        for _ in 0..<4 { throttle.failed() }
        #expect(throttle.allowsRetry)
        throttle.failed()
        #expect(!throttle.allowsRetry)
        throttle.succeeded()
        #expect(throttle.allowsRetry)
        for _ in 0..<100 { throttle.failed() }
        for _ in 0..<49 { throttle.succeeded() }
        #expect(!throttle.allowsRetry)
    }

    @Test func rateLimitLetsABurstPassAndThenItsRate() {
        var limit = RateLimit(burst: 2, perSecond: 10)
        let taken = [moment, moment, moment, moment + .milliseconds(100), moment + .milliseconds(101)]
            .map { limit.take(now: $0) }
        #expect(taken == [true, true, false, true, false])
        let later = moment + .hours(1)
        let afterwards = [limit.take(now: later), limit.take(now: later), limit.take(now: later)]
        #expect(afterwards == [true, true, false])
    }
}

@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    /// Fails so many calls of each method and then answers; counts them all.
    private final class Flaky: Sendable {
        let calls = Mutex(0)

        func service(failing failures: Int, with error: RPCError) -> TestService {
            let answer: @Sendable (Text) throws -> Text = { request in
                let number = self.calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if number <= failures { throw error }
                return request
            }
            return TestService(
                .unary(echo) { request, _ in try answer(request) },
                .unary(collect) { request, _ in try answer(request) })
        }
    }

    @Test func idempotentCallIsMadeAgainUntilItSucceeds() async throws {
        let flaky = Flaky()
        try await withServerAndClient(flaky.service(failing: 3, with: unavailable)) { client in
            let reply = try await client.unary(echo, "x")
            #expect(reply == "x")
        }
        #expect(flaky.calls.withLock { $0 } == 4)
    }

    @Test func callerGetsTheErrorOfTheLastAttempt() async throws {
        let flaky = Flaky()
        try await withServerAndClient(flaky.service(failing: .max, with: unavailable)) { client in
            let error = await expectStatus(.unavailable) { _ = try await client.unary(echo, "x") }
            #expect(error?.detail == "not now")
        }
        #expect(flaky.calls.withLock { $0 } == 4)
    }

    @Test func callThatMayHaveDoneSomethingIsMadeOnce() async throws {
        let flaky = Flaky()
        try await withServerAndClient(flaky.service(failing: 1, with: unavailable)) { client in
            await expectStatus(.unavailable) { _ = try await client.unary(collect, "x") }
        }
        #expect(flaky.calls.withLock { $0 } == 1)
    }

    @Test func outageIsNotMultiplied() async throws {
        let flaky = Flaky()
        try await withServerAndClient(flaky.service(failing: .max, with: unavailable)) { client in
            for _ in 0..<20 { await expectStatus(.unavailable) { _ = try await client.unary(echo, "x") } }
        }
        // Four for the first call, and then the throttle closes.
        #expect(flaky.calls.withLock { $0 } == 23)
    }

    @Test func waitForTheNextAttemptEndsWithTheCallersTask() async throws {
        let failed = Event()
        let service = TestService(
            .unary(echo) { _, _ in
                failed.signal()
                throw RPCError(.unavailable, "later", retryAfter: .seconds(5))
            })
        try await withServerAndClient(service) { client in
            let call = Task { try await client.unary(echo, "x") }
            try await failed.value()
            call.cancel()
            await expectStatus(.cancelled) { _ = try await call.value }
        }
    }

    @Test func stoppedClientDoesNotWaitForTheNextAttempt() async throws {
        let failed = Event()
        let service = TestService(
            .unary(echo) { _, _ in
                failed.signal()
                throw RPCError(.unavailable, "later", retryAfter: .seconds(5))
            })
        let call = try await withServerAndClient(service) { client in
            let call = Task { try await client.unary(echo, "x") }
            try await failed.value()
            return call
        }
        await expectStatus(.unavailable) { _ = try await call.value }
    }

    @Test func streamThatTheServerNeverTookIsOpenedOnTheNextConnection() async throws {
        let address = socketAddress()
        let draining = try await ScriptedServer(
            address, answers: [.goAway(lastStream: 0, RPCError(.unavailable, "the server is stopping"))])
        try await withClient(address) { client in
            let call = Task {
                try await client.bidirectional(chat) { writer, replies in
                    try await draining.left.value()
                    writer.finish()
                    return try await replies.next()
                }
            }
            try await draining.left.value()
            try await draining.close()
            let service = TestService(.bidirectional(chat) { _, writer, _ in try await writer.write("taken") })
            try await withServer(service, at: address) { _ in
                let reply = try await call.value
                #expect(reply == "taken")
            }
        }
    }
}
