// What is promised about an analyzer that fails with every song: none of them is burned, and the first that passes ends it.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct BreakerTests {
    static let crash = ItemReport.Outcome.failed(
        Failed(reason: "no such module", kind: .crashed, analyzer: "audio"))
    static let limits = QueueLimits(retryBase: .zero, breakerSongs: 3)

    @Test func songsThatFailInARowHoldBackTheLaneAndAreNotBurned() async throws {
        try await withLane(limits: Self.limits) { lane in
            let job = try await lane.breakDown()
            #expect(job.state == .interrupted && job.failed == 0 && job.retrying == 3)
            let breakers = try await lane.status().breakers
            #expect(breakers.map(\.analyzer) == ["audio"] && breakers.map(\.songs) == [3])
            #expect(breakers.first?.reason == "no such module")
            let position = try await JobReader(lane: "0", store: lane.store).position(of: job.id, userID: "u")
            #expect(position.breakers == breakers)
            guard case .held(_, let hint, _) = try await lane.hold() else {
                Issue.record("the lane is taken")
                return
            }
            #expect(hint.kind == .none)
            #expect(try await lane.exchange() == nil)
            #expect(try await lane.events().filter { $0.kind == .breakerOpened }.map(\.analyzer) == ["audio"])
        }
    }

    @Test func oneSongIsTriedNowAndThenAndTheFirstThatPassesEndsIt() async throws {
        try await withLane(limits: Self.limits) { lane in
            let job = try await lane.breakDown()
            for _ in 1...12 {
                try await lane.makeProbeDue()
                let probe = try #require(try await lane.exchange())
                #expect(try await lane.exchange(probe, Self.crash) == nil)
            }
            #expect(try await lane.job(job.id).failed == 0)

            try await lane.makeProbeDue()
            #expect(try await lane.drain().count == 5)
            let done = try await lane.job(job.id)
            #expect(done.state == .completed && done.analysed == 5)
            #expect(try await lane.status().breakers.isEmpty)
            #expect(try await lane.events().map(\.kind).contains(.breakerClosed))
        }
    }

    @Test func theFirstThatPassesEndsItAlsoWhereItsSongsAreForgotten() async throws {
        try await withLane(limits: Self.limits) { lane in
            _ = try await lane.breakDown()
            try await lane.store.send("DEL", lane.store.keys.lane("0", .breakerSongs, "audio"))
            try await lane.makeProbeDue()
            #expect(try await lane.drain().count == 5)
            #expect(try await lane.status().breakers.isEmpty)
            #expect(try await lane.events().map(\.kind).contains(.breakerClosed))
        }
    }

    @Test func theBreakerOfAnAnalyzerThatWasRemovedHoldsBackNothing() async throws {
        try await withLane(limits: Self.limits) { lane in
            try await lane.hold()
            let breakers = lane.store.keys.lane("0", .breakers)
            try await lane.store.send("HSET", breakers, "removed", "1 \(Int64.now + 20_000) 3 no such module")
            _ = try await lane.enqueue(.playlist, "p")
            #expect(try await lane.exchange() != nil)
            _ = try await lane.queue.sweep()
            #expect(try await lane.status().breakers.isEmpty)
            #expect(try await lane.events().filter { $0.kind == .breakerClosed }.map(\.analyzer) == ["removed"])
        }
    }

    @Test func whatWasClickedGoesBeforeTheSongThatIsTried() async throws {
        try await withLane(limits: Self.limits) { lane in
            _ = try await lane.breakDown()
            try await lane.makeProbeDue()
            let probe = try #require(try await lane.exchange())
            let clicked = try #require(try await lane.enqueue(.song, "s9").job)
            #expect(clicked.state == .pending)
            let next = try await lane.exchange(probe, .suspended(Suspended()))
            #expect(next?.job.id == clicked.id)
        }
    }

    @Test func aSongThatFailsAgainAndAgainOpensNothing() async throws {
        try await withLane(limits: Self.limits) { lane in
            try await lane.hold()
            for _ in 1...2 {
                let job = try #require(try await lane.enqueue(.song, "s1").job)
                var item = try await lane.exchange()
                for _ in 1...3 { item = try await lane.exchange(item, Self.crash) }
                #expect(try await lane.job(job.id).state == .failed)
            }
            #expect(try await lane.status().breakers.isEmpty)
        }
    }

    @Test(arguments: [FailureKind.missing, .unreadable, .refused])
    func whatIsWrongWithSongsOpensNothing(_ kind: FailureKind) async throws {
        try await withLane(limits: Self.limits) { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.playlist, "p")
            var item = try await lane.exchange()
            while let failing = item {
                item = try await lane.exchange(
                    failing, .failed(Failed(reason: "no", kind: kind, analyzer: "audio")))
            }
            #expect(try await lane.status().breakers.isEmpty)
        }
    }
}

extension TestLane {
    /// Has three songs of the playlist fail in the analyzer.
    fileprivate func breakDown() async throws -> Job {
        try await hold()
        let job = try #require(try await enqueue(.playlist, "p").job)
        var item = try await exchange()
        for _ in 1...3 { item = try await exchange(item, BreakerTests.crash) }
        #expect(item == nil)
        return try await self.job(job.id)
    }

    /// Has the time come to try a song.
    fileprivate func makeProbeDue() async throws {
        try await store.send("HSET", store.keys.lane("0", .breakers), "audio", "1 1 3 no such module")
    }
}
