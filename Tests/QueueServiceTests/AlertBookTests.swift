// What is promised about alerts: raised once when something lasts, over once when it has gone, and told in order.

import AnalysisAPI
import Crypto
import Foundation
import Testing

@testable import QueueService

@Suite struct AlertBookTests {
    static let key = AlertKey(.noWorker)
    static let rules: AlertRules = {
        var rules = AlertRules()
        rules.hold = .seconds(10)
        rules.isSent = true
        return rules
    }()

    /// A book that is told every second whether something is wrong, and counts what comes of it.
    struct Watched {
        var book = AlertBook()
        var rules = AlertBookTests.rules
        var atMs: Int64 = 1_000_000
        var ids = 0
        var over: [Alert] = []

        mutating func see(_ standing: AlertCondition.Standing?, seconds: Int = 1, value: Double = 1) {
            for _ in 0..<seconds {
                let conditions = standing.map {
                    [AlertCondition(key: key, severity: .critical, standing: $0, summary: "none", value: value)]
                }
                over += book.observe(conditions ?? [], atMs: atMs, rules: rules) {
                    ids += 1
                    return "a\(ids)"
                }
                atMs += 1000
            }
        }
    }

    @Test func whatLastsIsRaisedOnceAndOverOnce() throws {
        var watched = Watched()
        watched.see(.wrong, seconds: 10)
        #expect(watched.book.alerts.isEmpty)
        watched.see(.wrong, seconds: 100)
        let alert = try #require(watched.book.alerts.first)
        #expect(watched.book.alerts.count == 1 && alert.raisedAtMs == 1_010_000 && alert.clearedAtMs == 0)
        #expect(!alert.advice.isEmpty)
        watched.see(nil, seconds: 10)
        #expect(watched.over.isEmpty && watched.book.alerts.count == 1)
        watched.see(nil, seconds: 100)
        #expect(watched.over.map(\.id) == ["a1"] && watched.over.first?.clearedAtMs == 1_120_000)
        #expect(watched.book.alerts.isEmpty && watched.ids == 1)
        #expect(watched.book.deliveries.map(\.id) == ["a1-raised", "a1-cleared"])
    }

    @Test func whatComesAndGoesIsNoAlert() {
        var watched = Watched()
        for _ in 0..<20 {
            watched.see(.wrong, seconds: 9)
            watched.see(nil)
        }
        #expect(watched.book.alerts.isEmpty && watched.ids == 0)
    }

    @Test func anAlertLastsWhileItKeepsComingBackOrIsNearlyWrong() {
        var watched = Watched()
        watched.see(.wrong, seconds: 11)
        for _ in 0..<20 {
            watched.see(nil, seconds: 9)
            watched.see(.between)
        }
        #expect(watched.book.alerts.map(\.id) == ["a1"] && watched.over.isEmpty)
        var nearly = Watched()
        nearly.see(.between, seconds: 100)
        #expect(nearly.book.alerts.isEmpty)
    }

    @Test func withoutAHoldWhatIsSeenCountsAtOnce() {
        var watched = Watched()
        watched.rules.hold = .zero
        watched.see(.wrong)
        #expect(watched.book.alerts.count == 1)
        watched.see(nil)
        #expect(watched.over.count == 1)
    }

