import Logging
import NIOCore

/// A message that was published to a channel.
package struct RedisMessage: Sendable, Hashable {
    package let channel: String
    package let payload: [UInt8]

    /// What a subscribed connection receives unasked: `["message", channel, payload]`; nil where it is something else. Where
    /// Redis tells which keys have changed the payload is a list of names, each of which is told as a message, and null for all
    /// keys, which is told as an empty one.
    static func messages(push value: RedisValue) -> [RedisMessage]? {
        guard case .array(let elements) = value, elements.count == 3, elements[0] == kind,
            let channel = elements[1].text
        else { return nil }
        let payloads = elements[2].elements ?? [elements[2].isNull ? .string([]) : elements[2]]
        return payloads.compactMap { $0.bytes.map { RedisMessage(channel: channel, payload: $0) } }
    }

    private static let kind = RedisValue.string(Array("message".utf8))
}

extension RedisClient {
    /// Listens to channels on a connection of its own until the iteration ends or its task is cancelled.
    ///
    /// Published messages are lost while nobody is connected. So every connection, the first too, is told as
    /// ``RedisSubscription/Event/subscribed``: whoever keeps state reads it anew at that moment and misses nothing.
    /// Needs no ``run()``.
    package func subscribe(to channels: [String]) -> RedisSubscription {
        RedisSubscription(channels: channels, client: self)
    }
}

/// The messages of some channels, across reconnects. Each iteration has a connection of its own.
package struct RedisSubscription: AsyncSequence, Sendable {
    package typealias Element = Event

    package enum Event: Sendable, Hashable {
        /// From now on messages arrive; those before, or since the last connection, were missed.
        case subscribed
        case message(RedisMessage)
    }

    fileprivate let channels: [String]
    fileprivate let client: RedisClient

    package func makeAsyncIterator() -> Iterator {
        Iterator(subscription: self)
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let subscription: RedisSubscription
        private var backoff: Backoff
        private var connection: SubscribedConnection?

        fileprivate init(subscription: RedisSubscription) {
            self.subscription = subscription
            let configuration = subscription.client.shared.configuration
            backoff = Backoff(initial: configuration.initialBackoff, maximum: configuration.maximumBackoff)
        }

        /// The next event; `nil` only when the task is cancelled.
        package mutating func next(isolation: isolated (any Actor)? = #isolation) async -> Event? {
            while !Task.isCancelled {
                if let connection {
                    if let message = await connection.next(isolation: isolation) { return .message(message) }
                    self.connection = nil
                } else {
                    do {
                        connection = try await SubscribedConnection(subscription)
                        backoff.reset()
                        return .subscribed
                    } catch {
                        subscription.client.shared.doubtSlots()
                        subscription.client.shared.logger.warning(
                            "cannot subscribe",
                            metadata: ["channels": "\(subscription.channels)", "error": "\(error)"])
                    }
                }
                var generator = SystemRandomNumberGenerator()
                try? await Task.sleep(for: backoff.next(using: &generator))
            }
            connection = nil
            return nil
        }
    }
}

/// A connection that has subscribed, closed when nobody holds it any more.
private final class SubscribedConnection {
    private let connection: RedisConnection
    private var messages: AsyncStream<RedisMessage>.Iterator

    init(_ subscription: RedisSubscription) async throws {
        let shared = subscription.client.shared
        let (stream, continuation) = AsyncStream.makeStream(
            of: RedisMessage.self, bufferingPolicy: .bufferingOldest(shared.configuration.maximumWaitingMessages))
        messages = stream.makeAsyncIterator()
        // Every node of a cluster passes on what is published at any other, so any would do; it is the one that publishers use.
        let address = subscription.client.address(of: subscription.channels.first.map { RedisArgument($0) })
        connection = try await shared.connect(to: address, messages: continuation)
        let deadlines = Deadlines(reply: .now() + TimeAmount(shared.configuration.commandTimeout))
        let replies: [RedisValue]
        do {
            // One command per channel, since Redis answers each channel separately.
            replies = try await connection.send(
                subscription.channels.map { ["SUBSCRIBE", RedisArgument($0)] }, deadlines)
        } catch {
            connection.close()
            throw error
        }
        for case .error(let error) in replies {
            connection.close()
            throw RedisError.server(error)
        }
    }

    deinit {
        connection.close()
    }

    /// `nil` when the connection has ended or the task is cancelled.
    func next(isolation: isolated (any Actor)?) async -> RedisMessage? {
        await messages.next(isolation: isolation)
    }
}
