// Moves a user with all that is theirs to another lane.
//
//   account: lane from ──begin──▶ copying ──switch──▶ arriving ──end──▶ lane to
//
// Copying: the jobs leave the line of the old lane, where from then on nothing of the user's is changed, and every key is copied.
// Arriving: the jobs get their places in the new lane, whose worker may run them at once, and the copies in the old lane are
// removed when nobody looks there any more. Each step may be made again, so whoever comes after a crash does the rest. No script
// touches both lanes: on a cluster, they live on different servers.

import AnalysisAPI
import Redis

struct UserMove: Sendable {
    let accounts: Accounts
    let store: Store
    let dispatcher: Dispatcher

    /// How many jobs change their lane, or how many keys are copied, in one step.
    private static let batch = 200
    /// How many bytes of values are copied in one step, about.
    private static let bytesAtOnce = 1 << 20
    /// How many keys of Redis one step looks at for those of the user.
    private static let page = 1000

    /// One attempt, as the account has it.
    struct Attempt: Sendable {
        let userID: String
        let number: Int64
        let from: String
        let to: String

        var arguments: [RedisArgument] { [RedisArgument(userID), RedisArgument(number)] }
    }

    /// Moves the user, or does the rest of a move to `lane` that broke off.
    ///
    /// - Throws: `QueueError.illegal` where a move to another lane has not ended; `QueueError.stale` where another call has gone on
    ///   with this one.
    func run(_ userID: String, to lane: String) async throws -> MoveUserReply {
        var reply = MoveUserReply()
        guard let (attempt, hasSwitched) = try await accounts.beginMove(of: userID, to: lane) else { return reply }
        reply.fromLane = attempt.from
        if !hasSwitched {
            let suffixes = try await leave(attempt)
            reply.keys = try await copy(suffixes, attempt)
            try await accounts.switchLane(attempt)
        }
        reply.liveJobs = try await arrive(attempt)
        // Whoever read the user's lane before it changed may still look into the old one.
        try await Task.sleep(for: accounts.laneMemory)
        try await forget(attempt)
        try await accounts.endMove(attempt)
        return reply
    }

    // MARK: Steps

    /// Takes the jobs out of the old lane.
    ///
    /// - Returns: all keys of the user there, after the lane's root.
    func leave(_ attempt: Attempt) async throws -> [String] {
        try await depart([], attempt)
        var departed: Set<String> = []
        // The end of a batch of background work may have made the next one meanwhile.
        while case let new = try await jobs(.userJobs, in: attempt.from, attempt).filter({ !departed.contains($0) }),
            !new.isEmpty
        {
            try await depart(new, attempt)
            departed.formUnion(new)
        }
        try await depart(try await jobs(.userEnded, in: attempt.from, attempt), attempt)
        return try await suffixes(in: attempt.from, attempt)
    }

    private func depart(_ ids: [String], _ attempt: Attempt) async throws {
        for batch in ids.isEmpty ? [[]] : ids.batches(of: Self.batch) {
            let arguments = attempt.arguments + batch.map { RedisArgument($0) }
            let reply = try await store.run(\.depart, lane: attempt.from, arguments)
            guard let parts = reply.elements, parts.count == 2, let begun = parts[1].elements else {
                throw QueueError.corrupt("the reply of depart is not understood")
            }
            let jobs = try begun.map { try JobRecord(pairs: $0, lane: attempt.from).job }
            dispatcher.deliver(try Hint(lane: attempt.from, reply: parts[0]), withdrawn: jobs)
            try await accounts.touchMove(of: attempt.userID)
        }
    }

