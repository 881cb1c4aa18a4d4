// Alerts, and what administrators did, as administrators see them.

import AnalysisAPI

struct AlertJSON: Codable, Sendable {
    let id: String
    let kind: String
    let severity: String
    let subject: String
    @OrNull var userID: Identifier?
    let summary: String
    let advice: String
    let value: Double
    let threshold: Double
    let unit: String
    let raisedAt: Timestamp
    @OrNull var clearedAt: Timestamp?
    @OrNull var acknowledgedAt: Timestamp?
    @OrNull var acknowledgedBy: String?
    let note: String
    @OrNull var escalatedAt: Timestamp?

    init(_ alert: Alert) {
        id = alert.id
        kind = alert.kind.contractName
        severity = alert.severity.contractName
        subject = alert.subject
        userID = Identifier(nonEmpty: alert.userID)
        summary = alert.summary
        advice = alert.advice
        value = alert.value
        threshold = alert.threshold
        unit = alert.unit
        raisedAt = Timestamp(millisecondsSince1970: alert.raisedAtMs)
        clearedAt = Timestamp(alert.clearedAtMs)
        acknowledgedAt = Timestamp(alert.acknowledgedAtMs)
        acknowledgedBy = alert.acknowledgedBy.isEmpty ? nil : alert.acknowledgedBy
        note = alert.note
        escalatedAt = Timestamp(alert.escalatedAtMs)
    }
}

struct AlertsAnswer: Answer {
    var success = true
    /// Those that last, the most severe first.
    let active: [AlertJSON]
    /// Those that are over, the latest first.
    let past: [AlertJSON]
}

struct AlertAnswer: Answer {
    var success = true
    let alert: AlertJSON
}

struct AcknowledgeBody: Decodable, Sendable, Limited {
    let note: String?

    static let limits: [String: JSONValue] = ["note": ["maxLength": 500]]
}

struct AuditAnswer: Answer {
    var success = true
    let entries: [Entry]
    @OrNull var nextPageToken: String?

    struct Entry: Codable, Sendable {
        let id: String
        let at: Timestamp
        /// The administrator who was signed in, or the process that called.
        let actor: String
        /// Such as `Queue/PauseQueue`.
        let action: String
        @OrNull var userID: Identifier?
        let target: String
        let detail: String
        /// `OK`, or the status with which it was refused.
        let outcome: String
        let error: String

        init(_ entry: AuditEntry) {
            id = entry.id
            at = Timestamp(millisecondsSince1970: entry.atMs)
            actor = entry.actor
            action = entry.action.split(separator: ".").last.map(String.init) ?? entry.action
            userID = Identifier(nonEmpty: entry.userID)
            target = entry.target
            detail = entry.detail
            outcome = entry.outcome
            error = entry.error
        }
    }
}

extension AlertKind {
    fileprivate var contractName: String {
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
    fileprivate var contractName: String {
        switch self {
        case .critical: "critical"
        case .warning: "warning"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}
