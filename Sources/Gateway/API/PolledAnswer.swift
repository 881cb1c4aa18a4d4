// Answers that pages ask for again and again: briefly shared, cheap where nothing changed, and still there while a service is away.

import AnalysisAPI
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import RPC
import Synchronization

/// An answer that says how soon it is worth asking again.
protocol PolledAnswer: Answer {
    var pace: PollPace { get }
}

/// How soon something can be another.
enum PollPace: Int, Sendable, Comparable {
    case running = 1_000
    case waiting = 2_000
    /// Changes only when somebody asks for something.
    case idle = 10_000

    static func < (first: PollPace, second: PollPace) -> Bool { first.rawValue < second.rawValue }

    /// - Parameter status: of a job, as the contract spells it.
    init(status: String) {
        switch status.lowercased() {
        case "in_progress": self = .running
        case "pending", "scheduled", "interrupted", "paused": self = .waiting
        default: self = .idle
        }
    }
}

/// A polled answer as it is sent: with two members of its own.
struct Polled<Content: PolledAnswer>: Codable, Sendable, Described {
    let content: Content
    let pollAfterMs: Int
    /// Whether this is what was known before a service went away.
    let stale: Bool

    init(_ content: Content, isStale: Bool) {
        self.content = content
        pollAfterMs = content.pace.rawValue
        stale = isStale
    }

    private enum Key: CodingKey { case pollAfterMs, stale }

    init(from decoder: any Decoder) throws {
        content = try Content(from: decoder)
        let container = try decoder.container(keyedBy: Key.self)
        pollAfterMs = try container.decode(Int.self, forKey: .pollAfterMs)
        stale = try container.decode(Bool.self, forKey: .stale)
    }

    func encode(to encoder: any Encoder) throws {
        try content.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(pollAfterMs, forKey: .pollAfterMs)
        try container.encode(stale, forKey: .stale)
    }

    static func schema(in schemas: inout Schemas) -> JSONValue {
        [
            "allOf": [
                schemas.schema(of: Content.self),
                [
                    "type": "object", "required": ["poll_after_ms", "stale"],
                    "properties": [
                        "poll_after_ms": [
                            "type": "integer", "minimum": 0, "description": "When it is worth asking again.",
                        ],
                        "stale": [
                            "type": "boolean",
                            "description": "Whether this is what was known before a service went away.",
                        ],
                    ],
                ],
            ]
        ]
    }
}

/// The last answer to each question of each user.
final class RecentAnswers: Sendable {
    struct Key: Hashable {
        let userID: String
        let isAdministrator: Bool
        let address: String
    }

    private struct Kept {
        let answer: any PolledAnswer
        let body: ByteBuffer
        let tag: EntityTag
        /// What it says was true then or later.
        let asOf: ContinuousClock.Instant
    }

    /// As long it is better than none.
    static let keptFor: Duration = .seconds(900)
    /// As long a service may take where there is one: nobody should wait longer to be told what was known before.
    static let patience: Duration = .seconds(2)
    /// Of two kilobytes, as a rule.
    private static let limit = 10_000

    /// As long an answer serves everybody who asks the same.
    private let freshFor: Duration
    private struct State {
        var kept: [Key: Kept] = [:]
        /// When users last changed something: what was asked before may be no longer so.
        var changes: [String: ContinuousClock.Instant] = [:]

        func isFresh(_ answer: Kept, of userID: String, for duration: Duration) -> Bool {
            ContinuousClock.now - answer.asOf < duration && changes[userID].map { $0 < answer.asOf } ?? true
        }
    }

    private let state = Mutex(State())

    init(freshFor: Duration) {
        self.freshFor = freshFor
    }

    /// The answer that `make` gives, or one that it gave a moment ago, or, while a service is away, the last one.
    ///
    /// - Parameter make: is given how long services may take; nil: as long as for any request.
    func response<Content: PolledAnswer>(
        for key: Key, to request: Request, make: (_ timeout: Duration?) async throws -> Content
    ) async throws -> Response {
        let now = ContinuousClock.now
        let (known, isFresh) = state.withLock { state in
            let known = state.kept[key]
            return (known, known.map { state.isFresh($0, of: key.userID, for: freshFor) } ?? false)
        }
        if let known, isFresh {
            return JSONBody.response(encoded: known.body, tag: known.tag, to: request)
        }
        let last = known.flatMap { now - $0.asOf < Self.keptFor ? $0.answer as? Content : nil }
        do {
            let answer = try await make(last == nil ? nil : Self.patience)
            let body = try JSONBody.encode(Polled(answer, isStale: false))
            let tag = EntityTag(of: body)
            keep(Kept(answer: answer, body: body, tag: tag, asOf: now), for: key)
            return JSONBody.response(encoded: body, tag: tag, to: request)
        } catch let error as RPCError where error.saysAway {
            guard let last else { throw error }
            return JSONBody.response(encoded: try JSONBody.encode(Polled(last, isStale: true)))
        } catch {
            state.withLock { $0.kept[key] = nil }
            throw error
        }
    }

    /// Who changes something sees it at once.
    func noteChange(by userID: String) {
        state.withLock { $0.changes[userID] = .now }
    }

    private func keep(_ answer: Kept, for key: Key) {
        state.withLock { state in
            state.kept[key] = answer
            guard state.kept.count > Self.limit else { return }
            // Half of them, so that this is rare.
            let median = state.kept.values.map(\.asOf).sorted()[state.kept.count / 2]
            state.kept = state.kept.filter { $0.value.asOf >= median }
            state.changes = state.changes.filter { $0.value >= median }
        }
    }
}

extension RPCError {
    /// Whether the service, or what it needs, was not there to answer.
    var saysAway: Bool { code == .unavailable || code == .deadlineExceeded }
}

extension Endpoints where Context == SignedInContext {
    /// A `GET` that pages make again and again. Its answer may be a moment old, and while a service is away it is the last one.
    func poll<Content: PolledAnswer>(
        _ path: String, _ summary: String,
        use handler: @escaping @Sendable (Request, SignedInContext) async throws -> Content
    ) {
        describe(.get, path, summary, answer: Polled<Content>.self)
        let recent = table.recent
        group.on(RouterPath(path), method: .get) { request, context in
            let key = RecentAnswers.Key(
                userID: context.user.id, isAdministrator: context.user.role == .administrator,
                address: request.uri.path)
            return try await recent.response(for: key, to: request) { timeout in
                var context = context
                if let timeout { context.call.timeout = timeout }
                return try await handler(request, context)
            }
        }
    }
}
