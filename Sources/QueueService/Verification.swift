// Recounts what a lane's keys say about each other, and mends what is wrong.
//
// Everything is looked at in small scripts, each true at one instant, while the lane is served. What is found is looked at again
// after a while: only what is still wrong is damage. What is wrong stands in verify.lua.

import AnalysisAPI
import Jobs
import RPC
import Redis

struct Verification: Sendable {
    let lane: String
    let store: Store
    /// After how long what was found is looked at again: the sweep of lost lanes comes first.
    var patience = Dispatcher.sweepInterval * 2

    /// How many keys, or members of one, are listed at once.
    private static let page = 500
    /// How many places one script looks at.
    private static let placesAtOnce = 100
    /// How many jobs one script adds up.
    private static let tallyPage = 200
    /// How many findings are looked at again; where there are more, repairing finds the others in its next round.
    private static let suspectsLimit = 10_000
    /// How often repairing begins again, as what it mends may show more.
    private static let rounds = 5
    /// How often a recount is begun again because the lane changed meanwhile.
    private static let recounts = 10

    /// Something that may be wrong: a key of a job, of a user or of the lane, or one member of it.
    private struct Place: Hashable {
        let key: LaneKey
        var id = ""
        var member = ""

        /// Those in the name of the key.
        var ids: [String] { key == .songTwins ? [id, member] : [id] }

        var arguments: [RedisArgument] { [RedisArgument(key.scriptName), RedisArgument(id), RedisArgument(member)] }
    }

    /// - Parameter report: is given what is wrong, as it is found.
    /// - Returns: how many keys the lane has.
    func run(repairs: Bool, report: ([Damage]) async throws -> Void) async throws -> UInt64 {
        var keys: UInt64 = 0
        for _ in 0..<(repairs ? Self.rounds : 1) {
            let (suspects, count) = try await suspects()
            keys = count
            if !suspects.isEmpty { try await Task.sleep(for: patience) }
            var isWhole = true
            for start in stride(from: 0, to: suspects.count, by: Self.placesAtOnce) {
                let places = suspects[start..<min(start + Self.placesAtOnce, suspects.count)]
                let damage = try await check(Array(places), mends: repairs).map(\.damage)
                if !damage.isEmpty { try await report(damage) }
                isWhole = isWhole && damage.isEmpty
            }
            if isWhole { break }
        }
        let damage = try await checkCounters(mends: repairs)
        if !damage.isEmpty { try await report(damage) }
        return keys
    }

    private func check(_ places: [Place], mends: Bool) async throws -> [(place: Place, damage: Damage)] {
        let reply = try await store.run(
            \.verify, lane: lane, [RedisArgument(mends ? 1 : 0)] + places.flatMap(\.arguments))
        return try (reply.elements ?? []).map { finding in
            guard let parts = finding.elements, parts.count == 3, let ordinal = parts[0].int,
                places.indices.contains(Int(ordinal) - 1)
            else { throw QueueError.corrupt("the reply of verify is not understood") }
            let place = places[Int(ordinal) - 1]
            return (
                place,
                Damage(
                    key: store.keys.lane(lane, place.key, place.ids), what: lossyText(parts[1]),
                    repair: lossyText(parts[2]))
            )
        }
    }

    // MARK: Finding suspects

    /// Looks at everything once.
    private func suspects() async throws -> (suspects: [Place], keys: UInt64) {
        var suspects: [Place] = []
        var known: Set<Place> = []
        var keys: UInt64 = 0
        var cursor = "0"
        repeat {
            let reply = try await store.run(\.scan, lane: lane, [RedisArgument(cursor), RedisArgument(Self.page), ""])
            guard let parts = reply.elements, parts.count == 2, let next = parts[0].text, let names = parts[1].elements
            else { throw QueueError.corrupt("the reply of scan is not understood") }
            cursor = next
            keys += UInt64(names.count)
            var places: [Place] = []
            for name in names {
                guard let (key, ids) = name.text.flatMap({ LaneKey.parse($0) }) else { continue }
                let id = ids.first ?? ""
                switch key {
                case .job, .jobSongs, .jobFailures, .jobAside, .jobAttempts, .userBacklog, .running, .lease:
                    places.append(Place(key: key, id: id))
                case .songTwins:
                    places.append(Place(key: key, id: id, member: ids.last ?? ""))
                case .ready, .readyBackground, .due, .live, .ended, .dead, .userJobs, .userEnded, .userDead,
                    .userWishes, .userAnalysed, .userContents, .userIdentical, .userLandmarks, .userLandmarkSongs,
                    .moves:
                    try await visitMembers(of: Place(key: key, id: id)) { suspects += try await suspicious($0) }
                default: break
                }
            }
            suspects += try await suspicious(places)
        } while cursor != "0" && suspects.count < Self.suspectsLimit
        // A key that comes twice from a scan is one suspect.
        return (suspects.filter { known.insert($0).inserted }, keys)
    }

