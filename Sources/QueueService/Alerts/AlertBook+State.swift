// Which alerts there are, and what is to be sent about them, as a pure value: what was seen goes in, what is over comes out.

import AnalysisAPI
import Crypto
import Foundation
import RPC

/// One thing that is not as it should be, or nearly so, as it was seen at one instant.
struct AlertCondition: Sendable {
    enum Standing: Sendable {
        case wrong
        /// Neither: an alert goes on, and none begins.
        case between
    }

    let key: AlertKey
    let severity: AlertSeverity
    let standing: Standing
    let summary: String
    var value = 0.0
    var threshold = 0.0
    var unit = ""
}

/// What an alert is about. Of each, at most one lasts at a time.
struct AlertKey: Hashable, Codable, Sendable {
    var kind: Int32
    var subject: String
    var userID: String

    init(_ kind: AlertKind, _ subject: String = "", userID: String = "") {
        self.kind = kind.rawValue
        self.subject = subject
        self.userID = userID
    }
}

/// The alerts of a system.
///
///     quiet ──wrong──▶ suspected ──wrong for `hold`──▶ raised ──neither wrong nor nearly──▶ calming ──for `hold`──▶ over
///       ▲                  │                             ▲  │                                  │
///       └───not wrong──────┘                             │  └──unacknowledged──▶ escalated     │
///                                                        └────────────wrong or nearly──────────┘
struct AlertBook: Codable, Equatable, Sendable {
    /// Since when what is no alert yet has been wrong, in milliseconds.
    private(set) var suspects: [AlertKey: Int64] = [:]
    private(set) var active: [AlertKey: Active] = [:]
    private(set) var deliveries: [AlertDelivery] = []
    /// What the log has told of failures, as far as it was read when this was stored.
    private(set) var tally = FailureTally()
    /// SHA-256 of the ids of users who are gone → since when, in milliseconds: another replica may still know of them.
    private var erased: [String: Int64] = [:]
    private static let erasedMs: Int64 = 3_600_000

    /// The share by which a figure must have changed to be told again.
    private static let change = 0.1

    struct Active: Codable, Equatable, Sendable {
        var alert: Stored<Alert>
        /// Since when it has been well, in milliseconds.
        var calmSinceMs: Int64?
        /// Whether its beginning was sent; nil: it was raised by a version that does not say.
        var isTold: Bool?
    }

    /// The alerts that last, the most severe first, then the latest.
    var alerts: [Alert] {
        active.values.map(\.alert.value).sorted {
            ($0.severity.rawValue, $0.raisedAtMs, $0.id) > ($1.severity.rawValue, $1.raisedAtMs, $1.id)
        }
    }

    /// Takes note of all that is not as it should be; what is not among `conditions` is well.
    ///
    /// - Parameter makeID: a fresh id for an alert.
    /// - Returns: the alerts that are over.
    mutating func observe(
        _ conditions: [AlertCondition], atMs: Int64, rules: AlertRules, makeID: () -> String
    ) -> [Alert] {
        let seen = Dictionary(
            conditions.filter { !isErased($0.key.userID) }.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }
        )
        let holdMs = rules.hold.milliseconds

        suspects = suspects.filter { seen[$0.key]?.standing == .wrong }
        for (key, condition) in seen where condition.standing == .wrong && active[key] == nil {
            guard atMs - suspects[key, default: atMs] >= holdMs else {
                suspects[key] = suspects[key] ?? atMs
                continue
            }
            suspects[key] = nil
            raise(condition, id: makeID(), atMs: atMs, rules: rules)
        }

