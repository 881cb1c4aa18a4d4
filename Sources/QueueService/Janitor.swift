// Removes jobs that ended long ago and results that are too old, and finishes what broke off. Every replica has a janitor; each
// round is done by one of them.

import AnalysisAPI
import Logging
import Metrics
import Redis
import ServiceLifecycle

struct Janitor: Service {
    let lanes: Lanes
    let store: Store
    /// Of whom old results are removed, and by what broken moves are finished; nil: of nobody, and by nothing.
    var move: UserMove?
    /// By what broken removals are finished; nil: by nothing.
    var erasure: Erasure?
    /// How long results are kept; nil: for ever.
    var resultAge: Duration?
    let logger: Logger

    /// How often it goes through the lanes.
    private static let interval = Duration.seconds(60)
    /// How often it goes through all results, which takes longer.
    private static let resultInterval = Duration.seconds(3600)
    /// How many songs are looked at in one step.
    private static let songsAtOnce = 500

    /// Works until the service stops. A round that fails is made up for by the next.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    if try await isOnDuty(store.keys.janitor, every: Self.interval) {
                        try await clean()
                        try await finishMoves()
                    }
                    if resultAge != nil, try await isOnDuty(store.keys.resultJanitor, every: Self.resultInterval) {
                        try await cleanResults()
                    }
                } catch {
                    logger.warning("cannot clean up", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Removes what has had its time.
    ///
    /// - Returns: how many jobs that were.
    @discardableResult
    func clean() async throws -> Int64 {
        var total: Int64 = 0
        for lane in lanes.ids {
            let queue = LaneQueue(lane: lane, store: store)
            while case let removed = try await queue.expire(), removed > 0 { total += removed }
        }
        guard total > 0 else { return 0 }
        Counter(label: "analysis_queue_expired_jobs_total").increment(by: total)
        logger.info("removed old jobs", metadata: ["jobs": "\(total)"])
        return total
    }

    /// Removes the results that are too old, of all users.
    ///
    /// - Returns: of how many songs that was.
    @discardableResult
    func cleanResults() async throws -> Int64 {
        guard let resultAge, let accounts = move?.accounts else { return 0 }
        let before = Int64.now - resultAge.milliseconds
        var total: Int64 = 0
        var request = ListUsersRequest()
        repeat {
            let page = try await accounts.list(request)
            for user in page.users {
                do {
                    total += try await cleanResults(of: user, before: before)
                } catch QueueError.moving {
                    // The next round finds them in their new lane.
                }
            }
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
        guard total > 0 else { return 0 }
        Counter(label: "analysis_queue_expired_results_total").increment(by: total)
        logger.info("removed old results", metadata: ["songs": "\(total)"])
        return total
    }

    private func cleanResults(of user: User, before: Int64) async throws -> Int64 {
        let key = RedisArgument(store.keys.lane(user.lane, .userAnalysedAt, user.id))
        var total: Int64 = 0
        var cursor = "0"
        repeat {
            let reply = try await store.send(
                ["HSCAN", key, RedisArgument(cursor), "COUNT", RedisArgument(Self.songsAtOnce)])
            guard let parts = reply.elements, parts.count == 2, let next = parts[0].text, let pairs = parts[1].elements
            else { throw QueueError.corrupt("the reply of a scan is not understood") }
            cursor = next
            // A small hash comes as a whole, whatever was asked for.
            let old = stride(from: 0, to: pairs.count - 1, by: 2).compactMap { index in
                pairs[index + 1].int ?? 0 < before ? pairs[index].bytes : nil
            }
            for songs in old.batches(of: Self.songsAtOnce) {
                let arguments = [RedisArgument(user.id), RedisArgument(before)] + songs.map { RedisArgument($0) }
                total += try await store.run(\.expireResults, lane: user.lane, arguments).int ?? 0
            }
        } while cursor != "0"
        return total
    }

    /// Moves users on whose move to another lane broke off, and removes those of whom a removal has left something.
    func finishMoves() async throws {
        for (userID, lane) in try await move?.accounts.brokenMoves(since: Self.interval) ?? [] {
            do {
                if let lane {
                    _ = try await move?.run(userID, to: lane)
                    logger.info("finished the move of a user", metadata: ["user": "\(userID)", "lane": "\(lane)"])
                } else {
                    let alias = Erasure.alias()
                    _ = try await erasure?.run(userID, alias: alias)
                    logger.info("finished the removal of a user", metadata: ["erased_as": "\(alias)"])
                }
            } catch {
                logger.warning(
                    "cannot finish what broke off of a user", metadata: ["user": "\(userID)", "error": "\(error)"])
            }
        }
    }

    /// Whether no other replica does this round.
    private func isOnDuty(_ key: String, every interval: Duration) async throws -> Bool {
        try await Duty(key: key, term: interval * 9 / 10, store: store).take()
    }
}
