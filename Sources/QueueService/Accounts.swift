// Users, their passwords and their sessions. Each has a slot of its own, apart from the lanes.

import AnalysisAPI
import Crypto
import Foundation
import RPC
import Redis
import Synchronization

final class Accounts: Sendable {
    /// How long a session lives.
    static let sessionLength = Duration.seconds(30 * 24 * 3600)
    /// How many users' lanes are remembered, so that enqueueing needs not ask.
    private static let rememberedLanes = 10_000
    /// How long nothing is written of a user who was removed: longer than any call lasts that may have found them before.
    private static let barLength = Duration.seconds(3600)
    /// How many users a page has where the caller does not say, and at most.
    private static let listLimits = (standard: 100, maximum: 1000)

    /// How long a user's lane is remembered; so much later, everybody knows that it has changed.
    let laneMemory: Duration
    private let lanes: Lanes
    private let store: Store
    private let passwords: Passwords
    private let known = Mutex<[String: (lane: String, until: ContinuousClock.Instant)]>([:])

    init(lanes: Lanes, laneMemory: Duration, store: Store, passwords: Passwords) {
        self.lanes = lanes
        self.laneMemory = laneMemory
        self.store = store
        self.passwords = passwords
    }

    // MARK: Users

    /// Makes a user, in the lane that its id falls to.
    func create(_ request: CreateUserRequest) async throws -> User {
        guard Self.isUserID(request.id) else {
            throw RPCError(
                .invalidArgument,
                "'\(request.id)' is no user id: 1 to 64 ASCII letters, digits, or any of . _ @ + - are right")
        }
        let role: Role = request.role == .administrator ? .administrator : .listener
        let user = User(
            id: request.id, name: request.id, lane: lane(forNew: request.id), role: role, autoAnalysis: true,
            createdAtMs: .now)
        // Before anything is stored: a password may be refused.
        let password = try await passwords.hash(request.password)
        try await store.send("ZADD", store.keys.users, 0, user.id)
        let isNew = try await store.run(
            \.createAccount, key: store.keys.account(user.id),
            [
                "id", RedisArgument(user.id), "name", RedisArgument(user.name), "lane", RedisArgument(user.lane),
                "role", RedisArgument(Int(role.rawValue)), "created_at_ms",
                RedisArgument(user.createdAtMs), "last_analysis_at_ms", 0, "password",
                RedisArgument(password),
            ])
        // Also of one who is there already: an earlier call may not have come so far.
        if try await account(user.id) != nil { try await bar(user.id, for: .zero) }
        guard isNew.int == 1 else { throw RPCError(.alreadyExists, "there is a user \(user.id) already") }
        return user
    }

    /// - Throws: `QueueError.notFound`.
    func user(_ id: String) async throws -> User {
        guard let account = try await account(id) else { throw QueueError.notFound("there is no user \(id)") }
        return try await user(account, id: id)
    }

    /// The lane of a user's jobs and library.
    ///
    /// - Throws: `QueueError.notFound` where there is no such user.
    func lane(of userID: String) async throws -> String {
        let now = ContinuousClock.now
        if let (lane, until) = known.withLock({ $0[userID] }), now < until { return lane }
        let lane = try await user(userID).lane
        guard try await lanes.contains(lane) else {
            throw QueueError.corrupt(
                "user \(userID) lives in lane \(lane), and there are only \(lanes.ids.count) lanes")
        }
        known.withLock { known in
            if known.count >= Self.rememberedLanes { known.removeAll() }
            known[userID] = (lane, now + laneMemory)
        }
        return lane
    }

    /// Does something in the lane of a user; once more in another lane, where the user was moved there a moment ago.
    func inLane<Value>(of userID: String, _ body: (String) async throws -> Value) async throws -> Value {
        let lane = try await lane(of: userID)
        do {
            return try await body(lane)
        } catch let error as QueueError {
            guard case .moving = error else { throw error }
            known.withLock { $0[userID] = nil }
            let newLane = try await self.lane(of: userID)
            guard newLane != lane else { throw error }
            return try await body(newLane)
        }
    }

    func setPassword(_ request: SetPasswordRequest) async throws -> User {
        guard let account = try await account(request.userID) else {
            throw QueueError.notFound("there is no user \(request.userID)")
        }
        let user = try await user(account, id: request.userID)
        try await store.send("ZADD", store.keys.users, 0, user.id)
        // The same again changes nothing: a script that sets it at each start signs nobody out.
        if try await passwords.check(request.password, against: account["password"]?.text) { return user }
        let hash = try await passwords.hash(request.password)
        // Sessions that were opened under another value count no more.
        try await change(
            user.id, ["password", RedisArgument(hash), "sessions", RedisArgument(randomBytes(16).hexadecimal)])
        return user
    }

