// What a webhook is to be told: its body, and when it is tried next.

import AnalysisAPI
import Foundation

struct AlertDelivery: Codable, Equatable, Sendable {
    enum Target: String, Codable, Sendable, CaseIterable {
        case first
        /// Told where nobody acknowledges.
        case escalation
    }

    enum Event: String, Codable, Sendable {
        case raised = "alert.raised"
        case escalated = "alert.escalated"
        case cleared = "alert.cleared"
    }

    /// The same for every attempt: a receiver that knows it already has had the event.
    let id: String
    let alertID: String
    /// Whose data the alert is about; empty: nobody's alone.
    let userID: String
    let target: Target
    /// JSON.
    let body: String
    let sinceMs: Int64
    var attempts = 0
    var nextAtMs: Int64

    /// After so long it is given up.
    static let patience = Duration.seconds(86_400)
    /// The longest pause after the first attempt, and after any.
    private static let pauses = (first: 2000.0, cap: 300_000.0)

    init(_ event: Event, _ alert: Alert, to target: Target, atMs: Int64) {
        id = "\(alert.id)-\(event.rawValue.split(separator: ".").last ?? "")"
        alertID = alert.id
        userID = alert.userID
        self.target = target
        sinceMs = atMs
        nextAtMs = atMs
        body = Self.json(Body(type: event, timestamp: ISOTime(atMs), data: .init(alert)))
    }

    /// A pause that doubles, between half of it and all of it.
    static func pauseMs(after attempts: Int, jitter: Double) -> Int64 {
        let pause = min(pauses.cap, pauses.first * pow(2, Double(min(attempts, 20) - 1)))
        return Int64(pause * (0.5 + jitter / 2))
    }

    private static func json(_ body: Body) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(body)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// As docs/operations.md describes it. It names nobody: what is sent away cannot be erased.
private struct Body: Encodable {
    let type: AlertDelivery.Event
    let timestamp: ISOTime
    let data: AlertData
}

private struct AlertData: Encodable {
    let id, kind, subject, severity, summary, advice: String
    let value, threshold: Double
    let unit: String
    let raisedAt: ISOTime
    let clearedAt, escalatedAt, acknowledgedAt: ISOTime?

    init(_ alert: Alert) {
        (id, kind, subject) = (alert.id, alert.kind.name, alert.subject)
        (severity, summary, advice) = (alert.severity.name, alert.summary, alert.advice)
        (value, threshold, unit) = (alert.value, alert.threshold, alert.unit)
        raisedAt = ISOTime(alert.raisedAtMs)
        clearedAt = alert.clearedAtMs == 0 ? nil : ISOTime(alert.clearedAtMs)
        escalatedAt = alert.escalatedAtMs == 0 ? nil : ISOTime(alert.escalatedAtMs)
        acknowledgedAt = alert.acknowledgedAtMs == 0 ? nil : ISOTime(alert.acknowledgedAtMs)
    }
}

/// A moment, as ISO 8601 in UTC with milliseconds.
struct ISOTime: Encodable {
    let milliseconds: Int64

    init(_ milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(
            Date(timeIntervalSince1970: Double(milliseconds) / 1000)
                .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}

extension AlertKind {
    /// As receivers and people read it, such as `no_worker`.
    var name: String {
        switch self {
        case .queueBackedUp: "queue_backed_up"
        case .oldestWait: "oldest_wait"
        case .noWorker: "no_worker"
        case .workerStuck: "worker_stuck"
        case .failureRate: "failure_rate"
        case .songFailing: "song_failing"
        case .analyzerFailing: "analyzer_failing"
        case .circuitOpen: "circuit_open"
        case .redisMemory: "redis_memory"
        case .redisAway: "redis_away"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}

extension AlertSeverity {
    var name: String {
        switch self {
        case .critical: "critical"
        case .warning: "warning"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}
