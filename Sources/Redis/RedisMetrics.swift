import Metrics
import NIOCore

/// What is measured of a client's commands. Its handles are looked up once, so that a command that succeeds costs no more than
/// what the clock and the metrics' backend take.
struct RedisMetrics: Sendable {
    private let duration = Metrics.Timer(label: "analysis_redis_command_duration_seconds")
    let connects = Counter(label: "analysis_redis_connects_total")

    /// - Parameter began: when the caller sent it.
    func answered(began: NIODeadline) {
        duration.recordNanoseconds((NIODeadline.now() - began).nanoseconds)
    }

    func failed(_ error: any Error) {
        guard let error = error as? RedisError else { return }
        Counter(label: "analysis_redis_errors_total", dimensions: [("code", error.code)]).increment()
    }
}

extension RedisError {
    /// Redis' own, or a word for what kept it from answering.
    fileprivate var code: String {
        switch self {
        case .server(let error): error.code
        case .unknownOutcome: "unknown_outcome"
        case .timedOut: "timed_out"
        case .unavailable: "unavailable"
        case .protocolViolation: "protocol_violation"
        case .invalidCommand: "invalid_command"
        }
    }
}
