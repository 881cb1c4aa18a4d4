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
/// It connects when first used, and again after a loss or where the command's key is at another node of a cluster. A
/// cancelled task closes the connection, so that Redis ends the wait too. Closed when it is released.
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
    /// - Throws: ``RedisError``, or `CancellationError`. Nothing is retried that Redis did not send elsewhere.
    package func send(
        _ command: any RedisArgumentConvertible..., timeout: Duration
    ) async throws -> RedisValue {
        try await send(command.map(\.redisArgument), timeout: timeout)
    }

    package func send(_ command: [RedisArgument], timeout: Duration) async throws -> RedisValue {
        let deadlines = Deadlines(reply: .now() + TimeAmount(timeout))
        var address = client.address(of: command.routingKey)
        var asking = false
        while true {
            let connection = try await openConnection(to: address)
            do {
                return try await withTaskCancellationHandler {
                    try await connection.send(command, asking: asking, deadlines)
                } onCancel: {
                    connection.close()
                }
            } catch RedisError.unknownOutcome where Task.isCancelled {
                throw CancellationError()
            } catch RedisError.server(let error) {
                guard let redirection = Redirection(error, from: connection.address), redirection != .wait,
                    .now() < deadlines.reply
                else { throw RedisError.server(error) }
                let asked = client.follow(redirection)
                asking = asked != nil
                address = asked ?? client.address(of: command.routingKey)
            }
        }
    }

    package func close() {
        connection.withLock { connection in
            connection?.close()
            connection = nil
        }
    }

    private func openConnection(to address: RedisURL.Address) async throws -> RedisConnection {
        if let connection = connection.withLock({ $0 }), connection.closeReason == nil, connection.address == address {
            return connection
        }
        do {
            let opened = try await client.shared.connect(to: address)
            connection.withLock { connection in
                connection?.close()
                connection = opened
            }
            return opened
        } catch {
            client.shared.doubtSlots()
            throw error
        }
    }
}