    private func suspicious(_ places: [Place]) async throws -> [Place] {
        var suspicious: [Place] = []
        for start in stride(from: 0, to: places.count, by: Self.placesAtOnce) {
            let some = places[start..<min(start + Self.placesAtOnce, places.count)]
            suspicious += try await check(Array(some), mends: false).map(\.place)
        }
        return suspicious
    }

    /// Lists the members of a sorted set, or the fields of a hash, a page at a time.
    private func visitMembers(of place: Place, _ visit: ([Place]) async throws -> Void) async throws {
        let name = RedisArgument(store.keys.lane(lane, place.key, place.id))
        let isHash = [
            .userWishes, .userAnalysed, .userContents, .userLandmarks, .userLandmarkSongs, .moves,
        ].contains(place.key)
        var cursor = "0"
        repeat {
            let reply = try await store.send(
                [isHash ? "HSCAN" : "ZSCAN", name, RedisArgument(cursor), "COUNT", RedisArgument(Self.page)])
            guard let parts = reply.elements, parts.count == 2, let next = parts[0].text, let pairs = parts[1].elements
            else { throw QueueError.corrupt("the reply of a scan is not understood") }
            cursor = next
            try await visit(
                stride(from: 0, to: pairs.count, by: 2).compactMap { index in
                    pairs[index].text.map { Place(key: place.key, id: place.id, member: $0) }
                })
        } while cursor != "0"
    }

    // MARK: Counters

    /// Compares the counters to a recount, which counts only where the lane did not change meanwhile.
    private func checkCounters(mends: Bool) async throws -> [Damage] {
        for _ in 0..<Self.recounts {
            guard let (mark, sums) = try await tally() else { continue }
            let key = store.keys.lane(lane, .counts)
            let counts = (try await store.send("HGETALL", key).map ?? [:]).compactMapValues(\.int)
            let wrong = Set(sums.keys).union(counts.keys).filter { sums[$0, default: 0] != counts[$0, default: 0] }
                .sorted()
            if mends, !wrong.isEmpty {
                let replaced = try await store.run(
                    \.recount, lane: lane,
                    [RedisArgument(mark)] + sums.flatMap { [RedisArgument($0.key), RedisArgument($0.value)] })
                guard replaced.int == 1 else { continue }
            } else if try await tallyMark() != mark {
                continue
            }
            return wrong.map { name in
                Damage(
                    key: key, what: "\(name) is \(counts[name, default: 0]) and should be \(sums[name, default: 0])",
                    repair: mends ? "corrected" : "")
            }
        }
        throw QueueError.unavailable(
            "lane \(lane) changes faster than its counters can be recounted; pause the queue meanwhile")
    }

    /// Adds up the lane's jobs.
    ///
    /// - Returns: nil where it changed meanwhile.
    private func tally() async throws -> (mark: String, sums: [String: Int64])? {
        var mark: String?
        var sums: [String: Int64] = [:]
        for index in [LaneKey.live, .ended] {
            var first = 0
            while true {
                let page = try await tally(index, from: first, count: Self.tallyPage)
                guard mark == nil || mark == page.mark else { return nil }
                mark = page.mark
                for (name, sum) in page.sums { sums[name, default: 0] += sum.int ?? 0 }
                first += page.jobs
                if page.jobs < Self.tallyPage { break }
            }
        }
        return mark.map { ($0, sums) }
    }

    private func tallyMark() async throws -> String { try await tally(.live, from: 0, count: 0).mark }

    private func tally(
        _ index: LaneKey, from first: Int, count: Int
    ) async throws -> (mark: String, jobs: Int, sums: [String: RedisValue]) {
        let reply = try await store.run(
            \.tally, lane: lane, [RedisArgument(index.scriptName), RedisArgument(first), RedisArgument(count)])
        guard let parts = reply.elements, parts.count == 3, let mark = parts[0].text, let jobs = parts[1].int,
            let sums = parts[2].map
        else { throw QueueError.corrupt("the reply of tally is not understood") }
        return (mark, Int(jobs), sums)
    }
}

/// What is damaged may be no text.
private func lossyText(_ value: RedisValue) -> String { String(decoding: value.bytes ?? [], as: UTF8.self) }
