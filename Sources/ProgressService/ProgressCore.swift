// The parts of the service and how they are put together, for the process and for tests alike.

import AnalysisAPI
import Logging
import RPC
import Redis
import ServiceLifecycle

struct ProgressCore: Sendable {
    /// Answers the calls of the Progress service.
    let handler: ProgressHandler
    /// What runs beside it, in the order in which it starts.
    let services: [any Service]

    /// - Parameter clock: the time in milliseconds since 1970.
    init(
        redis: RedisClient, queue: RPCClient, keyPrefix: String, logger: Logger, clock: @escaping @Sendable () -> Int64
    ) {
        let hub = ProgressHub(clock: clock)
        let keys = Keys(prefix: keyPrefix)
        let store = ProgressStore(redis: redis, keys: keys, hub: hub, logger: logger)
        let schema = RedisSchema(key: keys.schema, version: Schema.version, needed: Schema.needed, redis: redis)
        let queueClient = QueueClient(queue)
        let lookups = Lookups(queue: queueClient, catalog: CatalogClient(queue), hub: hub, logger: logger)
        handler = ProgressHandler(hub: hub, store: store, lookups: lookups, queue: queueClient)
        services = [schema, store, lookups, LogFollower(queue: queueClient, store: store, hub: hub, logger: logger)]
    }
}