        var over: [Alert] = []
        for key in active.keys {
            if let condition = seen[key] {
                active[key]?.calmSinceMs = nil
                // What changes little is not worth telling.
                if let told = active[key]?.alert.value.value, abs(condition.value - told) > Self.change * abs(told) {
                    active[key]?.alert.value.value = condition.value
                    active[key]?.alert.value.summary = condition.summary
                }
            } else if let since = active[key]?.calmSinceMs ?? (holdMs == 0 ? atMs : nil), atMs - since >= holdMs {
                if let alert = clear(key, atMs: atMs, rules: rules) { over.append(alert) }
            } else if active[key]?.calmSinceMs == nil {
                active[key]?.calmSinceMs = atMs
            }
        }
        escalate(atMs: atMs, rules: rules)
        return over
    }

    private mutating func raise(_ condition: AlertCondition, id: String, atMs: Int64, rules: AlertRules) {
        let kind = AlertKind(rawValue: condition.key.kind)
        let alert = Alert(
            id: id, kind: kind, subject: condition.key.subject, userID: condition.key.userID,
            severity: condition.severity, summary: condition.summary, advice: kind.advice, value: condition.value,
            threshold: condition.threshold, unit: condition.unit, raisedAtMs: atMs)
        active[condition.key] = Active(alert: Stored(alert), isTold: rules.isSent)
        if rules.isSent { send(.raised, alert, to: .first, atMs: atMs) }
    }

    private mutating func clear(_ key: AlertKey, atMs: Int64, rules: AlertRules) -> Alert? {
        guard let state = active.removeValue(forKey: key) else { return nil }
        var alert = state.alert.value
        alert.clearedAtMs = atMs
        // Whoever was told of it is told of its end, by whoever told it.
        if state.isTold ?? rules.isSent { send(.cleared, alert, to: .first, atMs: atMs) }
        if alert.escalatedAtMs > 0 { send(.cleared, alert, to: .escalation, atMs: atMs) }
        return alert
    }

    private mutating func escalate(atMs: Int64, rules: AlertRules) {
        guard let patience = rules.escalateAfter?.milliseconds else { return }
        for (key, state) in active {
            let alert = state.alert.value
            guard alert.escalatedAtMs == 0, alert.acknowledgedAtMs == 0, atMs - alert.raisedAtMs >= patience else {
                continue
            }
            active[key]?.alert.value.escalatedAtMs = atMs
            if let alert = active[key]?.alert.value { send(.escalated, alert, to: .escalation, atMs: atMs) }
        }
    }

    /// Notes that somebody looks after an alert.
    ///
    /// - Returns: the alert; nil where none that lasts has the id.
    mutating func acknowledge(_ id: String, by name: String, note: String, atMs: Int64) -> Alert? {
        guard let key = active.first(where: { $0.value.alert.value.id == id })?.key else { return nil }
        if active[key]?.alert.value.acknowledgedAtMs == 0 {
            active[key]?.alert.value.acknowledgedAtMs = atMs
            active[key]?.alert.value.acknowledgedBy = name
            active[key]?.alert.value.note = note
        }
        return active[key]?.alert.value
    }

    /// Keeps what the log has told.
    mutating func take(_ tally: FailureTally, atMs: Int64) {
        self.tally = tally
        self.tally.forget(where: isErased)
        erased = erased.filter { $0.value > atMs - Self.erasedMs }
    }

    private func isErased(_ userID: String) -> Bool {
        !erased.isEmpty && !userID.isEmpty && erased[userHash(userID)] != nil
    }

    /// Forgets what is about a user; `alias` takes the place of their name elsewhere.
    mutating func forget(userID: String, alias: String, atMs: Int64) {
        erased[userHash(userID)] = atMs
        active = active.filter { $0.key.userID != userID }
        suspects = suspects.filter { $0.key.userID != userID }
        deliveries.removeAll { $0.userID == userID }
        tally.forget { $0 == userID }
        for key in active.keys where active[key]?.alert.value.acknowledgedBy == userID {
            active[key]?.alert.value.acknowledgedBy = alias
            active[key]?.alert.value.note = ""
        }
    }

    // MARK: What is to be sent

    private mutating func send(
        _ event: AlertDelivery.Event, _ alert: Alert, to target: AlertDelivery.Target, atMs: Int64
    ) {
        deliveries.append(AlertDelivery(event, alert, to: target, atMs: atMs))
    }

    /// The next to be sent to a target now. What is about one alert is sent in its order.
    func due(to target: AlertDelivery.Target, atMs: Int64) -> AlertDelivery? {
        var blocked: Set<String> = []
        for delivery in deliveries where delivery.target == target && !blocked.contains(delivery.alertID) {
            if delivery.nextAtMs <= atMs { return delivery }
            blocked.insert(delivery.alertID)
        }
        return nil
    }

    /// It has arrived, or will never.
    mutating func remove(_ delivery: AlertDelivery) {
        deliveries.removeAll { $0.id == delivery.id && $0.target == delivery.target }
    }

    /// It has not arrived.
    ///
    /// - Parameter jitter: from 0 to 1, which spreads what failed together.
    /// - Returns: whether it is tried again.
    mutating func retry(_ delivery: AlertDelivery, atMs: Int64, jitter: Double) -> Bool {
        guard atMs - delivery.sinceMs < AlertDelivery.patience.milliseconds else {
            remove(delivery)
            return false
        }
        for index in deliveries.indices
        where deliveries[index].id == delivery.id && deliveries[index].target == delivery.target {
            deliveries[index].attempts += 1
            deliveries[index].nextAtMs = atMs + AlertDelivery.pauseMs(after: deliveries[index].attempts, jitter: jitter)
        }
        return true
    }
}

extension AlertKind {
    /// What to do about it first.
    var advice: String {
        switch self {
        case .queueBackedUp:
            "See what waits: `analysisctl jobs list`. Start more workers or add lanes, or clear what nobody needs."
        case .oldestWait:
            "See what runs and what holds the queue back: `analysisctl status`. Add workers or lanes where it is busy."
        case .noWorker: "Start a worker, and look into its log: why the last one ended, or cannot connect."
        case .workerStuck:
            "See what it does: `analysisctl workers`. The song ends with its time-out; a worker that is stuck again has a "
                + "slow disk or a broken analyzer."
        case .failureRate:
            "See why: `analysisctl jobs list --failed`. One reason for all is an analyzer or a disk, not the songs."
        case .songFailing: "See why in the song's history; a damaged file must be replaced or removed from the library."
        case .analyzerFailing:
            "Run the analyzer by hand with one of the songs; its last errors: `analysisctl workers`."
        case .circuitOpen:
            "Mend the analyzer; no song is lost meanwhile. Work goes on by itself with the first song that passes it."
        case .redisMemory:
            "Give Redis more memory (maxmemory), or keep less: --retention-hours, --result-days. A full Redis takes no new work."
        case .redisAway: "See whether Redis runs and can be reached; nothing is lost, and work goes on when it is back."
        case .unspecified, .unrecognized: ""
        }
    }
}

/// What tells who is gone where their id must not stand, in hexadecimal.
func userHash(_ userID: String) -> String { SHA256.hash(data: Data(userID.utf8)).hexadecimal }

/// A message as a book stores it.
struct Stored<Value: Message & Equatable>: Codable, Equatable, Sendable {
    var value: Value

    init(_ value: Value) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        value = try Value(stored: decoder.singleValueContainer().decode([UInt8].self))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value.stored)
    }
}
