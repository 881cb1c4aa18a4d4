package import Logging
package import NIOCore
import ServiceLifecycle
import Synchronization

/// A Redis that many tasks use at once over one connection, or a Redis Cluster over one to each node that they need. Commands of
/// concurrent callers are pipelined without asking.
///
/// ``run()`` keeps the connections: it reconnects with backoff until it is cancelled. A command that is sent while Redis is
/// away waits for its return within its own time; one that was in flight when the connection died fails as
/// ``RedisError/unknownOutcome(_:)``, unless it is idempotent, as reads are: then it is sent again. What Redis refuses for a
/// while (`LOADING`, `CLUSTERDOWN`, `TRYAGAIN`, `MASTERDOWN`) is tried again within the command's time.
///
/// A cluster makes no difference to callers, but for what Redis Cluster itself asks of them: the keys of a command, a script
/// or a pipeline share a `{hash tag}`, and the database is 0. Commands without a key go to any one node.
///
/// Blocking commands and subscriptions have connections of their own: ``makeBlockingConnection()``, ``subscribe(to:)``.
/// `SUBSCRIBE`, `MONITOR`, `SELECT`, `CLIENT REPLY` and blocking commands must not be sent here, where they would
/// change or stall the connection for everybody; `MULTI` … `EXEC` belong into one ``pipeline(_:isIdempotent:timeout:)``.
///
/// Commands are `nonisolated(nonsending)`, so that they cost no switch of executors on their way to the event loop.
package final class RedisClient: Service, Sendable {
    /// The event loop of the connections that callers share: a task that prefers it sends commands without a thread hop.
    package let executor: any TaskExecutor
    let shared: Shared
    private let topology: Mutex<Topology<RedisNode>>
    private let started: AsyncStream<RedisNode>
    private let startedContinuation: AsyncStream<RedisNode>.Continuation

    /// Between two looks at which node serves what.
    private static let learnInterval: Duration = .milliseconds(50)

    package init(
        url: RedisURL, eventLoopGroup: any EventLoopGroup, logger: Logger, configuration: RedisConfiguration = .init()
    ) {
        let shared = Shared(
            url: url, eventLoopGroup: eventLoopGroup, logger: logger, configuration: configuration)
        let entry = RedisNode(url.addresses, shared: shared)
        self.shared = shared
        executor = LoopExecutor(shared.eventLoop)
        topology = Mutex(Topology(entry: entry) { RedisNode([$0], shared: shared) })
        (started, startedContinuation) = AsyncStream.makeStream()
        startedContinuation.yield(entry)
    }

    /// Sends one command: `client.send("HSET", key, "count", 3)`.
    ///
    /// - Parameters:
    ///   - isIdempotent: whether it may be sent again when the connection dies before its reply; by default only reads are.
    ///   - timeout: instead of the configured time. One that is shorter ends this caller's wait only; the connection stays, and
    ///     a late reply is dropped.
    /// - Throws: ``RedisError``, or `CancellationError` when the task is cancelled, at most 25 ms later; the command may then
    ///   still run.
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
        let (began, deadlines) = deadlines(timeout)
        return try await attempt(
            key: command.routingKey, isIdempotent: isIdempotent ?? command.isRead, began: began, deadlines: deadlines
        ) { connection, asking in
            try await connection.send(command, asking: asking, deadlines)
        }
    }

    /// Sends the commands in one piece and returns their replies in order.
    ///
    /// No other caller's command comes between, but only `MULTI` and `EXEC` around them make them atomic. While a cluster
    /// moves their slot, some may be served later than those behind them.
    /// - Throws: as ``send(_:isIdempotent:timeout:)``; if Redis refuses one of the commands, its error, when all have been
    ///   answered. The others have run.
    @discardableResult
    package nonisolated(nonsending) func pipeline(
        _ commands: [[RedisArgument]], isIdempotent: Bool? = nil, timeout: Duration? = nil
    ) async throws -> [RedisValue] {
        let (began, deadlines) = deadlines(timeout)
        let isTransaction = commands.first?.first?.text.uppercased() == "MULTI"
        var replies = [RedisValue](repeating: .null, count: commands.count)
        var missing = Array(commands.indices)
        try await attempt(
            key: commands.lazy.compactMap(\.routingKey).first, isWhole: isTransaction,
            isIdempotent: isIdempotent ?? commands.allSatisfy(\.isRead), began: began, deadlines: deadlines
        ) { connection, asking in
            let sent: [[RedisArgument]] = missing.flatMap { asking ? [["ASKING"], commands[$0]] : [commands[$0]] }
            let received = try await connection.send(sent, deadlines)
            for (index, place) in missing.enumerated() { replies[place] = received[asking ? 2 * index + 1 : index] }
            let refused = missing.filter { replies[$0].redirection(from: connection.address) != nil }
            // A transaction of which a part was refused has been discarded by Redis.
            if !isTransaction { missing = refused }
            if let first = refused.first, case .error(let error) = replies[first] { throw RedisError.server(error) }
        }
        for case .error(let error) in replies {
            let error = RedisError.server(error)
            shared.metrics.failed(error)
            throw error
        }
        return replies
    }

    /// Runs a script by its hash, and with its source where Redis does not know it yet.
    @discardableResult
    package nonisolated(nonsending) func run(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument] = [], timeout: Duration? = nil
    ) async throws -> RedisValue {
        let (began, deadlines) = deadlines(timeout)
        let rest = [RedisArgument(keys.count)] + keys.map { RedisArgument($0) } + arguments
        return try await attempt(
            key: keys.first.map { RedisArgument($0) }, isWhole: script.derivesKeys, isIdempotent: script.isIdempotent,
            began: began, deadlines: deadlines
        ) { connection, asking in
            do {
                let byHash = ["EVALSHA", RedisArgument(script.sha1)] + rest
                return try await connection.send(byHash, asking: asking, deadlines)
            } catch RedisError.server(let error) where error.code == "NOSCRIPT" {
                let bySource = ["EVAL", RedisArgument(script.source)] + rest
                return try await connection.send(bySource, asking: asking, deadlines)
            }
        }
    }

    func deadlines(_ timeout: Duration?) -> (now: NIODeadline, Deadlines) {
        let configuration = shared.configuration
        let now = NIODeadline.now()
        let own = now + TimeAmount(timeout ?? configuration.commandTimeout)
        return (
            now,
            Deadlines(
                reply: timeout == nil ? own : max(own, now + TimeAmount(configuration.commandTimeout)),
                caller: configuration.callerDeadline().map { min($0, own) } ?? own)
        )
    }

    /// What never left or was refused for now may always be tried again, what may have run only if that does no harm. The
    /// deadline ends it, for then no connection is given any more.
    ///
    /// Inlined as ``RedisConnection/send(_:asking:_:)`` is.
    ///
    /// - Parameter address: who is asked first, whoever has the key.
    @inline(__always)
    nonisolated(nonsending) func attempt<Value: Sendable>(
        key: @autoclosure () -> RedisArgument?, at address: RedisURL.Address? = nil, isWhole: Bool = false,
        isIdempotent: @autoclosure () -> Bool,
        began: NIODeadline, deadlines: Deadlines,
        _ body: nonisolated(nonsending) (_ connection: RedisConnection, _ asking: Bool) async throws -> Value
    ) async throws -> Value {
        var asked = address
        var refusals = 0
        var backoff = Backoff(
            initial: shared.configuration.initialBackoff, maximum: shared.configuration.maximumBackoff)
        var generator = SystemRandomNumberGenerator()
        do {
            while true {
                let node = try node(of: key(), asked: asked)
                var ready = node.connection
                if ready == nil { ready = try await node.connection(before: deadlines.caller) }
                guard let connection = ready else { continue }
                do {
                    let value = try await body(connection, asked != nil)
                    shared.metrics.answered(began: began)
                    return value
                } catch RedisError.unavailable(let reason)
                    where connection.closeReason != nil && NIODeadline.now() < deadlines.caller
                {
                    node.disconnected(connection, reason: reason)
                    asked = nil
                } catch RedisError.unknownOutcome(let reason)
                    where isIdempotent() && NIODeadline.now() < deadlines.caller
                {
                    node.disconnected(connection, reason: reason)
                    asked = nil
                } catch RedisError.server(let error) {
                    guard let redirection = Redirection(error, from: connection.address, isWhole: isWhole) else {
                        throw RedisError.server(error)
                    }
                    asked = follow(redirection)
                    // Nodes that disagree for a while send a caller round and round.
                    let pause = redirection == .wait || refusals > 2 ? backoff.next(using: &generator) : .zero
                    guard .now() + TimeAmount(pause) < deadlines.caller else { throw RedisError.server(error) }
                    if pause > .zero { try await Task.sleep(for: pause) }
                    refusals += 1
                }
            }
        } catch {
            shared.metrics.failed(error)
            throw error
        }
    }

    private func node(of key: @autoclosure () -> RedisArgument?, asked: RedisURL.Address?) throws -> RedisNode {
        if let asked { return change { $0.node(at: asked) } }
        let node = topology.withLock { $0.isCluster ? $0.node(of: key().map { HashSlot(of: $0) }) : $0.node(of: nil) }
        guard let node else { throw RedisError.unavailable("no node of the cluster is known") }
        return node
    }

    /// Where a connection for this key or channel leads.
    func address(of key: RedisArgument?) -> RedisURL.Address {
        (try? node(of: key, asked: nil).address) ?? shared.url.addresses[0]
    }

    /// Takes note of what Redis said. Returns who is to be asked, where it is not the owner of the slot.
    func follow(_ redirection: Redirection) -> RedisURL.Address? {
        switch redirection {
        case .ask(let address): return address
        case .wait: shared.doubtSlots()
        case .moved(let slot, let address):
            change { ((), $0.moved(slot, to: address)) }
            shared.doubtSlots(knower: address)
        }
        return nil
    }

    @discardableResult
    private func change<Value: Sendable>(
        _ body: (inout Topology<RedisNode>) -> (Value, Topology<RedisNode>.Change)
    ) -> Value {
        let (value, change) = topology.withLock { body(&$0) }
        for node in change.started { startedContinuation.yield(node) }
        for node in change.retired { node.retire() }
        return value
    }

    /// Connects and reconnects until the task is cancelled or the service group shuts down; commands in flight then get
    /// their replies, and all later calls fail as unavailable.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepSlotsKnown() }
                for await node in self.started { group.addTask { await node.run() } }
                group.cancelAll()
            }
        }
    }

    /// Learns the slots of a cluster whenever there is doubt about them.
    private func keepSlotsKnown() async {
        for await knower in shared.doubts {
            guard topology.withLock({ $0.isCluster }) else { continue }
            _ = await learnSlots(knower: knower)
            guard !Task.isCancelled else { return }
            try? await Task.sleep(for: Self.learnInterval)
        }
    }

    /// Learns which node of the cluster serves which slot.
    ///
    /// - Parameter knower: who is asked first.
    /// - Returns: `nil` where nobody tells, or the task was cancelled.
    func learnSlots(knower: RedisURL.Address? = nil) async -> SlotMap? {
        let known = topology.withLock { $0.addresses }
        // Any node may be behind the others, so whoever is asked next is another one.
        for address in [knower].compactMap({ $0 }) + known.shuffled() + shared.url.addresses {
            do {
                let connection = try await shared.connect(to: address)
                defer { connection.close() }
                let deadlines = Deadlines(reply: .now() + TimeAmount(shared.configuration.connectTimeout))
                let map = try SlotMap(reply: try await connection.send(["CLUSTER", "SLOTS"], deadlines), from: address)
                change { ((), $0.learned(map)) }
                return map
            } catch {
                guard !Task.isCancelled else { return nil }
                shared.logger.warning(
                    "cannot learn the cluster's slots", metadata: ["address": "\(address)", "error": "\(error)"])
            }
        }
        return nil
    }
}

