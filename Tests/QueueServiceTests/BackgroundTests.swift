// What is promised about background work: its order, its turns, what holds it back, and whom that never holds back.

import AnalysisAPI
import Foundation
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct BackgroundTests {
    static let analysed = ItemReport.Outcome.analysed(Analysed(results: TestLane.results))
    static let night = BackgroundHold(reason: "quiet hours of the site", untilMs: .now + 3_600_000)

    @Test func tenThousandSongsDoNotHoldUpTen() async throws {
        try await withLane { lane in
            let many = (0..<10_000).map { "m\($0)" }
            var arguments: [RedisArgument] = ["many", RedisArgument(many.count)]
            for id in many { arguments += [RedisArgument(id), 1000, RedisArgument(Song(id: id).stored), 0] }
            _ = try await lane.store.run(\.upsert, lane: "0", arguments)
            try await lane.hold()
            _ = try await lane.queue.enqueue(
                EnqueueRequest(userID: "many", type: .background), songs: many.map { ($0, 1000) })
            let few = try #require(try await lane.enqueue(.background).job)

            var item = try #require(try await lane.exchange())
            var before = 0
            while try await lane.job(few.id).state != .completed {
                before += 1
                item = try #require(try await lane.exchange(item, Self.analysed))
            }
            #expect(before == QueueLimits().backgroundBatch + 10)
        }
    }

    @Test func forcedBackgroundWorkTakesOverWhatIsUnderWayAndAnalysesEverySong() async throws {
        try await withLane(limits: QueueLimits(backgroundBatch: 3)) { lane in
            try await lane.hold()
            let first = try #require(try await lane.enqueue(.background).job)
            var item = try #require(try await lane.exchange())
            item = try #require(try await lane.exchange(item, Self.analysed))
            let forced = try await lane.enqueue(.background, force: true)
            #expect(forced.existing && forced.job?.id == first.id && forced.job?.force == true)
            #expect(try await lane.enqueue(.background).job?.id == first.id)
            let done = try await lane.drain(from: item).filter { !$0.hasPrefix(first.id + " ") }
            #expect(done.map { $0.split(separator: " ")[1] } == TestLane.songs.map { Substring($0) })
            #expect(try await lane.verify().isEmpty)
        }
    }

    @Test func aGateHoldsBackBackgroundWorkAndNothingElse() async throws {
        try await withLane { lane in
            try await lane.hold(background: Self.night)
            let background = try #require(try await lane.enqueue(.background).job)
            // No hint to look for work that may not be begun.
            #expect(try await lane.queue.sweep().kind == .none)
            #expect(try await lane.exchange() == nil)
            let low = try #require(try await lane.enqueue(.song, "s9", priority: .low).job)
            #expect(try await lane.queue.sweep().kind == .wake)
            let asked = try #require(try await lane.exchange())
            #expect(asked.job.id == low.id)
            #expect(try await lane.exchange(asked, Self.analysed) == nil)

            let reader = JobReader(lane: "0", store: lane.store)
            #expect(try await lane.status().hold == Self.night)
            #expect(try await reader.position(of: background.id, userID: "u").hold == Self.night)
            #expect(try await reader.position(of: low.id, userID: "u").hold == nil)

            try await lane.hold()
            #expect(try await lane.queue.sweep().kind == .wake)
            #expect(try await lane.exchange()?.job.id == background.id)
            #expect(try await lane.status().hold == nil)
        }
    }

    @Test func theSongThatRunsWhenTheGateClosesIsFinishedEvenAfterAClick() async throws {
        try await withLane { lane in
            try await lane.hold()
            let background = try #require(try await lane.enqueue(.background).job)
            let first = try #require(try await lane.exchange())
            try await lane.hold(items: [first.held], background: Self.night)
            _ = try await lane.enqueue(.song, "s9")
            let click = try #require(try await lane.exchange(first, .suspended(Suspended())))
            #expect(click.song.id == "s9")
            let back = try #require(try await lane.exchange(click, Self.analysed))
            #expect(back.job.id == background.id && back.song.id == first.song.id)
            #expect(try await lane.exchange(back, Self.analysed) == nil)
            #expect(try await lane.job(background.id).state == .interrupted)
            let status = try await lane.status()
            #expect(status.pending == 1 && status.waitingLow == 1)
        }
    }

    @Test func backgroundWorkThatSomebodyMovesUpIsNotHeldBack() async throws {
        try await withLane { lane in
            try await lane.hold(background: Self.night)
            let background = try #require(try await lane.enqueue(.background).job)
            let moved = try await lane.queue.reprioritise(jobID: background.id, userID: "u", rank: 1)
            #expect(moved.hint.kind == .wake)
            #expect(try await lane.exchange()?.job.id == background.id)
        }
    }

    @Test func backgroundWorkThatWaitsForItsTimeAndIsMovedUpGoesOnAtOnce() async throws {
        try await withLane { lane in
            try await lane.hold()
            let preferences = PreferenceStore(store: lane.store, timeZone: .gmt)
            let quiet = Preferences(backgroundAnalysis: true, quietHours: [try .now(for: 3600)])
            _ = try await preferences.set(
                UserPreferences(quiet, timeZone: .gmt, at: .now), of: "u", lane: "0")
            let background = try #require(try await lane.enqueue(.background).job)
            #expect(try await lane.exchange() == nil)
            #expect(try await lane.job(background.id).state == .scheduled)
            let moved = try await lane.queue.reprioritise(jobID: background.id, userID: "u", rank: 0)
            #expect(moved.job.state == .pending && moved.hint.kind == .wake)
            #expect(try await lane.exchange()?.job.id == background.id)
        }
    }

    @Test func eachBatchTellsWhichItIsAndHowMuchComesAfterIt() async throws {
        try await withLane(limits: QueueLimits(backgroundBatch: 4)) { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.background)
            _ = try await lane.drain()
            let told = try await lane.events().filter { [.enqueued, .completed].contains($0.kind) }.compactMap(\.job)
            #expect(told.map(\.batch) == [1, 1, 2, 2, 3, 3])
            #expect(told.map(\.left) == [6, 6, 2, 2, 0, 0])
        }
    }

    @Test func theGateGoesWithTheWorkerThatItIsAbout() async throws {
        try await withLane { lane in
            _ = try await lane.queue.hold(
                worker: "w", lease: lane.lease, length: .milliseconds(50), items: [], background: Self.night)
            while try await lane.status().hold != nil { try await Task.sleep(for: .milliseconds(5)) }
            try await lane.hold("other")
            #expect(try await lane.status().hold == nil)
        }
    }

    @Test func theSongsAnHourOfTheSiteHoldBackNothingElse() async throws {
        try await withLane(limits: QueueLimits(backgroundPaceMs: 3_600_000)) { lane in
            try await lane.hold()
            let background = try #require(try await lane.enqueue(.background).job)
            let first = try #require(try await lane.exchange())
            let status = try await lane.status()
            #expect(status.hold?.reason == "songs an hour of the site")
            #expect((.now + 3_000_000...Int64.now + 3_600_000).contains(status.hold?.untilMs ?? 0))
            // A song that was begun is not counted again when it goes on after a click.
            _ = try await lane.enqueue(.song, "s9")
            let click = try #require(try await lane.exchange(first, .suspended(Suspended())))
            let back = try #require(try await lane.exchange(click, Self.analysed))
            #expect(back.job.id == background.id && back.song.id == first.song.id)
            #expect(try await lane.exchange(back, Self.analysed) == nil)
            _ = try await lane.enqueue(.song, "s8")
            #expect(try await lane.exchange()?.song.id == "s8")
        }
    }

    @Test func theSongsAnHourOfTheSiteAreSpreadEvenly() async throws {
        try await withLane(limits: QueueLimits(backgroundPaceMs: 100)) { lane in
            try await lane.hold()
            _ = try await lane.enqueue(.background)
            try await lane.workUntilDone(1)
            let begun = try await lane.events().filter { $0.kind == .started }.map(\.atMs)
            #expect(begun.count == 10)
            for (first, second) in zip(begun, begun.dropFirst()) { #expect(second - first >= 90) }
        }
    }

    @Test func aUserWhoseHourIsQuietWaitsForItsEndAndHoldsUpNoOther() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            let quiet = Preferences(backgroundAnalysis: true, quietHours: [try .now(for: 3600)])
            try await lane.set(quiet, of: "u")
            let waiting = try #require(try await lane.enqueue(.background).job)
            let other = try #require(try await lane.enqueue(.background, user: "v").job)
            let item = try #require(try await lane.exchange())
            #expect(item.job.id == other.id)

            let job = try await lane.job(waiting.id)
            #expect(job.state == .scheduled && job.waitsFor == "quiet hours of the user")
            #expect((.now + 3_000_000...Int64.now + 3_600_000).contains(job.dueAtMs))
            let position = try await JobReader(lane: "0", store: lane.store).position(of: job.id, userID: "u")
            #expect(position.hold == BackgroundHold(reason: job.waitsFor, untilMs: job.dueAtMs))
            let status = try await lane.status()
            #expect(status.scheduled == 1 && status.pending == 0 && status.hold == nil)
            let click = try #require(try await lane.enqueue(.song, "s1").job)
            let asked = try await lane.exchange(item, .suspended(Suspended()))
            #expect(asked?.job.id == click.id)

            // Its place is the one that it had.
            try await lane.set(Preferences(backgroundAnalysis: true), of: "u")
            #expect(try await lane.job(waiting.id).state == .pending)
            let ready = lane.store.keys.lane("0", .readyBackground)
            #expect(try await lane.store.send("ZRANGE", ready, 0, -1).elements?.compactMap(\.text) == [waiting.id])
        }
    }

    @Test func theSongThatRunsWhenAUsersHourComesIsFinished() async throws {
        try await withLane { lane in
            try await lane.hold()
            let job = try #require(try await lane.enqueue(.background).job)
            let first = try #require(try await lane.exchange())
            try await lane.set(Preferences(backgroundAnalysis: true, quietHours: [try .now(for: 3600)]), of: "u")
            let back = try #require(try await lane.exchange(first, .suspended(Suspended())))
            #expect(back.song.id == first.song.id)
            #expect(try await lane.exchange(back, Self.analysed) == nil)
            let ended = try await lane.job(job.id)
            #expect(ended.state == .scheduled && ended.analysed == 1)
        }
    }

    @Test func theSongsAnHourOfAUserHoldUpNoOther() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.hold()
            try await lane.set(Preferences(backgroundAnalysis: true, songsPerHour: 1), of: "u")
            let slow = try #require(try await lane.enqueue(.background).job)
            let other = try #require(try await lane.enqueue(.background, user: "v").job)
            let done = try await lane.drain().map { $0.split(separator: " ")[0] }
            #expect(done == [slow.id[...]] + Array(repeating: other.id[...], count: 10))
            let waiting = try await lane.job(slow.id)
            #expect(waiting.state == .scheduled && waiting.waitsFor == "songs an hour of the user")
            #expect((.now + 3_000_000...Int64.now + 3_600_000).contains(waiting.dueAtMs))

            // A song every 100 ms, from now on.
            try await lane.set(Preferences(backgroundAnalysis: true, songsPerHour: 36_000), of: "u")
            try await lane.workUntilDone(2)
            let begun = try await lane.events().filter { $0.kind == .started && $0.job?.id == slow.id }.map(\.atMs)
            #expect(begun.count == 10)
            for (first, second) in zip(begun.dropFirst(), begun.dropFirst(2)) { #expect(second - first >= 90) }
        }
    }

    @Test func songsOfAPlaylistThatNeedTheSameAnalyzersStandTogether() async throws {
        try await withLane { lane in
            let store = lane.store
            // What is in no playlist comes last, the latest first.
            var arguments: [RedisArgument] = ["u", 2]
            for (id, added) in [("old", 5), ("young", 9)] {
                arguments += [RedisArgument(id), 1000, RedisArgument(Song(id: id, addedAtMs: Int64(added)).stored), 0]
            }
            for (id, added, songs) in [("second", 1, ["s5", "s2"]), ("first", 2, ["s8", "s1", "s7", "s1", "s3"])] {
                let playlist = Playlist(id: id, name: id, addedAtMs: Int64(added))
                arguments += [RedisArgument(id), RedisArgument(playlist.stored), RedisArgument(songs.count)]
                arguments += songs.map { RedisArgument($0) }
            }
            _ = try await store.run(\.upsert, lane: "0", arguments)
            let marks = store.keys.lane("0", .userAnalysed, "u")
            try await store.send(
                "HSET", marks, "s8", "audio@1", "s7", "audio@1", "s2", "audio@1 lyrics@3", "s6", "lyrics@3")
            try await store.send("HSET", store.keys.lane("0", .userFailures, "u"), "s4", "damaged")

            let analyzers = try #require(Analyzers("audio@1,lyrics@3"))
            let work = BackgroundWork(analyzers: analyzers, store: store)
            let songs = try await work.songs(of: "u", lane: "0", force: false).map(\.id)
            #expect(songs == ["s1", "s3", "s8", "s7", "s5", "s0", "young", "old", "s9", "s6"])
            #expect(try await work.songs(of: "u", lane: "0", force: true).count == 12)
        }
    }
}

