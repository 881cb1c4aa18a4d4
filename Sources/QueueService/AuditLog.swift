// What administrators did: one entry for each call by somebody who may act for everybody on what is not their own.

import AnalysisAPI
import Daemon
import Logging
import NIOCore
import RPC
import Redis

/// What the audit log says about a request.
protocol Audited: Sendable {
    /// Whose data it is about; empty: nobody's alone.
    var auditedUserID: String { get }
    /// What of theirs, or of the system's.
    var auditedTarget: String { get }
    /// What was asked for, for people; never a secret.
    var auditedDetail: String { get }
}

struct AuditLog: Sendable {
    let store: Store
    /// How long entries are kept.
    let keep: Duration
    let logger: Logger

    /// How many entries a page has where the caller does not say, and at most.
    private static let limits = (standard: 100, maximum: 1000)
    /// How many bytes of a detail, or of a reason, are kept.
    private static let textLimit = 500

    /// Does what a caller asks for, and writes down how it ended, where the caller is an administrator who acts on others' behalf.
    func noting<Value>(
        _ context: CallContext, _ request: some Audited, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        guard case .everyone = context.principal, context.actor != request.auditedUserID else {
            return try await body()
        }
        do {
            let value = try await body()
            await append(context, request, error: nil)
            return value
        } catch {
            await append(context, request, error: error)
            throw error
        }
    }

    /// Writes down that a user was removed, without their name.
    func noteErasure(_ context: CallContext, of userID: String, as alias: String) async {
        await note(
            AuditEntry(
                actor: context.actor == userID ? alias : context.actor, peer: "\(context.peer)", action: context.method,
                userID: alias, outcome: "OK"))
    }

    private func append(_ context: CallContext, _ request: some Audited, error: (any Error)?) async {
        let status = error.map {
            ($0 as? RPCError) ?? ($0 as? any RPCErrorConvertible)?.rpcError ?? RPCError(.unknown, "\($0)")
        }
        await note(
            AuditEntry(
                actor: context.actor, peer: "\(context.peer)", action: context.method, userID: request.auditedUserID,
                target: request.auditedTarget, detail: Self.cut(request.auditedDetail),
                outcome: status.map { Self.name(of: $0.code) } ?? "OK", error: Self.cut(status?.detail ?? "")))
    }

    /// Writes an entry down, as of now.
    func note(_ entry: AuditEntry) async {
        let now = Int64.now
        var entry = entry
        // Redis keeps what is of the same millisecond in the order of the ids.
        let order = withUnsafeBytes(of: NIODeadline.now().uptimeNanoseconds.bigEndian) { Array($0) }
        (entry.id, entry.atMs) = ("\(now)-\((order + randomBytes(4)).hexadecimal)", now)
        do {
            try await store.pipeline([
                ["ZADD", RedisArgument(store.keys.audit), RedisArgument(now), RedisArgument(entry.stored)],
                [
                    "ZREMRANGEBYSCORE", RedisArgument(store.keys.audit), "-inf",
                    RedisArgument("(\(now - keep.milliseconds)"),
                ],
            ])
        } catch {
            // What was done stands; the log of this process tells of it.
            logger.error(
                "cannot write to the audit log",
                metadata: [
                    "actor": "\(entry.actor)", "action": "\(entry.action)", "target": "\(entry.target)",
                    "outcome": "\(entry.outcome)", "error": "\(error)",
                ])
        }
    }

    /// As protocols spell it: `notFound` is `NOT_FOUND`.
    private static func name(of code: StatusCode) -> String {
        "\(code)".reduce(into: "") { $0 += ($1.isUppercase ? "_" : "") + $1.uppercased() }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= textLimit ? text : String(decoding: text.utf8.prefix(textLimit), as: UTF8.self) + "…"
    }

    // MARK: Reading

    /// A page of entries, the latest first.
    func list(_ request: ListAuditEntriesRequest) async throws -> ListAuditEntriesReply {
        let limit = request.limit == 0 ? Self.limits.standard : min(Int(request.limit), Self.limits.maximum)
        var latest = request.untilMs == 0 ? Int64.max : max(request.untilMs, 1) - 1
        if !request.pageToken.isEmpty {
            guard let atMs = request.pageToken.split(separator: "-").first.flatMap({ Int64($0) }) else {
                throw RPCError(.invalidArgument, "page_token is none; next_page_token of the page before is right")
            }
            latest = min(latest, atMs)
        }
        var isBehind = !request.pageToken.isEmpty
        var reply = ListAuditEntriesReply()
        try await visit(fromMs: request.fromMs, untilMs: latest) { entry in
            if isBehind {
                // The page before has shown those of the same millisecond up to this one.
                isBehind = entry.id != request.pageToken && entry.atMs == latest
                if isBehind || entry.id == request.pageToken { return true }
            }
            let user = request.userID
            guard user.isEmpty || entry.userID == user || entry.actor == user else { return true }
            guard reply.entries.count < limit else {
                reply.nextPageToken = reply.entries.last?.id ?? ""
                return false
            }
            reply.entries.append(entry)
            return true
        }
        return reply
    }

    /// Puts another name in the place of a user's, whatever they did and whatever was done with what is theirs.
    func rename(_ userID: String, to alias: String) async throws {
        var concerned: [(old: [UInt8], new: AuditEntry)] = []
        try await visit(fromMs: 0, untilMs: .max) { entry in
            guard entry.actor == userID || entry.userID == userID || entry.target == userID else { return true }
            var renamed = entry
            if entry.actor == userID { renamed.actor = alias }
            if entry.userID == userID { renamed.userID = alias }
            if entry.target == userID { renamed.target = alias }
            // What is said about them may name what is theirs.
            (renamed.detail, renamed.error) = ("", "")
            concerned.append((entry.stored, renamed))
            return true
        }
        let key = RedisArgument(store.keys.audit)
        for (old, new) in concerned {
            try await store.pipeline([
                ["MULTI"], ["ZREM", key, RedisArgument(old)],
                ["ZADD", key, RedisArgument(new.atMs), RedisArgument(new.stored)],
                ["EXEC"],
            ])
        }
    }

    /// Shows the entries of a time, the latest first, until `visitor` has enough.
    func visit(fromMs: Int64, untilMs: Int64, _ visitor: (AuditEntry) throws -> Bool) async throws {
        var offset = 0
        while true {
            let page =
                try await store.send(
                    "ZRANGE", store.keys.audit, untilMs, fromMs, "BYSCORE", "REV", "LIMIT", offset, Self.limits.maximum
                ).elements?.compactMap(\.bytes) ?? []
            for bytes in page where try !visitor(AuditEntry(stored: bytes)) { return }
            guard page.count == Self.limits.maximum else { return }
            offset += page.count
        }
    }
}

struct AuditService: AuditProvider {
    let log: AuditLog

    func listAuditEntries(
        _ request: ListAuditEntriesRequest, context: CallContext
    ) async throws -> ListAuditEntriesReply {
        try context.require(actingFor: "")
        return try await log.list(request)
    }
}