extension RedisClient {
    /// What a client's connections have in common.
    struct Shared: Sendable {
        let url: RedisURL
        let eventLoopGroup: any EventLoopGroup
        /// Of the connections that callers share; those that wait or listen take any.
        let eventLoop: any EventLoop
        let logger: Logger
        let configuration: RedisConfiguration
        let metrics = RedisMetrics()
        /// Moments at which the cluster may have changed, each with the address of a node that knows, if any does.
        let doubts: AsyncStream<RedisURL.Address?>
        private let doubtsContinuation: AsyncStream<RedisURL.Address?>.Continuation

        init(
            url: RedisURL, eventLoopGroup: any EventLoopGroup, logger: Logger, configuration: RedisConfiguration
        ) {
            self.url = url
            self.eventLoopGroup = eventLoopGroup
            eventLoop = eventLoopGroup.next()
            self.logger = logger
            self.configuration = configuration
            (doubts, doubtsContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }

        func doubtSlots(knower: RedisURL.Address? = nil) {
            doubtsContinuation.yield(knower)
        }

        func connect(
            to address: RedisURL.Address, on eventLoop: (any EventLoop)? = nil,
            messages: AsyncStream<RedisMessage>.Continuation? = nil
        ) async throws -> RedisConnection {
            try await RedisConnection.open(
                url, at: address, on: eventLoop ?? eventLoopGroup.next(), configuration: configuration,
                messages: messages)
        }
    }
}
