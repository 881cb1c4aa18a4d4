import NIOCore
import NIOPosix
import Synchronization

/// One connection to one Redis, from its handshake to its end; it never comes back. Many tasks may send at once.
final class RedisConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<RedisChannelHandler>
    private let outbox: Outbox
    private let nextID = Atomic<UInt64>(1)

    private init(channel: any Channel, handler: NIOLoopBound<RedisChannelHandler>, outbox: Outbox) {
        self.channel = channel
        self.handler = handler
        self.outbox = outbox
    }

    /// Connects, authenticates, names the connection, selects the database and waits until Redis serves commands.
    ///
    /// - Parameter messages: where published messages go, if this connection will subscribe.
    /// - Throws: ``RedisError/unavailable(_:)`` with the reason, or `CancellationError`.
    static func open(
        _ url: RedisURL, on eventLoop: any EventLoop, configuration: RedisConfiguration,
        messages: AsyncStream<RedisMessage>.Continuation? = nil
    ) async throws -> RedisConnection {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        do {
            let connection = try await connect(url, on: eventLoop, configuration: configuration, messages: messages)
            do {
                try await connection.shakeHands(url, clientName: configuration.clientName, deadline: deadline)
                return connection
            } catch {
                connection.close()
                throw error
            }
        } catch let error as CancellationError {
            throw error
        } catch RedisError.server(let error) {
            throw RedisError.unavailable("\(url) answered: \(error)")
        } catch RedisError.timedOut {
            throw RedisError.unavailable("\(url) did not answer within \(configuration.connectTimeout)")
        } catch {
            throw RedisError.unavailable("\(url): \(error)")
        }
    }

    private static func connect(
        _ url: RedisURL, on eventLoop: any EventLoop, configuration: RedisConfiguration,
        messages: AsyncStream<RedisMessage>.Continuation?
    ) async throws -> RedisConnection {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
        let initialize: @Sendable (any Channel) -> EventLoopFuture<RedisConnection> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let outbox = Outbox()
                let handler = RedisChannelHandler(
                    outbox: outbox, decoder: try ReplyDecoder(maximumReplyBytes: configuration.maximumReplyBytes),
                    keepalive: TimeAmount(configuration.keepalive), messages: messages)
                try channel.pipeline.syncOperations.addHandler(handler)
                return RedisConnection(
                    channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), outbox: outbox)
            }
        }
        switch url.address {
        case .unix(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: initialize)
        case .tcp(let host, let port):
            return try await bootstrap.connect(host: host, port: port, channelInitializer: initialize)
        }
    }

    private func shakeHands(_ url: RedisURL, clientName: String?, deadline: NIODeadline) async throws {
        var commands: [[RedisArgument]] = []
        if let password = url.password {
            commands.append(["AUTH", RedisArgument(url.user ?? "default"), RedisArgument(password)])
        }
        if url.database != 0 { commands.append(["SELECT", RedisArgument(url.database)]) }
        if let clientName { commands.append(["CLIENT", "SETNAME", RedisArgument(clientName)]) }
        // While Redis loads its data it refuses a PING, but not what stands before.
        commands.append(["PING"])
        for case .error(let error) in try await send(commands, deadline: deadline) {
            throw RedisError.server(error)
        }
    }

    /// - Throws: ``RedisError``, or `CancellationError` at once when the task is cancelled; the command may then still run.
    nonisolated(nonsending) func send(_ command: [RedisArgument], deadline: NIODeadline) async throws -> RedisValue {
        try await submit(deadline) { .one(command, $0) }
    }

    /// Sends the commands in one piece, so that no other caller's command comes between. Errors are among the replies.
    nonisolated(nonsending) func send(_ commands: [[RedisArgument]], deadline: NIODeadline) async throws -> [RedisValue]
    {
        guard !commands.isEmpty else { return [] }
        return try await submit(deadline) { .several(commands, $0) }
    }

    private nonisolated(nonsending) func submit<Value: Sendable>(
        _ deadline: NIODeadline, _ work: (CheckedContinuation<Value, any Error>) -> Outbox.Submission.Work
    ) async throws -> Value {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if outbox.put(Outbox.Submission(id: id, deadline: deadline, work: work(continuation))) {
                    channel.eventLoop.execute { self.handler.value.flushOutbox() }
                }
                // A cancellation that came before the submission found nothing to abandon.
                if Task.isCancelled { abandon(id) }
            }
        } onCancel: {
            abandon(id)
        }
    }

    private func abandon(_ id: UInt64) {
        channel.eventLoop.execute { self.handler.value.abandon(id: id) }
    }

    /// Why the connection ended, once it has.
    var closeReason: String? { outbox.closeReason }

    /// Returns when the connection has ended. A cancelled task drains it first: no more commands are accepted, and those in
    /// flight get their replies.
    func waitUntilClosed() async {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.eventLoop.execute { self.handler.value.drain() }
        }
    }

    /// Closes at once; commands in flight fail with unknown outcome.
    func close() {
        channel.close(promise: nil)
    }
}
