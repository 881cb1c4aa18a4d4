// Looks after the alerts: sees what is wrong, keeps the book of it, tells watchers and webhooks.

import AnalysisAPI
import AsyncHTTPClient
import Jobs
import Logging
import NIOCore
import RPC
import Redis
import ServiceLifecycle

/// Every replica of the service has one. What is seen in Redis is looked after by the one that has the lease; that Redis is away is
/// seen by each for itself, and sent by the one that had the lease last.
actor AlertDesk: Service {
    private let rules: AlertRules
    private let webhooks: [AlertDelivery.Target: Webhook]
    private let observer: AlertObserver
    private let store: AlertStore
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let token = randomBytes(16).hexadecimal

    private var edition: AlertStore.Edition?
    private var tally: FailureTally?
    private var tallySavedMs: Int64 = 0
    private var observedMs: Int64 = 0
    /// What Redis cannot keep: that it is away.
    private var local = AlertBook()
    private var localOver: [Alert] = []
    /// Whether this replica has the lease, or had it when Redis was last there. While nobody knows of Redis, it may.
    private var isLeading = true
    /// Deliveries that have arrived, although the book may not say so yet.
    private var arrived: Set<String> = []
    private var shown: [String: Alert] = [:]
    private var watchers: [UInt64: AsyncStream<Alert>.Continuation] = [:]
    private var nextWatcher: UInt64 = 0
    private var sending: [AlertDelivery.Target: AsyncStream<Void>.Continuation] = [:]

    private static let interval = Duration.seconds(1)
    /// Between two looks at the queue.
    private static let observationMs: Int64 = 2000
    /// Between two savings of what the log has told, where there is nothing else to save.
    private static let tallyMs: Int64 = 60_000
    /// How often a change is tried again that another replica's came before.
    private static let attempts = 10
    /// How many alerts a watcher may be behind.
    private static let watcherBuffer = 256

    init(
        rules: AlertRules, webhooks: [AlertDelivery.Target: Webhook], observer: AlertObserver, store: Store,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.rules = rules
        self.webhooks = webhooks
        self.observer = observer
        self.store = AlertStore(store: store)
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    func run() async throws {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        let client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for (target, webhook) in self.webhooks {
                    let signals = await self.signals(for: target)
                    group.addTask {
                        for await _ in signals { await self.send(to: webhook, target, by: client) }
                    }
                }
                while !Task.isCancelled {
                    await self.tick()
                    try? await Task.sleep(for: Self.interval)
                }
                group.cancelAll()
            }
        }
        try? await store.duty(token).resign()
        try? await client.shutdown()
    }

    // MARK: Looking

    private func tick() async {
        let problem = await store.store.redis.problem()
        watchRedis(problem)
        if problem == nil {
            do {
                isLeading = try await store.duty(token).take()
                if isLeading { try await lookAround() } else { tally = nil }
                edition = try await store.edition(after: edition)
            } catch {
                logger.warning("cannot look after the alerts", metadata: ["error": "\(error)"])
            }
        }
        await publish()
        for signal in sending.values { signal.yield() }
    }

    private func watchRedis(_ problem: String?) {
        var rules = rules
        rules.isSent = rules.isSent && isLeading
        if !isLeading { rules.escalateAfter = nil }
        let conditions = problem.map { [AlertObservation.redisAway($0)] } ?? []
        let before = local.alerts.count
        localOver += local.observe(conditions, atMs: .now, rules: rules, makeID: Self.makeID)
        if local.alerts.count > before { logger.error("alert raised", metadata: ["alert": "redis_away"]) }
    }

    private func lookAround() async throws {
        let now = Int64.now
        guard now - observedMs >= Self.observationMs else { return }
        observedMs = now
        edition = try await store.edition(after: edition)
        var counted = tally ?? edition?.book.tally ?? FailureTally()
        try await observer.count(into: &counted, atMs: now)
        let observation = try await observer.observe(atMs: now)
        let conditions = observation.conditions(counted, rules: rules)
        // Of Redis' absence every replica knows, and one files it.
        let filed = localOver
        let isTallyDue = now - tallySavedMs >= Self.tallyMs
        let (rules, arrived, tally) = (rules, arrived, counted)
        let over = try await change(token: token, filing: filed) { book -> [Alert] in
            let before = book
            let over = book.observe(conditions, atMs: now, rules: rules, makeID: Self.makeID)
            for delivery in book.deliveries where arrived.contains(delivery.key) { book.remove(delivery) }
            if book != before || (isTallyDue && book.tally != tally) { book.take(tally, atMs: now) }
            return over
        }
        localOver.removeAll { alert in filed.contains { $0.id == alert.id } }
        self.tally = counted
        if edition?.book.tally == counted { tallySavedMs = now }
        self.arrived.formIntersection((edition?.book.deliveries ?? []).map(\.key))
        for alert in over {
            logger.notice("alert is over", metadata: ["alert": "\(alert.kind.name)", "id": "\(alert.id)"])
        }
    }

    /// Changes the book as it is in Redis, and files the alerts that are over: those given and those that `body` returns.
    private func change(
        token: String = "", filing filed: [Alert] = [], _ body: (inout AlertBook) -> [Alert]
    ) async throws -> [Alert] {
        for _ in 0..<Self.attempts {
            let current = try await store.edition(after: edition)
            var book = current.book
            let over = body(&book)
            guard book != current.book || !(filed + over).isEmpty else {
                edition = current
                return []
            }
            do {
                edition = try await store.save(
                    book, over: filed + over, after: current, keepSinceMs: .now - rules.keep.milliseconds, token: token)
                for alert in book.alerts where current.book.alerts.allSatisfy({ $0.id != alert.id }) {
                    logger.warning(
                        "alert raised",
                        metadata: ["alert": "\(alert.kind.name)", "id": "\(alert.id)", "summary": "\(alert.summary)"])
                }
                return over
            } catch QueueError.stale {
                continue
            }
        }
        throw QueueError.notReady("the alerts are being changed by others")
    }

    private static func makeID() -> String { randomBytes(8).hexadecimal }

    // MARK: For callers

    func list(pastLimit: Int) async -> (active: [Alert], past: [Alert]) {
        let past = (try? await store.past(limit: pastLimit)) ?? []
        if let current = try? await store.edition(after: edition) { edition = current }
        return (local.alerts + (edition?.book.alerts ?? []), past)
    }

    /// - Throws: `QueueError.notFound` where there is no such alert.
    func acknowledge(_ id: String, by name: String, note: String) async throws -> Alert {
        if let alert = local.acknowledge(id, by: name, note: note, atMs: .now) {
            await publish()
            return alert
        }
        var acknowledged: Alert?
        _ = try await change { book in
            acknowledged = book.acknowledge(id, by: name, note: note, atMs: .now)
            return []
        }
        await publish()
        if let acknowledged { return acknowledged }
        if let alert = try await store.past(limit: AlertStore.maxPast).first(where: { $0.id == id }) { return alert }
        throw QueueError.notFound("there is no alert \(id)")
    }

    /// The alerts that last, then each again that changes. Who reads too slowly misses the oldest changes.
    func watch() -> AsyncStream<Alert> {
        let (alerts, continuation) = AsyncStream.makeStream(
            of: Alert.self, bufferingPolicy: .bufferingNewest(Self.watcherBuffer))
        nextWatcher += 1
        let id = nextWatcher
        watchers[id] = continuation
        for alert in local.alerts + (edition?.book.alerts ?? []) { continuation.yield(alert) }
        continuation.onTermination = { _ in Task { await self.unwatch(id) } }
        return alerts
    }

    private func unwatch(_ id: UInt64) { watchers[id] = nil }

    /// Removes what is about a user.
    func forget(userID: String, alias: String) async throws {
        tally?.forget { $0 == userID }
        local.forget(userID: userID, alias: alias, atMs: .now)
        _ = try await change { book in
            book.forget(userID: userID, alias: alias, atMs: .now)
            return []
        }
        try await store.forgetPast(of: userID, alias: alias)
    }

    private func publish() async {
        let current = Dictionary(
            (local.alerts + (edition?.book.alerts ?? [])).map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        let gone = shown.keys.filter { current[$0] == nil }
        var changed = current.values.filter { shown[$0.id] != $0 }
        shown = current
        if !gone.isEmpty, !watchers.isEmpty {
            let past = localOver + ((try? await store.past(limit: 100)) ?? [])
            changed += past.filter { gone.contains($0.id) }
        }
        for alert in changed { for watcher in watchers.values { watcher.yield(alert) } }
    }

    // MARK: Sending

    private func signals(for target: AlertDelivery.Target) -> AsyncStream<Void> {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        sending[target] = signal
        return signals
    }

    /// Sends all that is due to a target, one after the other.
    private func send(to webhook: Webhook, _ target: AlertDelivery.Target, by client: HTTPClient) async {
        while !Task.isCancelled {
            if let delivery = local.due(to: target, atMs: .now) {
                let failure = await webhook.send(delivery, atMs: .now, by: client)
                note(failure, of: delivery)
                if failure == nil {
                    local.remove(delivery)
                } else {
                    _ = local.retry(delivery, atMs: .now, jitter: .random(in: 0...1))
                }
            } else {
                guard isLeading, let delivery = dueInBook(to: target), (try? await store.duty(token).take()) == true
                else {
                    return
                }
                let failure = await webhook.send(delivery, atMs: .now, by: client)
                note(failure, of: delivery)
                if failure == nil { arrived.insert(delivery.key) }
                do {
                    _ = try await change(token: token) { book in
                        if failure == nil {
                            book.remove(delivery)
                        } else {
                            _ = book.retry(delivery, atMs: .now, jitter: .random(in: 0...1))
                        }
                        return []
                    }
                } catch {
                    // The next round knows more.
                    return
                }
            }
        }
    }

    private func dueInBook(to target: AlertDelivery.Target) -> AlertDelivery? {
        guard var book = edition?.book else { return nil }
        for delivery in book.deliveries where arrived.contains(delivery.key) { book.remove(delivery) }
        return book.due(to: target, atMs: .now)
    }

    private func note(_ failure: String?, of delivery: AlertDelivery) {
        let metadata: Logger.Metadata = ["event": "\(delivery.id)", "target": "\(delivery.target)"]
        if let failure {
            logger.warning(
                "an alert was not delivered", metadata: metadata.merging(["error": "\(failure)"]) { $1 })
        } else {
            logger.info("alert delivered", metadata: metadata)
        }
    }
}

extension AlertDelivery {
    /// Names one delivery: an event and whom it goes to.
    var key: String { "\(target) \(id)" }
}
