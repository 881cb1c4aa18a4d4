// The book of alerts in Redis, which all replicas share and one of them looks after.

import AnalysisAPI
import Foundation
import Redis

struct AlertStore: Sendable {
    let store: Store

    /// A book as it was read, and what tells whether it has changed since.
    struct Edition: Sendable {
        var version: Int64 = 0
        var book = AlertBook()
    }

    /// How long a replica that falls silent keeps the others waiting; longer than a webhook is waited for.
    private static let leaseLength = Duration.seconds(15)
    /// How many are kept that are over (alert_book.lua).
    static let maxPast = 1000

    /// Looking after the alerts.
    func duty(_ token: String) -> Duty {
        Duty(key: store.keys.alertLease, term: Self.leaseLength, store: store, token: token)
    }

    func edition(after known: Edition?) async throws -> Edition {
        let version = try await store.send("HGET", store.keys.alertBook, "version").int ?? 0
        if let known, known.version == version { return known }
        let fields = try await store.send("HGETALL", store.keys.alertBook).map ?? [:]
        guard let version = fields["version"]?.int, let bytes = fields["book"]?.bytes else { return Edition() }
        do {
            return Edition(version: version, book: try JSONDecoder().decode(AlertBook.self, from: Data(bytes)))
        } catch {
            // Another version's: what lasts is found again.
            return Edition(version: version)
        }
    }

    /// Stores a book that was made from an edition, and the alerts that are over.
    ///
    /// - Parameter token: of whoever must have the lease; empty: anybody may.
    /// - Throws: `QueueError.stale` where another edition came first, `.illegal` where another replica has the lease.
    func save(
        _ book: AlertBook, over: [Alert], after edition: Edition, keepSinceMs: Int64, token: String
    ) async throws -> Edition {
        let arguments: [RedisArgument] = [
            RedisArgument(token), RedisArgument(edition.version), RedisArgument(Array(try JSONEncoder().encode(book))),
            RedisArgument("(\(keepSinceMs)"),
        ]
        let past = over.flatMap { [RedisArgument($0.clearedAtMs), RedisArgument($0.stored)] }
        let version = try await store.run(\.alertBook, key: store.keys.alerts, arguments + past).int ?? 0
        return Edition(version: version, book: book)
    }

    /// Alerts that are over, the latest first.
    func past(limit: Int) async throws -> [Alert] {
        let entries = try await store.send("ZRANGE", store.keys.pastAlerts, 0, limit - 1, "REV")
        return try (entries.elements ?? []).compactMap(\.bytes).map { try Alert(stored: $0) }
    }

    /// Forgets the alerts about a user that are over, and whom `alias` stands for in the others.
    func forgetPast(of userID: String, alias: String) async throws {
        for bytes in try await store.send("ZRANGE", store.keys.pastAlerts, 0, -1).elements?.compactMap(\.bytes) ?? [] {
            var alert = try Alert(stored: bytes)
            guard alert.userID == userID || alert.acknowledgedBy == userID else { continue }
            try await store.send("ZREM", store.keys.pastAlerts, bytes)
            guard alert.userID != userID else { continue }
            (alert.acknowledgedBy, alert.note) = (alias, "")
            try await store.send("ZADD", store.keys.pastAlerts, alert.clearedAtMs, alert.stored)
        }
    }
}
