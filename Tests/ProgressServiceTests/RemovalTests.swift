// What is promised of a user who is gone: nothing of them is kept, and nothing of others is lost.

import AnalysisAPI
import Crypto
import Foundation
import RPC
import Redis
import TestSupport
import Testing

@testable import ProgressService

@Suite(.timeLimit(.minutes(2))) struct RemovalTests {
    @Test func ofAUserWhoIsGoneNothingIsKept() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            let others = {
                var job = PlayedJob.running
                (job.id, job.userID) = ("0-2", "other")
                return job
            }()
            let theirs = PlayedJob.running.userID
            driver.cover(theirs, Coverage(total: 4))
            try await surroundings.withQueue {
                try await surroundings.withService { progress in
                    driver.publish(PlayedJob.started())
                    driver.publish(PlayedJob.started(others))
                    _ = try await progress.job("0-1") { $0.inProgress == 1 }
                    _ = try await progress.get(
                        ProgressRequest(userID: theirs, context: ProgressContext(context: .library(true))))
                }
                let keys = Keys(prefix: surroundings.keyPrefix)
                try await surroundings.redis.withClient { redis in
                    let kept = try await redis.send("EXISTS", keys.job("0-1"), keys.context(.library(userID: theirs)))
                        .int
                    #expect(kept == 2)
                }
                try await surroundings.withService { progress in
                    driver.publish(
                        Event(
                            lane: "0", kind: .userRemoved, userHash: Array(SHA256.hash(data: Data(theirs.utf8)))))
                    // The end of this is written behind the removal.
                    var ended = others
                    (ended.state, ended.endedAtMs) = (.completed, 9)
                    driver.publish(Event(lane: "0", kind: .completed, job: ended))
                    _ = try await progress.watch(
                        WatchRequest(userID: "other", contexts: [ProgressContext(context: .jobID("0-2"))])
                    )
                    .first { $0.ended }
                }
                try await surroundings.redis.withClient { redis in
                    let left = [
                        keys.job("0-1"), keys.context(.library(userID: theirs)), keys.endedJobs(of: theirs),
                        keys.estimates("0-1"),
                    ]
                    for key in left {
                        let count = try await redis.send("EXISTS", key).int
                        #expect(count == 0, "\(key)")
                    }
                    let others = try await redis.send("EXISTS", keys.job("0-2")).int
                    let isLive = try await redis.send("SISMEMBER", keys.liveJobs, "0-1").int
                    #expect(others == 1 && isLive == 0)
                }
            }
        }
    }

    @Test func namesTellWhomTheyAreAbout() {
        let keys = Keys(prefix: "aq:")
        #expect(keys.kind(of: keys.context(.library(userID: "a:b"))) == .user("a:b"))
        #expect(keys.kind(of: keys.context(.playlist(userID: "a:1", playlistID: "p:2"))) == .user("a:1"))
        #expect(keys.kind(of: keys.endedJobs(of: "ä")) == .user("ä"))
        #expect(keys.kind(of: keys.job("0-1")) == .job)
        #expect(keys.kind(of: keys.cursors) == .other && keys.kind(of: "aq:users") == .other)
    }
}
