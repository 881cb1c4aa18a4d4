// The parts of the queue service, put together.

import AnalysisAPI
import Jobs
import Logging
import RPC
import Redis
import ServiceLifecycle

/// What an operator decides about the queue.
struct QueueConfiguration: Sendable {
    var analyzers = Analyzers.builtIn
    var limits = QueueLimits()
    var background = BackgroundRules()
    /// How many analyses may run at once, each in a lane of its own.
    var lanes = 1
    var keys = Keys()
    var passwordCost = Passwords.Cost.standard
}

struct QueueSystem: Sendable {
    /// What is offered to callers.
    let providers: [any RPCService]
    /// What runs beside the answering of calls, in the order in which it starts.
    let services: [any Service]

    init(configuration: QueueConfiguration, redis: RedisClient, logger: Logger) {
        let lanes = (0..<configuration.lanes).map(String.init)
        var limits = configuration.limits
        limits.backgroundPaceMs = configuration.background.interval(lanes: lanes.count)
        let scripts = Scripts(analyzers: configuration.analyzers, limits: limits)
        let store = Store(redis: redis, keys: configuration.keys, scripts: scripts)
        let accounts = Accounts(lanes: lanes, store: store, passwords: Passwords(cost: configuration.passwordCost))
        let background = BackgroundWork(analyzers: configuration.analyzers, store: store)
        let dispatcher = Dispatcher(
            lanes: lanes, leaseLength: limits.lease, rules: configuration.background, store: store, logger: logger)
        let preferences = PreferenceStore(store: store, timeZone: configuration.background.schedule.timeZone)
        let imports = Imports(dispatcher: dispatcher)
        let groups = Dictionary(
            uniqueKeysWithValues: lanes.map { ($0, EnqueueGroup(queue: LaneQueue(lane: $0, store: store))) })
        let logs = lanes.map { LaneLog(lane: $0, store: store, logger: logger) }
        providers = [
            JobQueueService(
                lanes: lanes, store: store, accounts: accounts, background: background, rules: configuration.background,
                dispatcher: dispatcher, groups: groups, logs: logs),
            WorkersService(
                analyzers: configuration.analyzers, lanes: Set(lanes), store: store, preferences: preferences,
                dispatcher: dispatcher, imports: imports),
            CatalogService(
                analyzers: configuration.analyzers, store: store, accounts: accounts, background: background,
                preferences: preferences, dispatcher: dispatcher, imports: imports),
            MaintenanceService(lanes: lanes, store: store),
        ]
        services =
            logs + [
                dispatcher, Janitor(lanes: lanes, store: store, logger: logger),
                PersistenceWatch(store: store, logger: logger),
            ]
    }
}
