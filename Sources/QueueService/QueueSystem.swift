// The parts of the queue service, put together.

import AnalysisAPI
import Daemon
import Jobs
import Logging
import NIOCore
import RPC
import Redis
import ServiceLifecycle

/// What an operator decides about the queue.
struct QueueConfiguration: Sendable {
    var analyzers = Analyzers.builtIn
    var limits = QueueLimits()
    var background = BackgroundRules()
    /// How many analyses may run at once at least, each in a lane of its own; more are added while everything runs.
    var lanes = 1
    /// How long it is remembered which lane a user is in.
    var laneMemory = Duration.seconds(5)
    /// How long results are kept; nil: for ever.
    var resultAge: Duration?
    /// How long what administrators did is kept.
    var auditAge = Duration.seconds(400 * 86_400)
    var alerts = AlertRules()
    var webhooks: [AlertDelivery.Target: Webhook] = [:]
    var keys = Keys()
    var passwordCost = Passwords.Cost.standard
}

struct QueueSystem: Sendable {
    /// What is offered to callers.
    let providers: [any RPCService]
    /// What operators are answered by who ask this process itself.
    let operations: OperationsService
    /// What runs beside the answering of calls, in the order in which it starts.
    let services: [any Service]
    /// What is told of this process's metrics, and of others'.
    let metrics: MetricsCollector
    let exchange: MetricsExchange

    /// - Parameter transitions: what is told what becomes of jobs.
    init(
        configuration: QueueConfiguration, redis: RedisClient, eventLoopGroup: any EventLoopGroup,
        metrics: MetricsCollector = MetricsCollector(process: "queue-service", registry: MetricRegistry()),
        logger: Logger, transitions: Logger
    ) {
        var limits = configuration.limits
        limits.backgroundPaceMs = configuration.background.interval
        let scripts = Scripts(analyzers: configuration.analyzers, limits: limits)
        let store = Store(redis: redis, keys: configuration.keys, scripts: scripts)
        let lanes = Lanes(atLeast: configuration.lanes, store: store, logger: logger)
        let accounts = Accounts(
            lanes: lanes, laneMemory: configuration.laneMemory, store: store,
            passwords: Passwords(cost: configuration.passwordCost))
        let background = BackgroundWork(analyzers: configuration.analyzers, store: store)
        let dispatcher = Dispatcher(
            lanes: lanes, leaseLength: limits.lease, rules: configuration.background, store: store, logger: logger)
        let preferences = PreferenceStore(store: store, timeZone: configuration.background.schedule.timeZone)
        let move = UserMove(accounts: accounts, store: store, dispatcher: dispatcher)
        let imports = Imports(dispatcher: dispatcher)
        let audit = AuditLog(store: store, keep: configuration.auditAge, logger: logger)
        operations = OperationsService { request, context, change in
            try await audit.noting(context, request) { try await change() }
        }
        let alerts = AlertDesk(
            rules: configuration.alerts, webhooks: configuration.webhooks,
            observer: AlertObserver(
                analyzers: configuration.analyzers, lanes: lanes, store: store, dispatcher: dispatcher),
            store: store, eventLoopGroup: eventLoopGroup, logger: logger)
        let erasure = Erasure(
            analyzers: configuration.analyzers, lanes: lanes, store: store, accounts: accounts, dispatcher: dispatcher,
            alerts: alerts, audit: audit)
        let users = UserCounts(accounts: accounts)
        let figures = QueueFigures(lanes: lanes, store: store, dispatcher: dispatcher, users: users, logger: logger)
        self.metrics = metrics.refreshed { await figures.record() }
        exchange = MetricsExchange(store: store, collector: self.metrics, logger: logger)
        providers = [
            JobQueueService(
                lanes: lanes, store: store, accounts: accounts, background: background, rules: configuration.background,
                dispatcher: dispatcher, users: users, audit: audit),
            WorkersService(
                analyzers: configuration.analyzers, lanes: lanes, store: store, preferences: preferences,
                dispatcher: dispatcher, imports: imports, metrics: exchange,
                known: KnownFiles(store: store, accounts: accounts, resultAge: configuration.resultAge)),
            CatalogService(
                analyzers: configuration.analyzers, store: store, accounts: accounts, background: background,
                preferences: preferences, dispatcher: dispatcher, imports: imports, lanes: lanes, erasure: erasure,
                audit: audit),
            MaintenanceService(lanes: lanes, store: store, dispatcher: dispatcher, move: move, audit: audit),
            AlertsService(desk: alerts, audit: audit), AuditService(log: audit),
        ]
        services = [
            store.schema, lanes, dispatcher,
            Janitor(
                lanes: lanes, store: store, move: move, erasure: erasure, resultAge: configuration.resultAge,
                logger: logger),
            PersistenceWatch(store: store, logger: logger), alerts,
            TransitionLog(lanes: lanes, store: store, logger: transitions),
            QueueWatch(lanes: lanes, store: store, dispatcher: dispatcher, logger: logger),
            exchange,
        ]
    }
}
