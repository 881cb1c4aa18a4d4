// What is promised about traces: they go along with calls, hop by hop.

import Instrumentation
import Testing

@testable import RPC

@Suite struct TraceContextTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func aHeaderIsReadAndWrittenAsItIs() throws {
        let trace = try #require(TraceContext(traceparent: Self.valid, tracestate: "a=1"))
        #expect(trace.traceparent == Self.valid && trace.state == "a=1")
        let child = trace.child
        #expect(child.traceID == trace.traceID && child.spanID != trace.spanID)
        #expect(child.flags == 1 && child.state == "a=1")
        #expect(TraceContext(traceparent: child.traceparent) != nil)
    }

    @Test func aLaterVersionIsReadAsFarAsItIsKnown() {
        #expect(TraceContext(traceparent: Self.valid.replacing("00-4", with: "cc-4") + "-what-comes")?.flags == 1)
    }

    @Test(arguments: [
        "", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
    ]) func whatIsNoHeaderIsNotRead(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func aLongStateIsDropped() {
        let state = String(repeating: "a", count: 513)
        #expect(TraceContext(traceparent: Self.valid, tracestate: state)?.state == "")
    }

    @Test func tracesThatBeginHereDiffer() {
        let traces = (0..<100).map { _ in TraceContext() }
        #expect(Set(traces.map(\.traceID)).count == 100)
        #expect(traces.allSatisfy { TraceContext(traceparent: $0.traceparent) == $0 })
    }
}

@Suite(.timeLimit(.minutes(1))) struct TracedCallTests {
    /// Tells its own trace, and what a call of its own is told.
    private func withTwoHops(_ body: (RPCClient) async throws -> Void) async throws {
        let inner = TestService(
            .unary(echo) { _, _ in
                let context = ServiceContext.current
                return Text("\(context?.trace?.traceparent ?? "none") \(context?.requestID ?? "none")")
            })
        try await withServerAndClient(inner) { inner in
            let outer = TestService(
                .unary(echo) { request, context in
                    let own = ServiceContext.current?.trace?.traceparent ?? "none"
                    return Text(
                        "\(own) \(context.metadata["tracestate"] ?? "none") \(try await inner.unary(echo, request).text)"
                    )
                })
            try await withServerAndClient(outer, body)
        }
    }

    @Test func aTraceGoesAlongHopByHopAndEachHasASpanOfItsOwn() async throws {
        try await withTwoHops { client in
            let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            var context = ServiceContext.topLevel
            context.trace = TraceContext(traceparent: header, tracestate: "vendor=1")
            context.requestID = "r1"
            let reply = try await ServiceContext.$current.withValue(context) { try await client.unary(echo, "") }
            let words = reply.text.split(separator: " ").map(String.init)
            #expect(words.count == 4 && words[1] == "vendor=1" && words[3] == "r1")
            let traces = [header, words[0], words[2]].compactMap { TraceContext(traceparent: $0) }
            #expect(traces.count == 3 && Set(traces.map(\.traceID)).count == 1 && Set(traces.map(\.spanID)).count == 3)
        }
    }

    @Test func aCallWithoutATraceHasNone() async throws {
        try await withTwoHops { client in
            let reply = try await client.unary(echo, "")
            #expect(reply == "none none none none")
        }
    }

    @Test func aTraceThatCannotBeReadIsNone() async throws {
        try await withTwoHops { client in
            let options = CallOptions(metadata: ["traceparent": "01-x"])
            let reply = try await client.unary(echo, "", options: options)
            #expect(reply == "none none none none")
        }
    }
}
