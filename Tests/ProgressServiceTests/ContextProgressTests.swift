import AnalysisAPI
import Testing

@testable import ProgressService

@Suite struct ContextProgressTests {
    private static let library = ContextKey.library(userID: "ann")
    private static let playlist = ContextKey.playlist(userID: "ann", playlistID: "trip")

    /// A lane whose user watches the library of ten songs and the playlist of `s1…s4`, `done` of them analysed.
    private func watched(done: UInt32 = 0) -> SimulatedLane {
        var lane = SimulatedLane()
        for key in [Self.library, Self.playlist] {
            lane.book.open(key, kept: nil, nowMs: lane.nowMs)
            _ = lane.book.watch([key])
        }
        _ = lane.book.learn(members: ["s1", "s2", "s3", "s4"], of: Self.playlist, asOf: 0, nowMs: lane.nowMs)
        cover(&lane, library: (10, done), playlist: (4, done))
        return lane
    }

    /// The catalog answers.
    private func cover(
        _ lane: inout SimulatedLane, library: (total: UInt32, analysed: UInt32),
        playlist: (total: UInt32, analysed: UInt32), failed: UInt32 = 0
    ) {
        for (key, numbers) in [(Self.library, library), (Self.playlist, playlist)] {
            let coverage = Coverage(
                total: numbers.total, analysed: numbers.analysed, failed: failed,
                audioMs: UInt64(numbers.total) * 200_000,
                audioDoneMs: UInt64(numbers.analysed + failed) * 200_000)
            let ticket = lane.book.ask(key) ?? .max
            _ = lane.book.learn(coverage, of: key, ticket: ticket, nowMs: lane.nowMs)
        }
    }

    @Test func theSongThatRunsCountsInTheContextsThatHoldIt() throws {
        var lane = watched()
        _ = lane.enqueue("ann", .background, .alike(1, "s", tookMs: 1_000) + .alike(5, "t"))
        lane.run(ms: 500)
        let playlist = try #require(lane.view(Self.playlist))
        #expect(abs(playlist.fraction - 0.5 / 4) < 0.01 && playlist.inProgress == 1 && playlist.song?.id == "s1")
        #expect(abs(try #require(lane.view(Self.library)).fraction - 0.5 / 10) < 0.01)
        lane.run(ms: 600)
        let elsewhere = try #require(lane.view(Self.playlist))
        #expect(elsewhere.inProgress == 0 && elsewhere.song == nil && elsewhere.job == nil)
        #expect(try #require(lane.view(Self.library)).song?.id == "t1")
    }

    @Test func aLateAnswerAboutTheSongsOfAPlaylistLeavesThemToBeAskedForAgain() {
        var lane = watched()
        _ = lane.book.apply(Event(lane: "0", kind: .libraryChanged, userID: "ann"), nowMs: lane.nowMs)
        #expect(lane.book.lacksMembers(Self.playlist) == 1)
        _ = lane.book.apply(Event(lane: "0", kind: .libraryChanged, userID: "ann"), nowMs: lane.nowMs)
        _ = lane.book.learn(members: ["s1"], of: Self.playlist, asOf: 1, nowMs: lane.nowMs)
        #expect(lane.book.lacksMembers(Self.playlist) == 2)
        _ = lane.book.learn(members: ["s1", "s9"], of: Self.playlist, asOf: 2, nowMs: lane.nowMs)
        _ = lane.book.learn(members: ["s1"], of: Self.playlist, asOf: 1, nowMs: lane.nowMs)
        #expect(lane.book.lacksMembers(Self.playlist) == nil)
        #expect(lane.book.contexts[Self.playlist]?.members == ["s1", "s9"])
        // What was asked for another context of this playlist, before it was closed.
        _ = lane.book.learn(members: ["s2"], of: Self.playlist, asOf: 7, nowMs: lane.nowMs)
        #expect(lane.book.contexts[Self.playlist]?.members == ["s1", "s9"])
    }

    @Test func somebodyElsesSongCountsNowhere() throws {
        var lane = watched()
        _ = lane.enqueue("bob", .song, target: "s1", .alike(1))
        lane.run(ms: 500)
        let view = try #require(lane.view(Self.library))
        #expect(view.fraction == 0 && view.inProgress == 0 && view.job == nil && view.song == nil)
    }

