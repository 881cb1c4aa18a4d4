// What is measured of the calls of a method.

import Metrics
import NIOCore

/// The calls of one method as one side sees them. Its handles are looked up once, so that a call that succeeds costs no more than
/// what the clock and the metrics' backend take.
final class CallMetrics: Sendable {
    enum Side: String {
        case server
        case client
    }

    private let side: Side
    private let method: String
    private let duration: Metrics.Timer?

    /// - Parameter isStream: it lasts as long as its users like, which says nothing.
    init(_ side: Side, method: String, isStream: Bool = false) {
        self.side = side
        self.method = method
        duration =
            isStream
            ? nil
            : Timer(label: "analysis_rpc_\(side.rawValue)_call_duration_seconds", dimensions: [("method", method)])
    }

    func ended(began: NIODeadline, _ code: StatusCode) {
        duration?.recordNanoseconds((NIODeadline.now() - began).nanoseconds)
        if code != .ok { failed(code) }
    }

    func failed(_ code: StatusCode) {
        Counter(
            label: "analysis_rpc_\(side.rawValue)_errors_total", dimensions: [("method", method), ("code", "\(code)")]
        ).increment()
    }

    /// Calls of methods that the server does not have, whatever they are called.
    static let unknownMethods = CallMetrics(.server, method: "unknown", isStream: true)
}
