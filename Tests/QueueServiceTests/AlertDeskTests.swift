// What is promised about alerts on a real Redis, whichever replica looks after them.

import AnalysisAPI
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite struct AlertDeskTests {
    private static let rules: AlertRules = {
        var rules = AlertRules()
        rules.hold = .zero
        return rules
    }()

    /// The first alert that is told of and fits.
    private func alert(_ queue: RunningQueue, _ fits: @Sendable (Alert) -> Bool) async throws -> Alert {
        for try await alert in queue.alerts.watchAlerts(
            WatchAlertsRequest(), options: CallOptions(timeout: .seconds(60)))
        where fits(alert) { return alert }
        throw RPCError(.deadlineExceeded, "no such alert")
    }

    @Test func whereNoWorkerIsThatIsAnAlertUntilOneComes() async throws {
        try await withServingQueue(alerts: Self.rules) { queue in
            let raised = try await alert(queue) { $0.kind == .noWorker }
            #expect(raised.severity == .critical && raised.clearedAtMs == 0)
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                var over: [Alert] = []
                while over.isEmpty {
                    let list = try await queue.alerts.listAlerts(ListAlertsRequest())
                    // A machine that is slow for a second may have others.
                    over = list.past.filter { $0.kind == .noWorker }
                    if !over.isEmpty { #expect(!list.active.contains { $0.kind == .noWorker }) }
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(over.map(\.id) == [raised.id] && over[0].clearedAtMs > 0)
            }
        }
    }

    @Test func whoWatchesHearsOfItsEnd() async throws {
        try await withServingQueue(alerts: Self.rules) { queue in
            var ids: Set<String> = []
            var comes: Task<Void, any Error>?
            let alerts = queue.alerts.watchAlerts(
                WatchAlertsRequest(), options: CallOptions(timeout: .seconds(60)))
            for try await alert in alerts where alert.kind == .noWorker {
                ids.insert(alert.id)
                if alert.clearedAtMs > 0 { break }
                comes =
                    comes
                    ?? Task {
                        try await ScriptedWorker("w", of: queue).connected { try await Task.sleep(for: .seconds(60)) }
                    }
            }
            comes?.cancel()
            #expect(ids.count == 1)
        }
    }

    @Test func twoReplicasRaiseOneAlertAndEitherTakesItsAcknowledgement() async throws {
        try await withServingQueue(alerts: Self.rules) { queue in
            try await queue.withReplica { replica in
                try await replica.serving {
                    let first = try await alert(queue) { $0.kind == .noWorker }
                    let second = try await alert(replica) { $0.kind == .noWorker }
                    #expect(first.id == second.id)
                    let request = AcknowledgeAlertRequest(alertID: first.id, note: "mine")
                    let acknowledged = try await replica.alerts.acknowledgeAlert(request)
                    #expect(acknowledged.acknowledgedAtMs > 0 && acknowledged.note == "mine")
                    let told = try await alert(queue) { $0.acknowledgedAtMs > 0 }
                    #expect(told.id == first.id)
                    #expect(try await queue.alerts.listAlerts(ListAlertsRequest()).active.count == 1)
                }
            }
        }
    }

    @Test func anAlertOutlivesTheServiceThatRaisedIt() async throws {
        try await withQueue(alerts: Self.rules) { queue in
            let first = try await queue.serving { try await alert(queue) { $0.kind == .noWorker } }
            let again = try await queue.serving { try await alert(queue) { $0.kind == .noWorker } }
            #expect(first.id == again.id && first.raisedAtMs == again.raisedAtMs)
        }
    }

    @Test func whatIsNoAlertCannotBeAcknowledged() async throws {
        try await withServingQueue(alerts: Self.rules) { queue in
            let error =
                await Result {
                    try await queue.alerts.acknowledgeAlert(AcknowledgeAlertRequest(alertID: "nothing"))
                }.failure as? RPCError
            #expect(error?.code == .notFound)
            let long = AcknowledgeAlertRequest(alertID: "nothing", note: String(repeating: "a", count: 501))
            let refused = await Result { try await queue.alerts.acknowledgeAlert(long) }.failure as? RPCError
            #expect(refused?.code == .invalidArgument)
        }
    }

    @Test func aBookThatChangedMeanwhileIsNotOverwritten() async throws {
        try await withStore { store in
            let books = AlertStore(store: store)
            #expect(try await books.duty("a").take())
            #expect(try await !books.duty("b").take())
            var book = AlertBook()
            book.take(FailureTally(cursors: ["0": "1-1"]), atMs: 0)
            let first = try await books.save(book, over: [], after: .init(), keepSinceMs: 0, token: "a")
            await #expect(throws: QueueError.self) {
                try await books.save(AlertBook(), over: [], after: .init(), keepSinceMs: 0, token: "a")
            }
            await #expect(throws: QueueError.illegal("another replica looks after the alerts")) {
                try await books.save(AlertBook(), over: [], after: first, keepSinceMs: 0, token: "b")
            }
            #expect(try await books.edition(after: nil).book == book)
            try await books.duty("a").resign()
            #expect(try await books.duty("b").take())
        }
    }

    @Test func whatIsOverIsKeptForItsTime() async throws {
        try await withStore { store in
            let books = AlertStore(store: store)
            let over = [Alert(id: "old", clearedAtMs: 10), Alert(id: "late", clearedAtMs: 30)]
            let first = try await books.save(AlertBook(), over: over, after: .init(), keepSinceMs: 0, token: "")
            #expect(try await books.past(limit: 10).map(\.id) == ["late", "old"])
            _ = try await books.save(AlertBook(), over: [], after: first, keepSinceMs: 20, token: "")
            #expect(try await books.past(limit: 10).map(\.id) == ["late"])
        }
    }
}