    func setRole(_ request: SetRoleRequest) async throws -> User {
        guard [.listener, .administrator].contains(request.role) else {
            throw RPCError(.invalidArgument, "role is unknown; ROLE_LISTENER and ROLE_ADMINISTRATOR are right")
        }
        var user = try await user(request.userID)
        try await change(user.id, ["role", RedisArgument(Int(request.role.rawValue))])
        user.role = request.role
        return user
    }

    /// A page of users, ordered by id.
    func list(_ request: ListUsersRequest) async throws -> ListUsersReply {
        guard request.pageToken.isEmpty || Self.isUserID(request.pageToken) else {
            throw RPCError(.invalidArgument, "page_token is none; next_page_token of the page before is right")
        }
        let limit = request.limit == 0 ? Self.listLimits.standard : min(Int(request.limit), Self.listLimits.maximum)
        let ids = try await store.send(
            "ZRANGE", store.keys.users, request.pageToken.isEmpty ? "-" : "(\(request.pageToken)", "+", "BYLEX",
            "LIMIT", 0,
            limit
        ).elements?.compactMap(\.text)
        var reply = ListUsersReply()
        for id in ids ?? [] {
            // It may be about to be made, or to be removed.
            if let account = try await account(id) { reply.users.append(try await user(account, id: id)) }
        }
        if let ids, ids.count == limit { reply.nextPageToken = ids.last ?? "" }
        return reply
    }

    /// From now on there is no such user for anybody, but for another call of this, and nothing is added to what they have.
    ///
    /// - Returns: the user's lane.
    func beginRemoval(of id: String) async throws -> String {
        guard Self.isUserID(id), try await store.send("EXISTS", store.keys.account(id)).int == 1 else {
            throw QueueError.notFound("there is no user \(id)")
        }
        try await touchMove(of: id)
        let reply = try await store.run(
            \.removeAccount, key: store.keys.account(id), [RedisArgument(Int64.now)]
        ).elements?.compactMap(\.text)
        switch reply {
        case ["gone"]: throw QueueError.notFound("there is no user \(id)")
        case ["moving"]: throw QueueError.moving("user \(id) is being moved to another lane")
        default: break
        }
        guard let reply, reply.count == 2 else {
            throw QueueError.corrupt("the reply of remove_account is not understood")
        }
        let lane = reply[1]
        known.withLock { $0[id] = nil }
        try await bar(id, for: Self.barLength)
        return lane
    }

    /// All that was the user's is gone.
    func endRemoval(of id: String) async throws {
        // The number of the user's moves goes with the account.
        for lane in lanes.ids { try await store.send("HDEL", store.keys.lane(lane, .moves), id) }
        try await store.send("DEL", store.keys.account(id))
        try await store.send("ZREM", store.keys.users, id)
        try await store.send("HDEL", store.keys.moves, id)
    }

    /// Sees to it that nothing more is written of a user who is removed, by whoever found them before; zero: that it is again.
    private func bar(_ id: String, for length: Duration) async throws {
        let arguments = [RedisArgument(id), RedisArgument(length.milliseconds)]
        for lane in lanes.ids { _ = try await store.run(\.bar, lane: lane, arguments) }
    }

    // MARK: Moves to another lane

    /// Begins a move, or goes on with one that broke off.
    ///
    /// - Returns: the attempt, and whether the user is in the other lane already; nil: there is nothing to move.
    func beginMove(of id: String, to lane: String) async throws -> (UserMove.Attempt, hasSwitched: Bool)? {
        guard Self.isUserID(id) else { throw QueueError.notFound("there is no user \(id)") }
        guard try await lanes.contains(lane) else { throw QueueError.notFound("there is no lane \(lane)") }
        try await touchMove(of: id)
        let reply =
            try await store.run(
                \.moveAccount, key: store.keys.account(id), ["begin", RedisArgument(lane)]
            ).elements?.compactMap(\.text) ?? []
        switch reply.first {
        case "gone", "there":
            try await store.send("HDEL", store.keys.moves, id)
            if reply.first == "gone" { throw QueueError.notFound("there is no user \(id)") }
            return nil
        case "busy" where reply.count == 2:
            throw QueueError.illegal("the move of user \(id) to lane \(reply[1]) has not ended: finish that first")
        default:
            guard reply.count == 4, let number = Int64(reply[0]) else {
                throw QueueError.corrupt("the account of \(id) has a move that is not understood")
            }
            return (.init(userID: id, number: number, from: reply[1], to: reply[2]), reply[3] == reply[2])
        }
    }

    /// From now on the user is in the other lane.
    func switchLane(_ attempt: UserMove.Attempt) async throws { try await advance(attempt, "switch") }