    /// - Returns: how many keys there were.
    func copy(_ suffixes: [String], _ attempt: Attempt) async throws -> UInt64 {
        var copied: Int64 = 0
        var arguments: [RedisArgument] = []
        var bytes = 0
        func bring() async throws {
            copied += try await store.run(\.bring, lane: attempt.to, attempt.arguments + arguments).int ?? 0
            (arguments, bytes) = ([], 0)
            try await accounts.touchMove(of: attempt.userID)
        }
        let root = store.keys.root(lane: attempt.from)
        for batch in suffixes.batches(of: Self.batch) {
            let keys = batch.map { RedisArgument("\(root):\($0)") }
            let replies = try await store.pipeline(keys.flatMap { [["DUMP", $0], ["PTTL", $0]] })
            for (index, suffix) in batch.enumerated() {
                guard let value = replies[2 * index].bytes else { continue }
                arguments += [
                    RedisArgument(suffix), RedisArgument(max(replies[2 * index + 1].int ?? 0, 0)), RedisArgument(value),
                ]
                bytes += value.count
                if bytes >= Self.bytesAtOnce { try await bring() }
            }
        }
        try await bring()
        return UInt64(clamping: copied)
    }

    /// Gives the jobs their places in the new lane.
    ///
    /// - Returns: how many have not ended.
    private func arrive(_ attempt: Attempt) async throws -> UInt64 {
        let live = try await jobs(.userJobs, in: attempt.to, attempt)
        let sequences = try await store.pipeline(
            live.map { ["HGET", RedisArgument(store.keys.lane(attempt.to, .job, $0)), "sequence"] })
        let ordered = zip(live, sequences).map { (id: $0, sequence: $1.int ?? 0) }.sorted { $0.sequence < $1.sequence }
        // Those that stand in line here already were given sequences by an earlier attempt: none of the others comes before them.
        let ids = ordered.map(\.id) + (try await jobs(.userEnded, in: attempt.to, attempt))
        for batch in ids.batches(of: Self.batch) { try await arrive(batch, isLast: false, attempt) }
        try await arrive([], isLast: true, attempt)
        return UInt64(live.count)
    }

    private func arrive(_ ids: some Sequence<String>, isLast: Bool, _ attempt: Attempt) async throws {
        let arguments = attempt.arguments + [RedisArgument(isLast ? 1 : 0)] + ids.map { RedisArgument($0) }
        let reply = try await store.run(\.arrive, lane: attempt.to, arguments)
        dispatcher.deliver(try Hint(lane: attempt.to, reply: reply))
        try await accounts.touchMove(of: attempt.userID)
    }

    /// Removes the copies in the old lane.
    func forget(_ attempt: Attempt) async throws {
        // What a job consists of goes before what names the job, so that another attempt finds it.
        for batch in try await suffixes(in: attempt.from, attempt).reversed().batches(of: Self.batch) {
            _ = try await store.run(
                \.forget, lane: attempt.from, attempt.arguments + batch.map { RedisArgument($0) })
            try await accounts.touchMove(of: attempt.userID)
        }
    }

    // MARK: What is the user's

    private func jobs(_ index: LaneKey, in lane: String, _ attempt: Attempt) async throws -> [String] {
        let key = store.keys.lane(lane, index, attempt.userID)
        return try await store.send("ZRANGE", key, 0, -1).elements?.compactMap(\.text) ?? []
    }

    /// All keys of the user in a lane, after its root: first the user's own, then those of each job, its hash before the others.
    private func suffixes(in lane: String, _ attempt: Attempt) async throws -> [String] {
        var own: Set<String> = []
        var cursor = "0"
        repeat {
            let reply = try await store.run(
                \.scan, lane: lane,
                [RedisArgument(cursor), RedisArgument(Self.page), RedisArgument("user:\(attempt.userID):*")])
            guard let parts = reply.elements, parts.count == 2, let next = parts[0].text, let names = parts[1].elements
            else { throw QueueError.corrupt("the reply of scan is not understood") }
            cursor = next
            own.formUnion(names.compactMap(\.text))
        } while cursor != "0"
        let ids = try await jobs(.userJobs, in: lane, attempt) + (try await jobs(.userEnded, in: lane, attempt))
        let keys = LaneKey.allCases.filter { $0.rawValue.hasPrefix("job:") }
        return own.sorted() + ids.flatMap { id in keys.map { $0.suffix(id) } }
    }
}
