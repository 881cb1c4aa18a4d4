import NIOCore
import NIOPosix
import NIOSSL

/// One connection to one Redis, from its handshake to its end; it never comes back. Many tasks may send at once.
final class RedisConnection: Sendable {
    /// Whom it is connected to.
    let address: RedisURL.Address
    private let channel: any Channel
    private let handler: NIOLoopBound<RedisChannelHandler>
    private let outbox: Outbox

    private typealias TLSHandlers = @Sendable () throws -> [NIOSSLClientHandler]

    private init(
        address: RedisURL.Address, channel: any Channel, handler: NIOLoopBound<RedisChannelHandler>, outbox: Outbox
    ) {
        self.address = address
        self.channel = channel
        self.handler = handler
        self.outbox = outbox
    }

    /// Connects, authenticates, names the connection, selects the database and waits until Redis serves commands.
    ///
    /// - Parameters:
    ///   - address: one of the URL's, or of another node of its cluster.
    ///   - messages: where published messages go, if this connection will subscribe.
    /// - Throws: ``RedisError/unavailable(_:)`` with the reason, or `CancellationError`.
    static func open(
        _ url: RedisURL, at address: RedisURL.Address, on eventLoop: any EventLoop, configuration: RedisConfiguration,
        messages: AsyncStream<RedisMessage>.Continuation? = nil
    ) async throws -> RedisConnection {
        let deadlines = Deadlines(reply: .now() + TimeAmount(configuration.connectTimeout))
        do {
            let tls = if let tls = url.tls { try tls.handlers(for: address) } else { { [] } as TLSHandlers }
            let connection = try await connect(
                address, on: eventLoop, configuration: configuration, tls: tls, messages: messages)
            do {
                try await connection.shakeHands(url, configuration, deadlines)
                return connection
            } catch {
                connection.close()
                throw error
            }
        } catch let error as CancellationError {
            throw error
        } catch RedisError.server(let error) {
            throw RedisError.unavailable("\(address) answered: \(error)")
        } catch RedisError.timedOut {
            throw RedisError.unavailable("\(address) did not answer within \(configuration.connectTimeout)")
        } catch RedisError.unavailable(let reason) {
            throw RedisError.unavailable(reason)
        } catch RedisError.unknownOutcome(let reason) {
            throw RedisError.unavailable("\(address): \(reason)")
        } catch {
            throw RedisError.unavailable("\(address): \(error)")
        }
    }

    private static func connect(
        _ address: RedisURL.Address, on eventLoop: any EventLoop, configuration: RedisConfiguration,
        tls: @escaping TLSHandlers,
        messages: AsyncStream<RedisMessage>.Continuation?
    ) async throws -> RedisConnection {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
        let initialize: @Sendable (any Channel) -> EventLoopFuture<RedisConnection> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let outbox = Outbox(maximumUnanswered: configuration.maximumWaitingCommands)
                let handler = RedisChannelHandler(
                    outbox: outbox, decoder: try ReplyDecoder(maximumReplyBytes: configuration.maximumReplyBytes),
                    keepalive: TimeAmount(configuration.keepalive), messages: messages)
                try channel.pipeline.syncOperations.addHandlers(try tls())
                try channel.pipeline.syncOperations.addHandler(handler)
                return RedisConnection(
                    address: address, channel: channel,
                    handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), outbox: outbox)
            }
        }
        switch address {
        case .unix(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: initialize)
        case .tcp(let host, let port):
            return try await bootstrap.connect(host: host, port: port, channelInitializer: initialize)
        }
    }

    private func shakeHands(
        _ url: RedisURL, _ configuration: RedisConfiguration, _ deadlines: Deadlines
    ) async throws {
        var commands: [[RedisArgument]] = []
        if let password = try url.currentPassword() {
            commands.append(["AUTH", RedisArgument(url.user ?? "default"), RedisArgument(password)])
        }
        if url.database != 0 { commands.append(["SELECT", RedisArgument(url.database)]) }
        if let clientName = configuration.clientName {
            commands.append(["CLIENT", "SETNAME", RedisArgument(clientName)])
        }
        // Only the nodes of a cluster may stand in for each other; others refuse this command.
        if url.addresses.count > 1 { commands.append(["CLUSTER", "INFO"]) }
        commands += configuration.greeting
        // While Redis loads its data it refuses a PING, but not what stands before.
        commands.append(["PING"])
        for case .error(let error) in try await send(commands, deadlines) {
            throw RedisError.server(error)
        }
    }

    /// Sends one command and waits for its reply.
    ///
    /// Inlined, because each return from a function that was awaited asks for the task's executor under a lock.
    ///
    /// - Parameter asking: whether the node is to serve it although it does not own the key's slot yet.
    /// - Throws: ``RedisError``, or `CancellationError` when the task is cancelled, at most 25 ms later; the command may then
    ///   still run.
    @inline(__always)
    nonisolated(nonsending) func send(
        _ command: [RedisArgument], asking: Bool = false, _ deadlines: Deadlines
    ) async throws -> RedisValue {
        guard !asking else {
            let reply = try await send([["ASKING"], command], deadlines)[1]
            if case .error(let error) = reply { throw RedisError.server(error) }
            return reply
        }
        // The queue of replies resumes each exactly once, as its tests show; checking that costs an allocation a command.
        let outcome = try await withUnsafeThrowingContinuation { continuation in
            submit(.one(continuation), deadlines) { (buffer) throws(RedisError) in
                try CommandEncoder.encode(command, into: &buffer)
            }
            // A task that was cancelled before finds out with this.
            if Task.isCancelled { tellLateness() }
        }
        return switch outcome {
        case .reply(let value): value
        case .late(let reply): try await reply.value()
        }
    }

    /// Sends the commands in one piece, so that no other caller's command comes between. Errors are among the replies.
    nonisolated(nonsending) func send(
        _ commands: [[RedisArgument]], _ deadlines: Deadlines
    ) async throws -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        let replies = Eventual<[RedisValue]>()
        submit(.several(replies, count: commands.count), deadlines) { (buffer) throws(RedisError) in
            for command in commands { try CommandEncoder.encode(command, into: &buffer) }
        }
        return try await replies.value()
    }

    private func submit(
        _ caller: Outbox.Caller, _ deadlines: Deadlines, encode: (inout ByteBuffer) throws(RedisError) -> Void
    ) {
        switch outbox.put(Outbox.Submission(deadlines: deadlines, caller: caller), encode: encode) {
        case 1: channel.eventLoop.execute { self.handler.value.flushOutbox() }
        case Outbox.fullCount where channel.eventLoop.inEventLoop: handler.value.flushOutbox()
        default: break
        }
    }

    private func tellLateness() {
        channel.eventLoop.execute { self.handler.value.tellLateness() }
    }

    /// Why the connection ended, once it has.
    var closeReason: String? { outbox.closeReason }

    /// Returns when the connection has ended. A cancelled task drains it first.
    func waitUntilClosed() async {
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            drain()
        }
    }

    /// Closes as soon as the commands in flight have their replies; no more are accepted.
    func drain() {
        channel.eventLoop.execute { self.handler.value.drain() }
    }

    /// Closes at once; commands in flight fail with unknown outcome.
    func close() {
        channel.close(promise: nil)
    }
}
