// One lane's log of events, read once by this process and handed to everyone who follows it.

import AnalysisAPI
import Logging
import Redis
import ServiceLifecycle
import Synchronization

/// The latest events of a lane in memory, the rest of the log behind them in Redis.
///
/// Followers pull, each at its own pace: a slow one costs no memory here, it reads from Redis what has left the window.
final class LaneLog: Service, Sendable {
    private struct Window: Sendable {
        /// What comes after `floor`, without a gap, up to `last`.
        var entries: [LogEntry] = []
        var floor = LogCursor.zero
        var last = LogCursor.zero
        /// Whether `last` is known to be where the log ends.
        var isLive = false
        var waiting: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWaiter: UInt64 = 0
        var followers = 0

        enum Found {
            case known([LogEntry])
            /// There are none yet.
            case later
            /// Only Redis can tell.
            case unknown
        }

        func entries(after cursor: LogCursor) -> Found {
            guard isLive, cursor != last else { return .later }
            guard cursor >= floor, cursor < last else { return .unknown }
            var (start, end) = (0, entries.count)
            while start < end {
                let middle = (start + end) / 2
                if entries[middle].cursor > cursor { end = middle } else { start = middle + 1 }
            }
            return .known(Array(entries[start...]))
        }
    }

    /// How long followers whom nobody waits for leave the log alone between two looks: what came meanwhile they take in at once.
    static let pause = Duration.milliseconds(20)

    /// How many events are kept in memory.
    private static let windowLength = 1024
    /// How many events are read at once. Who got as many has not got all.
    static let batch = 128
    /// How long one read waits in Redis for an event.
    private static let blockMs = 10_000

    let lane: String
    private let store: Store
    private let logger: Logger
    private let window = Mutex(Window())
    /// Says that somebody waits for events, or has left.
    private let (demands, demand) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))

    init(lane: String, store: Store, logger: Logger) {
        self.lane = lane
        self.store = store
        self.logger = logger
    }

    private var key: RedisArgument { RedisArgument(store.keys.lane(lane, .log)) }

    // MARK: For followers

    /// Lets `body` follow the log.
    func followed(_ body: () async throws -> Void) async rethrows {
        window.withLock { $0.followers += 1 }
        defer {
            window.withLock { $0.followers -= 1 }
            demand.yield()
        }
        try await body()
    }

    /// The events after a place in the log, at least one; waits for it.
    ///
    /// - Returns: nil where the log does not reach back to `cursor`, so that events would be missed.
    func entries(after cursor: LogCursor) async throws -> [LogEntry]? {
        while true {
            let (arrivals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
            let (found, waiter) = window.withLock { window in
                window.nextWaiter += 1
                window.waiting[window.nextWaiter] = continuation
                return (window.entries(after: cursor), window.nextWaiter)
            }
            defer { window.withLock { $0.waiting[waiter] = nil } }
            switch found {
            case .known(let entries): return entries
            case .unknown:
                // Before the window; or, for a moment, after it, where a snapshot was faster than the reader of the log.
                guard let entries = try await stored(after: cursor) else { return nil }
                if !entries.isEmpty { return entries }
            case .later: break
            }
            demand.yield()
            for await _ in arrivals { break }
            try Task.checkCancellation()
        }
    }

    /// Where the log ends now.
    func end() async throws -> LogCursor {
        let entries = try await store.send(["XREVRANGE", key, "+", "-", "COUNT", 1])
        return Self.cursor(ofFirst: entries)
    }

    /// Of the first of some entries of a stream; before all events where there are none.
    static func cursor(ofFirst entries: RedisValue) -> LogCursor {
        entries.elements?.first?.elements?.first?.text.flatMap { LogCursor($0) } ?? .zero
    }

    /// Reads from Redis what the window does not hold.
    private func stored(after cursor: LogCursor) async throws -> [LogEntry]? {
        let reply = try await store.send(
            ["XRANGE", key, RedisArgument(cursor.description), "+", "COUNT", RedisArgument(Self.batch + 1)])
        let entries = try (reply.elements ?? []).map { try LogEntry(lane: lane, entry: $0) }
        guard cursor != .zero else { return entries }
        return entries.first?.cursor == cursor ? Array(entries.dropFirst()) : nil
    }

    // MARK: Reading

    /// Reads the log as it grows for as long as somebody waits for that, until the service stops. While Redis is away, followers wait.
    func run() async throws {
        // Not on the event loop that serves Redis and the callers, whom the decoding of many events would hold up.
        await cancelWhenGracefulShutdown { await self.read() }
    }

    private func read() async {
        var demands = demands.makeAsyncIterator()
        while await demands.next() != nil {
            while !Task.isCancelled, isFollowed {
                do {
                    try await findEnd()
                    try await readOn(&demands)
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("cannot read the log", metadata: ["lane": "\(lane)", "error": "\(error)"])
                    try? await Task.sleep(for: .milliseconds(100))
                }
                window.withLock { $0.isLive = false }
            }
        }
    }

    private var isFollowed: Bool { window.withLock { $0.followers > 0 } }
    private var isAwaited: Bool { window.withLock { !$0.waiting.isEmpty } }

    /// Begins where the log ends now, unless it still holds the last event that was read: then it goes on after that.
    private func findEnd() async throws {
        let known = window.withLock { $0.last }
        let replies = try await store.pipeline([
            ["XRANGE", key, RedisArgument(known.description), RedisArgument(known.description)],
            ["XREVRANGE", key, "+", "-", "COUNT", 1],
        ])
        let end = Self.cursor(ofFirst: replies[1])
        let goesOn = known != .zero && replies[0].elements?.isEmpty == false
        window.withLock { window in
            if !goesOn { (window.entries, window.floor, window.last) = ([], end, end) }
            window.isLive = true
            Self.wake(&window)
        }
    }

    private func readOn(_ demands: inout AsyncStream<Void>.AsyncIterator) async throws {
        let connection = store.redis.makeBlockingConnection()
        defer { connection.close() }
        while !Task.isCancelled, isFollowed {
            guard isAwaited else {
                // What nobody waits for is read with what comes after it.
                guard await demands.next() != nil else { return }
                continue
            }
            let last = window.withLock { $0.last }
            let reply = try await connection.send(
                ["XREAD", "COUNT", RedisArgument(Self.batch), "BLOCK", RedisArgument(Self.blockMs), "STREAMS", key]
                    + [RedisArgument(last.description)],
                timeout: .milliseconds(Self.blockMs + 5_000))
            let entries = try (reply.elements?.first?.elements?.last?.elements ?? []).map {
                try LogEntry(lane: lane, entry: $0)
            }
            guard let cursor = entries.last?.cursor else { continue }
            window.withLock { window in
                window.entries += entries
                window.last = cursor
                if window.entries.count > 2 * Self.windowLength {
                    window.entries.removeFirst(window.entries.count - Self.windowLength - 1)
                    window.floor = window.entries.removeFirst().cursor
                }
                Self.wake(&window)
            }
        }
    }

    private static func wake(_ window: inout Window) {
        for continuation in window.waiting.values { continuation.yield() }
    }
}