    @Test func whatNobodyAcknowledgesIsEscalatedOnce() {
        var watched = Watched()
        watched.rules.escalateAfter = .seconds(30)
        watched.see(.wrong, seconds: 100)
        #expect(watched.book.alerts.first?.escalatedAtMs == 1_040_000)
        watched.see(nil, seconds: 20)
        #expect(
            watched.book.deliveries.map { "\($0.target) \($0.id)" } == [
                "first a1-raised", "escalation a1-escalated", "first a1-cleared", "escalation a1-cleared",
            ])
    }

    @Test func whoWasToldOfAnAlertIsToldOfItsEndByWhoeverKnows() {
        var watched = Watched()
        watched.see(.wrong, seconds: 20)
        watched.rules.isSent = false
        watched.see(nil, seconds: 20)
        #expect(watched.book.deliveries.map(\.id) == ["a1-raised", "a1-cleared"])
        watched.see(.wrong, seconds: 20)
        watched.rules.isSent = true
        watched.see(nil, seconds: 20)
        #expect(watched.book.deliveries.map(\.id) == ["a1-raised", "a1-cleared"])
    }

    @Test func whatIsAcknowledgedIsNotEscalated() {
        var watched = Watched()
        watched.rules.escalateAfter = .seconds(30)
        watched.see(.wrong, seconds: 20)
        let alert = watched.book.acknowledge("a1", by: "ada", note: "mine", atMs: watched.atMs)
        #expect(alert?.acknowledgedBy == "ada" && alert?.note == "mine" && alert?.acknowledgedAtMs == watched.atMs)
        _ = watched.book.acknowledge("a1", by: "bob", note: "", atMs: watched.atMs + 1)
        #expect(watched.book.alerts.first?.acknowledgedBy == "ada")
        watched.see(.wrong, seconds: 100)
        #expect(watched.book.alerts.first?.escalatedAtMs == 0)
        let unknown = watched.book.acknowledge("a2", by: "ada", note: "", atMs: 0)
        #expect(unknown == nil)
    }

    @Test func whatFailsIsSentAgainLaterAndLaterAndNothingOvertakesIt() throws {
        var watched = Watched()
        watched.see(.wrong, seconds: 11)
        watched.see(nil, seconds: 11)
        var atMs = watched.atMs
        let first = try #require(watched.book.due(to: .first, atMs: atMs))
        #expect(first.id == "a1-raised")
        #expect(watched.book.due(to: .escalation, atMs: atMs) == nil)
        var pauses: [Int64] = []
        for _ in 0..<10 {
            let delivery = try #require(watched.book.due(to: .first, atMs: atMs))
            #expect(delivery.id == "a1-raised")
            let isTriedAgain = watched.book.retry(delivery, atMs: atMs, jitter: 1)
            #expect(isTriedAgain)
            #expect(watched.book.due(to: .first, atMs: atMs) == nil)
            let next = try #require(watched.book.deliveries.first?.nextAtMs)
            pauses.append(next - atMs)
            atMs = next
        }
        #expect(pauses.prefix(4) == [2000, 4000, 8000, 16_000] && pauses.last == 300_000)
        #expect(AlertDelivery.pauseMs(after: 3, jitter: 0) == 4000)
        watched.book.remove(first)
        #expect(watched.book.due(to: .first, atMs: atMs)?.id == "a1-cleared")
    }

    @Test func whatIsNotTakenForADayIsGivenUp() throws {
        var watched = Watched()
        watched.see(.wrong, seconds: 11)
        let delivery = try #require(watched.book.due(to: .first, atMs: watched.atMs))
        let isTriedAgain = watched.book.retry(delivery, atMs: watched.atMs + 86_400_000, jitter: 0.5)
        #expect(!isTriedAgain)
        #expect(watched.book.deliveries.isEmpty)
    }

    @Test func nothingOfAUserIsLeft() throws {
        var book = AlertBook()
        let condition = AlertCondition(
            key: AlertKey(.songFailing, "s1", userID: "mallory"), severity: .warning, standing: .wrong,
            summary: "s1 fails")
        var tally = FailureTally()
        tally.note("song_failed", userID: "mallory", songID: "s1", reason: "damaged", atMs: 0)
        book.take(tally, atMs: 0)
        var rules = Self.rules
        rules.hold = .zero
        _ = book.observe([condition], atMs: 0, rules: rules) { "a1" }
        let text = String(decoding: try JSONEncoder().encode(book), as: UTF8.self)
        #expect(text.contains("mallory"))
        book.forget(userID: "mallory", alias: "erased-1", atMs: 0)
        // What another replica still has in memory does not bring them back.
        _ = book.observe([condition], atMs: 0, rules: rules) { "a2" }
        book.take(tally, atMs: 1)
        #expect(!String(decoding: try JSONEncoder().encode(book), as: UTF8.self).contains("mallory"))
        #expect(book.alerts.isEmpty && book.deliveries.isEmpty)
    }

    @Test func aBookThatWasStoredIsTheSame() throws {
        var watched = Watched()
        watched.see(.wrong, seconds: 11)
        var tally = FailureTally()
        tally.note("song_failed", userID: "u", songID: "s:1", reason: "damaged", atMs: 5)
        watched.book.take(tally, atMs: 5)
        let stored = try JSONEncoder().encode(watched.book)
        #expect(try JSONDecoder().decode(AlertBook.self, from: stored) == watched.book)
    }

    @Test func aDeliveryIsSignedAsStandardWebhooksHasIt() throws {
        // The example of github.com/standard-webhooks/standard-webhooks: its secret, message and signature.
        let secret = try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let code = Webhook.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330, body: #"{"test": 2432232314}"#,
            secret: SymmetricKey(data: secret))
        #expect(code == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }
}