    @Test func everyEndOfASongAsksTheCatalogAnewAndNothingFallsMeanwhile() throws {
        var lane = watched()
        let job = lane.enqueue("ann", .playlist, target: "trip", .alike(4))
        var done: UInt32 = 0
        var last = 0.0
        lane.run { lane in
            let fraction = lane.view(Self.playlist)?.fraction ?? -1
            #expect(fraction >= last)
            last = fraction
            let analysed = lane.jobs[job]?.job.analysed ?? 0
            if analysed > done {
                #expect(lane.book.contexts[Self.playlist]?.isStale == true)
                done = analysed
                cover(&lane, library: (10, done), playlist: (4, done))
            }
        }
        let view = try #require(lane.view(Self.playlist))
        #expect(view.fraction == 1 && view.ended && view.basis == 1)
        #expect(try #require(lane.view(Self.library)).fraction == 0.4)
    }

    @Test func aChangedSetOfSongsStartsANewBasis() throws {
        var lane = watched(done: 4)
        #expect(try #require(lane.view(Self.playlist)).fraction == 1)
        let change = lane.book.apply(
            Event(lane: "0", cursor: "7", kind: .libraryChanged, userID: "ann"), nowMs: lane.nowMs)
        #expect(change.queries.count == 3)
        cover(&lane, library: (12, 4), playlist: (5, 4))
        let view = try #require(lane.view(Self.playlist))
        #expect(view.basis == 2 && view.fraction == 0.8 && !view.ended)
        #expect(try #require(lane.view(Self.library)).basis == 2)
    }

    @Test func afterASnapshotLibrariesAreAskedForAnew() {
        var lane = watched(done: 4)
        let end = lane.book.apply(Event(lane: "0", cursor: "7", kind: .snapshotEnd), nowMs: lane.nowMs)
        #expect(end.queries.count == 3)
    }

    @Test func aChangeOfOtherThingsKeepsTheBasis() throws {
        var lane = watched(done: 2)
        _ = lane.book.apply(Event(lane: "0", cursor: "7", kind: .libraryChanged, userID: "ann"), nowMs: lane.nowMs)
        cover(&lane, library: (10, 2), playlist: (4, 2))
        #expect(try #require(lane.view(Self.playlist)).basis == 1)
    }

    @Test func resultsThatWentStaleStartANewBasis() throws {
        var lane = watched(done: 4)
        _ = lane.book.apply(Event(lane: "0", cursor: "7", kind: .libraryChanged, userID: "ann"), nowMs: lane.nowMs)
        cover(&lane, library: (10, 0), playlist: (4, 0))
        let view = try #require(lane.view(Self.playlist))
        #expect(view.basis == 2 && view.fraction == 0)
    }

    @Test func aLateAnswerOfTheCatalogDoesNotReplaceALaterOne() throws {
        var context = ContextProgress()
        let first = context.ask()
        let second = context.ask()
        context.learn(Coverage(total: 10, analysed: 6), ticket: second)
        context.learn(Coverage(total: 10, analysed: 5), ticket: first)
        #expect(context.coverage?.analysed == 6 && context.basis == 1)
    }

    @Test func whatHappensWhileTheCatalogIsAskedIsAskedAgain() throws {
        var context = ContextProgress()
        let first = context.refresh()
        let ticket = try #require(first)
        context.invalidate()
        #expect(context.refresh() == nil)
        context.learn(Coverage(total: 10, analysed: 5), ticket: ticket)
        #expect(context.isStale && context.refresh() != nil)
    }

    @Test func withFailedSongsAContextEndsBelowOne() throws {
        var lane = watched()
        cover(&lane, library: (10, 8), playlist: (4, 3), failed: 1)
        let view = try #require(lane.view(Self.playlist))
        #expect(view.ended && view.fraction < 1 && view.fraction > 0.99 && view.failed == 1)
    }

    @Test func aSongAnalysedAgainCountsOnce() throws {
        var lane = watched(done: 4)
        _ = lane.enqueue("ann", .song, target: "s1", force: true, .alike(1))
        lane.run(ms: 500)
        let view = try #require(lane.view(Self.library))
        #expect(abs(view.fraction - 0.4) < 1e-9 && view.analysed == 4)
    }

    @Test func aContextThatNobodyWatchesIsNotAskedFor() {
        var lane = watched()
        lane.book.unwatch([Self.library, Self.playlist])
        let change = lane.book.apply(
            Event(lane: "0", cursor: "7", kind: .libraryChanged, userID: "ann"), nowMs: lane.nowMs)
        #expect(change.queries.isEmpty)
        #expect(lane.book.ask(Self.library) != nil)
    }

    @Test func whatWasKeptHoldsTheBasisAndTheMark() throws {
        let kept = ProgressView(basis: 3, fraction: 0.55, total: 10, analysed: 5)
        var context = ContextProgress(kept: kept, audioMs: 1_000)
        let ticket = context.ask()
        context.learn(Coverage(total: 10, analysed: 5, audioMs: 1_000), ticket: ticket)
        context.settle(inProgress: 0)
        #expect(context.basis == 3 && context.fraction == 0.55)
    }
}