extension TestLane {
    /// Analyses until so many jobs are completed, and says that it is there while there is nothing to do.
    func workUntilDone(_ count: UInt64) async throws {
        var item: Item?
        while try await status().completed < count {
            item = try await exchange(item, item.map { _ in BackgroundTests.analysed })
            if item == nil { try await hold() }
        }
    }

    func set(_ preferences: Preferences, of user: String) async throws {
        let checked = try UserPreferences(preferences, timeZone: .gmt, at: .now)
        _ = try await PreferenceStore(store: store, timeZone: .gmt).set(checked, of: user, lane: "0")
    }
}

extension String {
    /// A window that began a minute or two ago, and lasts for so many seconds more, to the minute.
    static func now(for seconds: Int) throws -> String {
        func clock(_ instant: TimeInterval) -> String {
            let minute = Int(instant / 60) % (24 * 60)
            return "\(minute / 60 < 10 ? "0" : "")\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60)"
        }
        let now = Date.now.timeIntervalSince1970
        return try Window("\(clock(now - 60))-\(clock(now + TimeInterval(seconds)))").description
    }
}

@Suite struct MachineLimitsTests {
    let limits = MachineLimits(maximumLoad: 2, minimumMemory: 0.2)

    @Test func aBusyMachineHoldsBackUntilItIsClearlyLessBusy() {
        func isHeld(_ load: Double, _ memory: Double, before: Bool) -> Bool {
            limits.reason(MachineLoad(loadPerCore: load, memoryAvailable: memory), isHeld: before) != nil
        }
        #expect(!isHeld(2, 0.2, before: false))
        #expect(isHeld(2.1, 0.9, before: false) && isHeld(0, 0.19, before: false))
        #expect(isHeld(1.7, 0.9, before: true) && isHeld(0, 0.24, before: true))
        #expect(!isHeld(1.6, 0.9, before: true) && !isHeld(0, 0.25, before: true))
    }

    @Test func theReasonNamesTheFigureAndItsLimit() {
        #expect(
            limits.reason(MachineLoad(loadPerCore: 3.14, memoryAvailable: 1), isHeld: false)
                == "the load of the worker's machine is 3.1 a core, above 2.0")
        #expect(
            limits.reason(MachineLoad(memoryAvailable: 0.1), isHeld: false)
                == "10.0 % of the memory of the worker's machine are free, below 20.0")
    }

    @Test func withoutLimitsNothingIsHeldBack() {
        #expect(MachineLimits().reason(MachineLoad(loadPerCore: 99), isHeld: true) == nil)
    }
}
