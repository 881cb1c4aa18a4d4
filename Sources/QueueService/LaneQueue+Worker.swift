// What a worker does with a lane: it holds it, reports its item, and claims the next.

import AnalysisAPI
import Jobs
import RPC
import Redis

extension LaneQueue {
    enum Exchanged: Sendable {
        case idle
        /// The claim passed many songs that need no analysis; it goes on with another call.
        case again
        /// The same, once `PreferenceStore.refresh` was told.
        case stale(userID: String, preferences: [UInt8])
        /// - Parameter mark: the analyzers whose results of the song are stored.
        case run(JobRecord, song: Song, mark: String)
    }

    /// Records what became of the item that a worker ran, and claims the next one.
    ///
    /// - Parameters:
    ///   - highlights: one for each result of the report, in order.
    ///   - sound: what the song sounds like, where the report tells; nil: what was known stays.
    ///   - nextClaim: what names the next item; nil: takes none.
    ///   - jitter: the share of its longest delay after which a song that failed is tried again; nil: any.
    /// - Throws: `QueueError.stale` where the worker does not hold the lane, or not the item.
    func exchange(
        worker: String, lease: [UInt8], item: ItemReport?, highlights: [[UInt8]], sound: SongSound? = nil,
        nextClaim: [UInt8]?, jitter: Double? = nil
    ) async throws -> Exchanged {
        var outcome = "none"
        var failure = Failed()
        var results: [AnalysisResult] = []
        switch item?.outcome {
        case .analysed(let analysed):
            results = analysed.results
            outcome = !results.isEmpty && results.allSatisfy { item?.credits($0) == true } ? "credited" : "analysed"
        case .failed(let failed): (outcome, failure, results) = ("failed", failed, failed.results)
        case .suspended: outcome = "suspended"
        case .released: outcome = "released"
        case nil: break
        }
        var arguments: [RedisArgument] = [
            RedisArgument(worker), RedisArgument(lease), RedisArgument(outcome), RedisArgument(item?.jobID ?? ""),
            RedisArgument(item?.epoch ?? 0), RedisArgument(item?.claim ?? []), RedisArgument(nextClaim ?? []),
            RedisArgument(failure.reason), RedisArgument(failure.kind.mayPass ? 1 : 0),
            RedisArgument(failure.kind.isOfTheAnalyzer ? failure.analyzer : ""),
            RedisArgument(failure.kind.mayPass ? "\(jitter ?? .random(in: 0..<1))" : "1"),
            RedisArgument(results.map(\.createdAtMs).min() ?? 0),
            RedisArgument(sound?.landmarks ?? "-"), RedisArgument(sound?.twins.count ?? 0),
        ]
        for twin in sound?.twins ?? [] {
            arguments += [RedisArgument("\(twin.bitErrorRate)"), RedisArgument(twin.songID)]
        }
        for (result, highlights) in zip(results, highlights) {
            arguments += [
                RedisArgument(result.analyzer?.name ?? ""), RedisArgument(result.analyzer?.version ?? ""),
                RedisArgument(result.stored), RedisArgument(highlights),
                RedisArgument(result.identity?.fileHash.hexadecimal ?? ""),
                RedisArgument(result.identity?.audioHash.hexadecimal ?? ""),
                RedisArgument(item?.credits(result) == true ? 1 : 0),
            ]
        }
        let parts = try await store.run(\.exchange, lane: lane, arguments).elements ?? []
        switch parts.first?.text {
        case "idle": return .idle
        case "again": return .again
        case "stale" where parts.count == 3:
            return .stale(userID: parts[1].text ?? "", preferences: parts[2].bytes ?? [])
        case "run" where parts.count == 4:
            return .run(
                try JobRecord(pairs: parts[1], lane: lane), song: try Song(stored: parts[2].bytes ?? []),
                mark: parts[3].text ?? ""
            )
        default: throw QueueError.corrupt("the reply of exchange is not understood")
        }
    }

    /// The song that an item is about; nil where it does not run any more.
    func song(of item: ItemReport) async throws -> SongName? {
        let key = store.keys.lane(lane, .job, item.jobID)
        let values = try await store.send("HMGET", key, "claim", "user_id", "song_id").elements ?? []
        guard values.count == 3, values[0].bytes == item.claim, let userID = values[1].text, let songID = values[2].text
        else { return nil }
        return SongName(userID: userID, songID: songID)
    }

    enum Held: Sendable {
        /// Another worker holds the lane.
        case taken
        /// - Parameters:
        ///   - isNew: false where the worker held the lane with this lease already.
        ///   - kept: the items that the worker goes on with; it drops the others.
        case held(isNew: Bool, hint: Hint, kept: [HeldItem])
    }

    /// Gives the lane to a worker for a while, or more time to the worker that holds it.
    ///
    /// - Parameters:
    ///   - lanes: how many there are, which share the site's songs an hour.
    ///   - background: what holds back the background work of the lane for that time; nil: nothing.
    func hold(
        worker: String, lease: [UInt8], length: Duration, items: [HeldItem], lanes: Int = 1,
        background: BackgroundHold? = nil
    ) async throws -> Held {
        let reply = try await store.run(
            \.hold, lane: lane,
            [
                RedisArgument(worker), RedisArgument(lease), RedisArgument(length.milliseconds),
                RedisArgument(background?.reason ?? ""), RedisArgument(background?.untilMs ?? 0),
                RedisArgument(lanes),
            ]
                + items.flatMap { [RedisArgument($0.jobID), RedisArgument($0.epoch), RedisArgument($0.claim)] })
        let parts = reply.elements ?? []
        if parts.first?.text == "taken" { return .taken }
        guard parts.count == 3, let kept = parts[2].elements else {
            throw QueueError.corrupt("the reply of hold is not understood")
        }
        let ordinals = kept.compactMap(\.int).map { Int($0) - 1 }
        return .held(
            isNew: parts[0].text == "granted", hint: try Hint(lane: lane, reply: parts[1]),
            kept: ordinals.filter(items.indices.contains).map { items[$0] })
    }

    /// Ends a worker's lease, if it is still its.
    func release(worker: String, lease: [UInt8]) async throws -> Hint {
        try Hint(
            lane: lane,
            reply: try await store.run(\.release, lane: lane, [RedisArgument(worker), RedisArgument(lease)]))
    }

    /// Puts the running item back in line where the lease of the lane has expired.
    func sweep() async throws -> Hint {
        try await release(worker: "", lease: [])
    }
}

/// A song of a user.
struct SongName: Hashable, Sendable {
    let userID: String
    let songID: String
}

extension ItemReport {
    /// Whether the result was found with an identical file.
    fileprivate func credits(_ result: AnalysisResult) -> Bool { credited.contains(result.analyzer?.name ?? "") }
}

extension FailureKind {
    /// Whether another attempt may end well.
    fileprivate var mayPass: Bool { self == .crashed || self == .timedOut }

    /// Whether it may say more about the analyzer than about the song.
    fileprivate var isOfTheAnalyzer: Bool { self == .crashed || self == .timedOut || self == .limit }
}
