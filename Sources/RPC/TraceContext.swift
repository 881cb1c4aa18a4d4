// The W3C Trace Context (https://www.w3.org/TR/trace-context/) of the request that the present task works for.

package import Instrumentation

/// Where a request stands in a trace: it goes along with every call, so that what all processes log about it can be found
/// together.
package struct TraceContext: Sendable, Hashable {
    /// 16 bytes in hexadecimal, not all 0.
    package let traceID: String
    /// 8 bytes in hexadecimal, not all 0: of what this process does for the request.
    package let spanID: String
    /// Bit 0: the trace is recorded somewhere.
    package let flags: UInt8
    /// What vendors of tracing say to each other (`tracestate`); passed on as it came.
    package let state: String

    /// What a vendor may say; longer ones are dropped.
    private static let longestState = 512

    /// A trace that begins here.
    package init() {
        var random = SystemRandomNumberGenerator()
        self.init(using: &random)
    }

    package init(using random: inout some RandomNumberGenerator) {
        traceID = Self.hexadecimal(random.next()) + Self.hexadecimal(.random(in: 1...(.max), using: &random))
        spanID = Self.hexadecimal(.random(in: 1...(.max), using: &random))
        (flags, state) = (1, "")
    }

    /// - Returns: nil where `traceparent` is none that version 00, or what a later one has in common with it, allows.
    package init?(traceparent: String, tracestate: String = "") {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, Self.isHexadecimal(parts[0], 2), parts[0] != "ff", parts[0] != "00" || parts.count == 4,
            Self.isHexadecimal(parts[1], 32), parts[1].contains(where: { $0 != "0" }), Self.isHexadecimal(parts[2], 16),
            parts[2].contains(where: { $0 != "0" }), Self.isHexadecimal(parts[3], 2),
            let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        (traceID, spanID, self.flags) = (String(parts[1]), String(parts[2]), flags)
        state = tracestate.utf8.count <= Self.longestState ? tracestate : ""
    }

    private init(traceID: String, spanID: String, flags: UInt8, state: String) {
        (self.traceID, self.spanID, self.flags, self.state) = (traceID, spanID, flags, state)
    }

    /// The same trace, one step further: what is done here for the sender's span.
    package var child: TraceContext {
        TraceContext(traceID: traceID, spanID: Self.hexadecimal(.random(in: 1...(.max))), flags: flags, state: state)
    }

    package var traceparent: String { "00-\(traceID)-\(spanID)-\(Self.hexadecimal(UInt64(flags)).suffix(2))" }

    /// Lower case, as the recommendation has it: upper case is no header of it.
    private static func isHexadecimal(_ text: Substring, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What goes along with a task and everything that it calls, in this process and beyond.
extension ServiceContext {
    private enum TraceKey: ServiceContextKey {
        typealias Value = TraceContext
        static var nameOverride: String? { "trace" }
    }
    private enum RequestKey: ServiceContextKey {
        typealias Value = String
        static var nameOverride: String? { "request-id" }
    }

    package var trace: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    /// Names the HTTP request that all this is done for.
    package var requestID: String? {
        get { self[RequestKey.self] }
        set { self[RequestKey.self] = newValue }
    }

    /// The trace of the present task, as a job stores it; empty: there is none.
    package static var traceparent: String { current?.trace?.traceparent ?? "" }

    /// Runs `body` as part of a trace that was handed on with a job; without one, as it is.
    package static func continuing<Value>(
        _ traceparent: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
    ) async rethrows -> Value {
        guard let trace = TraceContext(traceparent: traceparent) else { return try await body() }
        var context = current ?? .topLevel
        context.trace = trace.child
        return try await $current.withValue(context, operation: body)
    }
}

extension Metadata {
    private static let parent = "traceparent", state = "tracestate", request = "request-id"

    /// What the sender says of its trace and its request; nil where it says nothing, which costs nothing.
    var serviceContext: ServiceContext? {
        guard !isEmpty else { return nil }
        let trace = self[Self.parent].flatMap { TraceContext(traceparent: $0, tracestate: self[Self.state] ?? "") }
        let request = self[Self.request]
        guard trace != nil || request != nil else { return nil }
        var context = ServiceContext.topLevel
        context.trace = trace?.child
        context.requestID = request
        return context
    }

    /// Adds what the receiver is to know of the present task's trace and request, unless it stands there already.
    mutating func add(_ context: ServiceContext) {
        if let trace = context.trace, self[Self.parent] == nil {
            add(Self.parent, trace.traceparent.utf8)
            if !trace.state.isEmpty { add(Self.state, trace.state.utf8) }
        }
        if let request = context.requestID, self[Self.request] == nil { add(Self.request, request.utf8) }
    }
}
