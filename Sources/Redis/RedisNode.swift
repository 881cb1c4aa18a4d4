import Logging
import Metrics
import NIOCore
import Synchronization

/// One Redis that the client keeps a connection to, and the calls that wait for it.
final class RedisNode: Sendable {
    private typealias Waiter = UnsafeContinuation<RedisConnection?, any Error>

    /// Of several the first that answers is used.
    private let addresses: [RedisURL.Address]
    private let shared: RedisClient.Shared
    private let state: Mutex<State<RedisConnection, Waiter>>
    private let nextID = Atomic<UInt64>(0)

    init(_ addresses: [RedisURL.Address], shared: RedisClient.Shared) {
        self.addresses = addresses
        self.shared = shared
        state = Mutex(State(maximumWaiters: shared.configuration.maximumWaitingCommands))
    }

    /// Where it is now, or is looked for first.
    var address: RedisURL.Address { connection?.address ?? addresses[0] }

    /// The connection, while there is one.
    var connection: RedisConnection? { state.withLock { $0.connection } }

    /// Waits for the connection until the deadline.
    ///
    /// - Returns: `nil` where this node serves nothing any more.
    nonisolated(nonsending) func connection(before deadline: NIODeadline) async throws -> RedisConnection? {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let timer = shared.eventLoopGroup.next().scheduleTask(deadline: deadline) { self.endWait(id) }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                switch state.withLock({ $0.acquire(id: id, continuation) }) {
                case .use(let connection): continuation.resume(returning: connection)
                case .refuse(let error): continuation.resume(throwing: error)
                case .askOthers: continuation.resume(returning: nil)
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

    /// A caller found this connection ended: who comes next waits for another one.
    func disconnected(_ connection: RedisConnection, reason: String) {
        state.withLock { $0.disconnected(connection, reason: reason) }
    }

    /// It serves no slots any more. Commands in flight get their replies, and who waits is sent elsewhere.
    func retire() {
        let (connection, waiters) = state.withLock { $0.end(.retired) }
        connection?.drain()
        for waiter in waiters { waiter.resume(returning: nil) }
    }

    private func stop() {
        for waiter in state.withLock({ $0.end(.stopped) }).waiters {
            waiter.resume(throwing: RedisError.unavailable("the client was stopped"))
        }
    }

    /// Connects and reconnects until the node retires; or until the task is cancelled: commands in flight then get their
    /// replies, and later calls fail.
    func run() async {
        var backoff = Backoff(
            initial: shared.configuration.initialBackoff, maximum: shared.configuration.maximumBackoff)
        var generator = SystemRandomNumberGenerator()
        var attempt = 0
        while !Task.isCancelled {
            let address = addresses[attempt % addresses.count]
            attempt += 1
            do {
                let connection = try await shared.connect(to: address, on: shared.eventLoop)
                shared.logger.info("connected to Redis", metadata: ["address": "\(address)"])
                shared.metrics.connects.increment()
                backoff.reset()
                guard let waiters = state.withLock({ $0.connected(connection) }) else { return connection.close() }
                for waiter in waiters { waiter.resume(returning: connection) }
                await connection.waitUntilClosed()
                let reason = connection.closeReason ?? "the connection was closed"
                guard !hasRetired else { return }
                state.withLock { $0.disconnected(connection, reason: reason) }
                shared.logger.warning(
                    "lost the connection to Redis", metadata: ["address": "\(address)", "reason": "\(reason)"])
            } catch RedisError.unavailable(let reason) {
                guard !hasRetired else { return }
                shared.logger.warning("cannot connect to Redis", metadata: ["reason": "\(reason)"])
                state.withLock { $0.connectFailed(reason: reason) }
            } catch {
                // Only the cancellation of this task is left.
                break
            }
            guard !Task.isCancelled else { break }
            shared.doubtSlots()
            try? await Task.sleep(for: backoff.next(using: &generator))
        }
        stop()
    }

    private var hasRetired: Bool { state.withLock { $0.hasRetired } }
}
