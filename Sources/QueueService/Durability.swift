// How safe acknowledged work is in Redis: asks Redis for more where the operator wants it, and warns where it is less than it
// should be.

import ArgumentParser
import Logging
import Metrics
import Redis
import ServiceLifecycle

enum Durability: String, CaseIterable, ExpressibleByArgument {
    /// As Redis is configured. With `appendfsync everysec`, a machine that is lost takes two seconds with it at most.
    case asConfigured = "as-configured"
    /// Redis has everything on its disk before it answers.
    case always

    /// What every connection to Redis begins with, since a Redis that was started again has forgotten it.
    var greeting: [[RedisArgument]] {
        switch self {
        case .asConfigured: []
        case .always: [["CONFIG", "SET", "appendonly", "yes"], ["CONFIG", "SET", "appendfsync", "always"]]
        }
    }
}

/// What Redis said last about its append-only file.
struct Persistence: Sendable {
    private var isOff = false
    private var isFailing = false
    private(set) var delayedSyncs: Int64?

    /// Takes note of the answer to `INFO persistence`.
    ///
    /// - Returns: what has become wrong since the last one, for people.
    mutating func note(_ info: String) -> [String] {
        let fields = info.infoFields
        var warnings: [String] = []

        let isOff = fields["aof_enabled"] == "0"
        if isOff, !self.isOff {
            warnings.append("Redis keeps no append-only file: what is queued is lost when it ends. Set appendonly yes.")
        }
        self.isOff = isOff

        let isFailing = fields["aof_last_write_status"].map { $0 != "ok" } ?? false
        if isFailing, !self.isFailing {
            warnings.append("Redis cannot write its append-only file and takes no work: see to its disk.")
        }
        self.isFailing = isFailing

        if let delayed = fields["aof_delayed_fsync"].flatMap({ Int64($0) }) {
            if delayed > delayedSyncs ?? 0 {
                warnings.append(
                    "The disk of Redis is slow: writes were held back \(delayed) times since it started, and a Redis that is "
                        + "killed then loses some. Use a faster disk, or have Redis sync each write (appendfsync always)."
                )
            }
            delayedSyncs = delayed
        }
        return warnings
    }
}

extension String {
    /// The fields of an answer to Redis' `INFO`.
    var infoFields: [String: String] {
        Dictionary(
            split(whereSeparator: \.isNewline).compactMap { line -> (String, String)? in
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }, uniquingKeysWith: { $1 })
    }
}

struct PersistenceWatch: Service {
    let store: Store
    let logger: Logger

    private static let interval = Duration.seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var persistence = Persistence()
            while !Task.isCancelled {
                // A Redis that does not answer is others' to tell of.
                if let info = try? await store.send("INFO", "persistence").text {
                    for warning in persistence.note(info) { logger.warning("\(warning)") }
                    Gauge(label: "analysis_redis_aof_delayed_fsyncs").record(persistence.delayedSyncs ?? 0)
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
