import Logging
import ServiceLifecycle

/// Which version a service's data in Redis is of, written down beside the data: a process does not touch what it would misread.
///
/// During a rolling upgrade, and back, processes of two versions share the data as long as each understands what the other writes.
package struct RedisSchema: Service {
    /// ZSET: `version` → of the newest process that was here, `needed` → of the oldest that understands all that is here. Both only
    /// ever rise.
    private let key: String
    private let version: Int
    private let needed: Int
    private let redis: RedisClient

    /// How often is looked whether a process has come that this one does not get on with.
    private static let interval = Duration.seconds(5)

    /// - Parameters:
    ///   - version: raised by every change of what is stored.
    ///   - needed: raised to `version` where processes of the version before would misread or damage what this one writes.
    package init(key: String, version: Int, needed: Int, redis: RedisClient) {
        self.key = key
        self.version = version
        self.needed = needed
        self.redis = redis
    }

    /// Writes this process's version down and watches for others.
    ///
    /// - Throws: ``RedisSchemaError`` where the data is of a version that this process does not understand, or becomes so.
    package func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await claim()
                } catch let error as RedisError {
                    redis.shared.logger.warning(
                        "cannot look at the version of what is stored", metadata: ["error": "\(error)"])
                } catch is CancellationError {
                    return
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Writes this process's version down, unless the data is of one that it does not understand: then nothing is changed.
    package func claim() async throws {
        try await check(key)
        try await redis.pipeline(
            [["ZADD", RedisArgument(key), "GT", RedisArgument(version), "version", RedisArgument(needed), "needed"]],
            isIdempotent: true)
    }

    /// - Parameter key: where the version stands of the data that is asked about, such as a copy of it.
    /// - Throws: ``RedisSchemaError`` where this process would not understand it.
    package func check(_ key: String) async throws {
        let found = try await redis.send("ZSCORE", key, "needed").double ?? 0
        guard found <= Double(version) else {
            throw RedisSchemaError(needed: Int(exactly: found) ?? .max, version: version)
        }
    }
}

package struct RedisSchemaError: Error, CustomStringConvertible {
    /// The oldest version that understands the data, and that of this process.
    package let needed, version: Int

    package var description: String {
        """
        what is stored in Redis needs a newer program: it is of schema \(needed), and schema \(version) is known here; run the \
        newer program, or put back a backup from before the upgrade
        """
    }
}
