package import Logging
package import NIOCore
import ServiceLifecycle
import Synchronization

/// A Redis that many tasks use at once over one connection. Commands of concurrent callers are pipelined without asking.
///
/// ``run()`` keeps the connection: it reconnects with backoff until it is cancelled. A command that is sent while Redis is
/// away waits for its return within its own time; one that was in flight when the connection died fails as
/// ``RedisError/unknownOutcome(_:)``, unless it is idempotent, as reads are: then it is sent again.
///
/// Blocking commands and subscriptions have connections of their own: ``makeBlockingConnection()``, ``subscribe(to:)``.
/// `SUBSCRIBE`, `MONITOR`, `SELECT`, `CLIENT REPLY` and blocking commands must not be sent here, where they would
/// change or stall the connection for everybody; `MULTI` … `EXEC` belong into one ``pipeline(_:isIdempotent:timeout:)``.
///
/// Commands are `nonisolated(nonsending)`, so that they cost no switch of executors on their way to the event loop.
package final class RedisClient: Service, Sendable {
    private typealias Waiter = CheckedContinuation<RedisConnection, any Error>

    let url: RedisURL
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    let configuration: RedisConfiguration
    private let state: Mutex<State<RedisConnection, Waiter>>
    private let nextID = Atomic<UInt64>(0)

    package init(
        url: RedisURL, eventLoopGroup: any EventLoopGroup, logger: Logger, configuration: RedisConfiguration = .init()
    ) {
        self.url = url
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.configuration = configuration
        state = Mutex(State(maximumWaiters: configuration.maximumWaitingCalls))
    }

    /// Sends one command: `client.send("HSET", key, "count", 3)`.
    ///
    /// - Parameters:
    ///   - isIdempotent: whether it may be sent again when the connection dies before its reply; by default only reads are.
    ///   - timeout: instead of the configured time.
    /// - Throws: ``RedisError``, or `CancellationError` at once when the task is cancelled; the command may then still run.
    @discardableResult
    package nonisolated(nonsending) func send(
        _ command: any RedisArgumentConvertible..., isIdempotent: Bool? = nil, timeout: Duration? = nil
    ) async throws -> RedisValue {
        try await send(command.map(\.redisArgument), isIdempotent: isIdempotent, timeout: timeout)
    }

    /// Sends one command, given as its arguments.
    @discardableResult
    package nonisolated(nonsending) func send(
        _ command: [RedisArgument], isIdempotent: Bool? = nil, timeout: Duration? = nil
    ) async throws -> RedisValue {
        let deadline = deadline(timeout)
        return try await attempt(isIdempotent: isIdempotent ?? command.isRead, deadline: deadline) { connection in
            try await connection.send(command, deadline: deadline)
        }
    }

    /// Sends the commands in one piece and returns their replies in order.
    ///
    /// No other caller's command comes between, but only `MULTI` and `EXEC` around them make them atomic.
    /// - Throws: as ``send(_:isIdempotent:timeout:)``; if Redis refuses one of the commands, its error, when all have been
    ///   answered. The others have run.
    @discardableResult
    package nonisolated(nonsending) func pipeline(
        _ commands: [[RedisArgument]], isIdempotent: Bool? = nil, timeout: Duration? = nil
    ) async throws -> [RedisValue] {
        let deadline = deadline(timeout)
        let isIdempotent = isIdempotent ?? commands.allSatisfy(\.isRead)
        let replies = try await attempt(isIdempotent: isIdempotent, deadline: deadline) { connection in
            try await connection.send(commands, deadline: deadline)
        }
        for case .error(let error) in replies { throw RedisError.server(error) }
        return replies
    }

    /// Runs a script by its hash, and with its source where Redis does not know it yet.
    @discardableResult
    package nonisolated(nonsending) func run(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument] = [], timeout: Duration? = nil
    ) async throws -> RedisValue {
        let deadline = deadline(timeout)
        let rest = [RedisArgument(keys.count)] + keys.map { RedisArgument($0) } + arguments
        return try await attempt(isIdempotent: script.isIdempotent, deadline: deadline) { connection in
            do {
                return try await connection.send(["EVALSHA", RedisArgument(script.sha1)] + rest, deadline: deadline)
            } catch RedisError.server(let error) where error.code == "NOSCRIPT" {
                return try await connection.send(["EVAL", RedisArgument(script.source)] + rest, deadline: deadline)
            }
        }
    }

    private func deadline(_ timeout: Duration?) -> NIODeadline {
        .now() + TimeAmount(timeout ?? configuration.commandTimeout)
    }

    /// What never left may always be tried again, what may have run only if that does no harm. The deadline ends it, for
    /// then no connection is given any more.
    private nonisolated(nonsending) func attempt<Value: Sendable>(
        isIdempotent: @autoclosure () -> Bool, deadline: NIODeadline,
        _ body: nonisolated(nonsending) (RedisConnection) async throws -> Value
    ) async throws -> Value {
        while true {
            let connection = try await connection(before: deadline)
            do {
                return try await body(connection)
            } catch RedisError.unavailable(let reason) where NIODeadline.now() < deadline {
                state.withLock { $0.disconnected(connection, reason: reason) }
            } catch RedisError.unknownOutcome(let reason) where isIdempotent() && NIODeadline.now() < deadline {
                state.withLock { $0.disconnected(connection, reason: reason) }
            }
        }
    }

    private nonisolated(nonsending) func connection(before deadline: NIODeadline) async throws -> RedisConnection {
        if let connection = state.withLock({ $0.connection }) { return connection }
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let timer = eventLoopGroup.next().scheduleTask(deadline: deadline) { self.endWait(id) }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                switch state.withLock({ $0.acquire(id: id, continuation) }) {
                case .use(let connection): continuation.resume(returning: connection)
                case .refuse(let error): continuation.resume(throwing: error)
                case .wait:
                    // A cancellation or a deadline that came before the wait found nothing to end.
                    if Task.isCancelled { endWait(id, CancellationError()) }
                    if deadline <= .now() { endWait(id) }
                }
            }
        } onCancel: {
            endWait(id, CancellationError())
        }
    }

    private func endWait(_ id: UInt64, _ error: CancellationError? = nil) {
        guard let (waiter, reason) = state.withLock({ $0.abandon(id: id) }) else { return }
        waiter.resume(throwing: error ?? RedisError.unavailable(reason))
    }

    /// Connects and reconnects until the task is cancelled or the service group shuts down; commands in flight then get
    /// their replies, and all later calls fail as unavailable.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.keepConnected() }
        for waiter in state.withLock({ $0.stop() }) {
            waiter.resume(throwing: RedisError.unavailable("the client was stopped"))
        }
    }

    private func keepConnected() async {
        var backoff = Backoff(initial: configuration.initialBackoff, maximum: configuration.maximumBackoff)
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            do {
                let connection = try await RedisConnection.open(
                    url, on: eventLoopGroup.next(), configuration: configuration)
                logger.info("connected to Redis", metadata: ["url": "\(url)"])
                backoff.reset()
                for waiter in state.withLock({ $0.connected(connection) }) ?? [] {
                    waiter.resume(returning: connection)
                }
                await connection.waitUntilClosed()
                let reason = connection.closeReason ?? "the connection was closed"
                state.withLock { $0.disconnected(connection, reason: reason) }
                logger.warning("lost the connection to Redis", metadata: ["url": "\(url)", "reason": "\(reason)"])
            } catch RedisError.unavailable(let reason) {
                logger.warning("cannot connect to Redis", metadata: ["reason": "\(reason)"])
                state.withLock { $0.connectFailed(reason: reason) }
            } catch {
                // Only the cancellation of this task is left.
                return
            }
            guard !Task.isCancelled else { return }
            try? await Task.sleep(for: backoff.next(using: &generator))
        }
    }
}