    /// All that was left of the user in the old lane is gone.
    func endMove(_ attempt: UserMove.Attempt) async throws {
        try await advance(attempt, "end")
        try await store.send("HDEL", store.keys.moves, attempt.userID)
    }

    /// Says that somebody is at it, so that nobody else goes on with the move or the removal.
    func touchMove(of userID: String) async throws {
        try await store.put("\(Int64.now)", as: userID, in: store.keys.moves)
    }

    /// What nobody has been at for so long: a user, and the lane to which they were on their way; nil: they were being removed.
    func brokenMoves(since age: Duration) async throws -> [(userID: String, lane: String?)] {
        let before = Int64.now - age.milliseconds
        var moves: [(String, String?)] = []
        for (id, touched) in try await store.send("HGETALL", store.keys.moves).map ?? [:]
        where touched.int ?? 0 < before {
            let account = try await store.send("HMGET", store.keys.account(id), "move", "removed_at_ms").elements ?? []
            if let lane = account.first?.text?.split(separator: " ").last {
                moves.append((id, String(lane)))
            } else if account.last?.isNull == false {
                moves.append((id, nil))
            } else {
                try await store.send("HDEL", store.keys.moves, id)
            }
        }
        return moves
    }

    private func advance(_ attempt: UserMove.Attempt, _ step: RedisArgument) async throws {
        let reply = try await store.run(
            \.moveAccount, key: store.keys.account(attempt.userID), [step, RedisArgument(attempt.number)]
        ).elements?.first?.text
        guard reply == String(attempt.number) else {
            throw QueueError.stale("another call has gone on with the move of user \(attempt.userID)")
        }
        known.withLock { $0[attempt.userID] = nil }
    }

    func noteAnalysis(of userID: String) async throws {
        try await change(userID, ["last_analysis_at_ms", RedisArgument(Int64.now)])
    }

    /// - Throws: `QueueError.notFound`.
    private func change(_ userID: String, _ fields: [RedisArgument]) async throws {
        guard try await store.run(\.changeAccount, key: store.keys.account(userID), fields).int == 1 else {
            throw QueueError.notFound("there is no user \(userID)")
        }
    }

    // MARK: Sessions

    func login(_ request: LoginRequest) async throws -> LoginReply {
        let account = try await account(request.name)
        guard try await passwords.check(request.password, against: account?["password"]?.text), let account else {
            throw RPCError(.unauthenticated, "name and password do not fit")
        }
        let user = try await user(account, id: request.name)
        let session = randomBytes(32)
        try await store.send(
            "SET", sessionKey(session), "\(user.id) \(account["sessions"]?.text ?? "")", "PX",
            Self.sessionLength.milliseconds)
        return LoginReply(user: user, session: session, expiresAtMs: .now + Self.sessionLength.milliseconds)
    }

    func user(session: [UInt8]) async throws -> User {
        let parts = try await store.send("GET", sessionKey(session)).text?
            .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard let parts, parts.count == 2, let account = try await account(parts[0]),
            account["sessions"]?.text ?? "" == parts[1]
        else { throw RPCError(.unauthenticated, "the session is unknown or has expired") }
        return try await user(account, id: parts[0])
    }

    func logout(session: [UInt8]) async throws {
        try await store.send("DEL", sessionKey(session))
    }

    // MARK: Details

    /// Nil: there is no such user.
    private func account(_ id: String) async throws -> [String: RedisValue]? {
        guard Self.isUserID(id), let account = try await store.send("HGETALL", store.keys.account(id)).map,
            account["lane"] != nil, account["removed_at_ms"] == nil
        else { return nil }
        return account
    }

    private func user(_ account: [String: RedisValue], id: String) async throws -> User {
        guard let lane = account["lane"]?.text else { throw QueueError.corrupt("the account of \(id) has no lane") }
        let allowed = try await store.send("HGET", store.keys.lane(lane, .userPreferences, id), "allowed").int
        return User(
            id: id, name: account["name"]?.text ?? id, lane: lane,
            role: Role(rawValue: Int32(clamping: account["role"]?.int ?? 0)),
            autoAnalysis: allowed != 0,
            createdAtMs: account["created_at_ms"]?.int ?? 0, lastAnalysisAtMs: account["last_analysis_at_ms"]?.int ?? 0)
    }

    /// Spreads users over the lanes, evenly and by their ids alone.
    private func lane(forNew userID: String) -> String {
        let lanes = lanes.ids
        let digest = SHA256.hash(data: Data(userID.utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return lanes[Int(digest % UInt64(lanes.count))]
    }

    /// Ids are parts of keys, where a colon divides; and they are login names.
    private static func isUserID(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: Array("._@+-".utf8).contains(byte)
                }
            }
    }

    private func sessionKey(_ session: [UInt8]) -> String {
        store.keys.session(hash: SHA256.hash(data: Data(session)).hexadecimal)
    }
}
