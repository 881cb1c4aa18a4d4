// Follows the queue's event log, from where the last run stopped, for ever.

import AnalysisAPI
import Logging
import RPC
import ServiceLifecycle

struct LogFollower: Service {
    let queue: QueueClient
    let store: ProgressStore
    let hub: ProgressHub
    let logger: Logger

    /// Before following again after the log broke off; the connection has its own, longer backoff.
    private static let pause: Duration = .milliseconds(100)
    private static let loadRetryInterval: Duration = .milliseconds(500)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await restore()
            while !Task.isCancelled {
                await follow()
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private func restore() async {
        while !Task.isCancelled {
            do {
                let kept = try await store.load()
                hub.change { $0.restore(kept, nowMs: $1) }
                logger.info("Goes on from what was kept", metadata: ["jobs": "\(kept.jobs.count)"])
                return
            } catch {
                logger.warning("What was kept cannot be read yet", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: Self.loadRetryInterval)
            }
        }
    }

    private func follow() async {
        hub.change { book, _ in book.beginFollowing() }
        let cursors = hub.look { book, _ in
            book.lanes.filter { !$0.value.cursor.isEmpty }
                .map { LaneCursor(lane: $0.key, cursor: $0.value.cursor) }
        }
        do {
            for try await event in queue.follow(FollowRequest(cursors: cursors)) {
                hub.change { $0.apply(event, nowMs: $1) }
            }
            logger.info("The event log ended; following it again")
        } catch {
            if Task.isCancelled { return }
            logger.warning("The event log broke off; following it again", metadata: ["error": "\(error)"])
        }
    }
}
