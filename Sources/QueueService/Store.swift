// Redis as this service uses it: its scripts by name, its values, and what goes wrong as this service's errors.

import AnalysisAPI
import NIOCore
import RPC
import Redis

/// Why the queue refuses or cannot do what it was asked for.
enum QueueError: Error, Hashable {
    case notFound(String)
    /// An idempotency key names another request.
    case exists(String)
    /// The worker lost its lane or its item: it must drop its work.
    case stale(String)
    /// The user is being moved to another lane, or was.
    case moving(String)
    /// Not in the state that the job, or the system, is in.
    case illegal(String)
    /// Redis has no memory or no disk for more.
    case full(String)
    /// Redis is there and cannot serve this now.
    case notReady(String)
    /// Redis is away, or was lost before it answered.
    case unavailable(String)
    /// What is stored cannot be understood.
    case corrupt(String)
}

extension QueueError: RPCErrorConvertible {
    var rpcError: RPCError {
        switch self {
        case .notFound(let text): RPCError(.notFound, text)
        case .exists(let text): RPCError(.alreadyExists, text)
        case .stale(let text), .illegal(let text): RPCError(.failedPrecondition, text)
        case .full(let text): RPCError(.resourceExhausted, text, retryAfter: Self.pause)
        case .notReady(let text), .moving(let text): RPCError(.unavailable, text, retryAfter: Self.pause)
        case .unavailable(let text): RPCError(.unavailable, text)
        case .corrupt(let text): RPCError(.internalError, text)
        }
    }

    /// Memory that frees up, a replica that takes over, data that is loaded: none of it is over in milliseconds.
    private static let pause: Duration = .seconds(1)

    init(_ error: RedisError) {
        guard case .server(let reply) = error else {
            self = .unavailable("\(error)")
            return
        }
        self.init(refusal: "\(reply.code) \(reply.message)")
    }

    /// What Redis, or a script in it, answers an error with: its code and its text.
    init(refusal: String) {
        let parts = refusal.split(separator: " ", maxSplits: 1).map(String.init)
        let (code, text) = (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        switch code {
        case "NOTFOUND": self = .notFound(text)
        case "EXISTS": self = .exists(text)
        case "STALE": self = .stale(text)
        case "ILLEGAL": self = .illegal(text)
        case "MOVING": self = .moving(text)
        case "OOM", "MISCONF": self = .full("the queue takes no new work: \(refusal)")
        case "LOADING", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK",
            "UNBLOCKED", "NOREPLICAS":
            self = .notReady("Redis is not ready: \(refusal)")
        default: self = .corrupt("Redis answered: \(refusal)")
        }
    }
}

/// Redis, with the keys and scripts of one queue. All that it throws is `QueueError`, or `CancellationError`.
struct Store: Sendable {
    let redis: RedisClient
    let keys: Keys
    let scripts: Scripts

    /// Runs a script on a lane.
    func run(
        _ script: any KeyPath<Scripts, RedisScript> & Sendable, lane: String, _ arguments: [RedisArgument]
    ) async throws -> RedisValue {
        try await run(script, key: keys.root(lane: lane), arguments)
    }

    func run(
        _ script: any KeyPath<Scripts, RedisScript> & Sendable, key: String, _ arguments: [RedisArgument]
    ) async throws -> RedisValue {
        try await translated { try await redis.run(scripts[keyPath: script], keys: [key], arguments: arguments) }
    }

    /// Stores a field of a hash, also where Redis is full.
    func put(_ value: any RedisArgumentConvertible, as field: String, in hash: String) async throws {
        _ = try await run(\.put, key: hash, [RedisArgument(field), value.redisArgument])
    }

    @discardableResult
    func send(_ command: any RedisArgumentConvertible...) async throws -> RedisValue {
        let arguments = command.map(\.redisArgument)
        return try await translated { try await redis.send(arguments) }
    }

    func send(_ command: [RedisArgument]) async throws -> RedisValue {
        try await translated { try await redis.send(command) }
    }

    /// Sends commands in one piece, and returns their replies in order.
    @discardableResult
    func pipeline(_ commands: [[RedisArgument]]) async throws -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        return try await translated { try await redis.pipeline(commands) }
    }

    /// Shows all names that fit a pattern (`RedisClient.scan`), wherever in a cluster they are.
    ///
    /// - Parameter masters: nil: all there are.
    func scan(
        _ pattern: String, at masters: [RedisClient.Master]? = nil, count: Int,
        _ visit: nonisolated(nonsending) (_ names: [[UInt8]]) async throws -> Void
    ) async throws {
        try await translated {
            let all = if let masters { masters } else { try await redis.masters() }
            try await redis.scan(pattern, at: all, count: count, visit)
        }
    }

    /// The version of what is stored.
    var schema: RedisSchema {
        RedisSchema(key: keys.schema, version: Schema.version, needed: Schema.needed, redis: redis)
    }

    /// Does something with Redis itself.
    func translated<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as RedisError {
            throw QueueError(error)
        }
    }
}

extension Message {
    /// The message as it is stored.
    var stored: [UInt8] {
        var buffer = ByteBuffer()
        encode(into: &buffer)
        return Array(buffer.readableBytesView)
    }

    /// - Throws: `QueueError.corrupt` where the bytes are no such message.
    init(stored bytes: [UInt8]) throws {
        do {
            try self.init(decoding: ByteBuffer(bytes: bytes))
        } catch let error as RPCError {
            throw QueueError.corrupt("a stored \(Self.self) cannot be read: \(error.detail)")
        }
    }
}
