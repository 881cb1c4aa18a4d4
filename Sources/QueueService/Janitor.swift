// Removes jobs that ended long ago, and finishes what broke off. Every replica has a janitor; each round is done by one of them.

import Logging
import Metrics
import Redis
import ServiceLifecycle

struct Janitor: Service {
    let lanes: Lanes
    let store: Store
    /// Finishes moves that broke off; nil: nobody does.
    var move: UserMove?
    let logger: Logger

    /// How often it goes through the lanes.
    private static let interval = Duration.seconds(60)

    /// Works until the service stops. A round that fails is made up for by the next.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    if try await isOnDuty() {
                        try await clean()
                        try await finishMoves()
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
        Counter(label: "queue_expired_jobs_total").increment(by: total)
        logger.info("removed old jobs", metadata: ["jobs": "\(total)"])
        return total
    }

    /// Moves users on whose move to another lane broke off.
    func finishMoves() async throws {
        for (userID, lane) in try await move?.accounts.brokenMoves(since: Self.interval) ?? [] {
            do {
                _ = try await move?.run(userID, to: lane)
                logger.info("finished the move of a user", metadata: ["user": "\(userID)", "lane": "\(lane)"])
            } catch {
                logger.warning("cannot move a user", metadata: ["user": "\(userID)", "error": "\(error)"])
            }
        }
    }

    /// Whether no other replica does this round.
    private func isOnDuty() async throws -> Bool {
        let milliseconds = Self.interval.milliseconds * 9 / 10
        return try await !store.send("SET", store.keys.janitor, 1, "NX", "PX", milliseconds).isNull
    }
}
