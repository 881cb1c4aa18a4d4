import NIOCore

extension RedisClient {
    /// From now on tells which keys on a server change, expire or go of those whose names begin with `prefix`: Redis' client
    /// tracking, in its broadcasting mode.
    package func changes(of prefix: String, at master: Master) async throws -> RedisChanges {
        try await RedisChanges(prefix, at: master.address ?? address(of: nil), client: self)
    }
}

/// The names of keys that have changed. They stop when it is released.
///
/// Redis tells at the end of each round of its event loop what has changed in it, in the order of the names.
package final class RedisChanges: Sendable {
    private let connection: RedisConnection
    private let messages: AsyncStream<RedisMessage>

    private static let channel = "__redis__:invalidate"

    fileprivate init(_ prefix: String, at address: RedisURL.Address, client: RedisClient) async throws {
        let shared = client.shared
        let (stream, continuation) = AsyncStream.makeStream(of: RedisMessage.self)
        messages = stream
        connection = try await shared.connect(to: address, messages: continuation)
        let deadlines = Deadlines(reply: .now() + TimeAmount(shared.configuration.commandTimeout))
        do {
            guard let id = try await connection.send(["CLIENT", "ID"], deadlines).int else {
                throw RedisError.protocolViolation("CLIENT ID is no number")
            }
            // In the protocol's second version the names come as messages of a channel, here on the same connection.
            let prefix = RedisArgument(prefix)
            _ = try await connection.send(
                ["CLIENT", "TRACKING", "ON", "REDIRECT", RedisArgument(id), "BCAST", "PREFIX", prefix], deadlines)
            _ = try await connection.send(["SUBSCRIBE", RedisArgument(Self.channel)], deadlines)
        } catch {
            connection.close()
            throw error
        }
    }

    deinit {
        connection.close()
    }

    /// Waits until the key `mark` has changed.
    ///
    /// - Parameter mark: stands behind all other names in the order of bytes, so that what changed in the same round comes before.
    /// - Returns: the names of all that has changed since this was called last, `mark` left out.
    /// - Throws: ``RedisError/unavailable(_:)`` where names were missed, and no more will come; `CancellationError`.
    package func names(until mark: String) async throws -> Set<[UInt8]> {
        var names: Set<[UInt8]> = []
        let mark = Array(mark.utf8)
        for await message in messages {
            guard let name = message.payload.isEmpty ? nil : message.payload else { break }
            if name == mark { return names }
            names.insert(name)
        }
        try Task.checkCancellation()
        throw RedisError.unavailable("the connection that tells what changes was lost, or all keys were removed")
    }
}
