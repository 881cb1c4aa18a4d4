import NIOCore
import Synchronization

extension RedisClient {
    /// A connection of its own for commands that wait in Redis, as `XREAD BLOCK` and `BLPOP` do. Needs no ``run()``.
    package func makeBlockingConnection() -> RedisBlockingConnection {
        RedisBlockingConnection(self)
    }
}

/// Sends commands that wait in Redis, one at a time; a second caller waits behind the first.
///
/// It connects when first used and again after a loss. A cancelled task closes the connection, so that Redis ends the wait
/// too. Closed when it is released.
package final class RedisBlockingConnection: Sendable {
    private let client: RedisClient
    private let connection = Mutex<RedisConnection?>(nil)

    fileprivate init(_ client: RedisClient) {
        self.client = client
    }

    deinit {
        close()
    }

    /// Sends one command and waits for its reply; `.null` is the reply of a wait that ended empty.
    ///
    /// - Parameter timeout: how long to wait for the reply. It must be longer than the command asks Redis to wait, or the
    ///   connection is closed each time.
    /// - Throws: ``RedisError``, or `CancellationError`. Nothing is retried.
    package func send(
        _ command: any RedisArgumentConvertible..., timeout: Duration
    ) async throws -> RedisValue {
        try await send(command.map(\.redisArgument), timeout: timeout)
    }

    package func send(_ command: [RedisArgument], timeout: Duration) async throws -> RedisValue {
        let connection = try await openConnection()
        return try await withTaskCancellationHandler {
            try await connection.send(command, deadline: .now() + TimeAmount(timeout))
        } onCancel: {
            connection.close()
        }
    }

    package func close() {
        connection.withLock { connection in
            connection?.close()
            connection = nil
        }
    }

    private func openConnection() async throws -> RedisConnection {
        if let connection = connection.withLock({ $0 }), connection.closeReason == nil { return connection }
        let opened = try await RedisConnection.open(
            client.url, on: client.eventLoopGroup.next(), configuration: client.configuration)
        connection.withLock { connection in
            connection?.close()
            connection = opened
        }
        return opened
    }
}
