// A watcher that was cut off goes on after the last version that it saw, whatever happened meanwhile.

import AnalysisAPI
import RPC
import Testing

@testable import ProgressService

@Suite(.timeLimit(.minutes(2))) struct ResumeTests {
    private static let active = WatchRequest(userID: "ann", activeJobs: true)

    @Test func whoComesBackGetsWhatChangedAndWhatEndedAndNothingElse() async throws {
        try await withService { driver, progress in
            driver.publish(.job(Self.click, .enqueued))
            _ = try await progress.job("0-2") { _ in true }
            driver.publish(PlayedJob.started())
            let seen = try await progress.view(Self.active) { $0.inProgress == 1 }
            driver.publish(.job(Self.ended(PlayedJob.running), .completed))
            driver.publish(.job(Self.later, .enqueued))
            driver.publish(.job(Self.ended(Self.later), .cancelled))
            _ = try await progress.job("0-3") { $0.ended }
            let missed = try await progress.views(since: seen.version, count: 2)
            #expect(missed.map(\.job?.id) == ["0-1", "0-3"] && missed.allSatisfy(\.ended))
            #expect(seen.version < missed[0].version && missed[0].version < missed[1].version)
            // Cut off between the two, it gets the other.
            let rest = try await progress.views(since: missed[0].version, count: 1)
            #expect(rest == [missed[1]])
            // Who has seen all gets what happens next, first.
            driver.publish(.job(Self.ended(Self.click), .cancelled))
            let next = try await progress.views(since: missed[1].version, count: 1)
            #expect(next.first?.job?.id == "0-2")
        }
    }

    @Test func anEndIsToldAfterARestartOfTheService() async throws {
        try await withSurroundings { surroundings in
            let driver = surroundings.driver
            try await surroundings.withQueue {
                let seen = try await surroundings.withService { progress in
                    driver.publish(.job(Self.click, .enqueued))
                    _ = try await progress.job("0-2") { _ in true }
                    driver.publish(PlayedJob.started())
                    let seen = try await progress.view(Self.active) { $0.inProgress == 1 }
                    driver.publish(.job(Self.ended(PlayedJob.running), .completed))
                    _ = try await progress.job("0-1") { $0.ended }
                    return seen
                }
                try await surroundings.withService { progress in
                    let missed = try await progress.views(since: seen.version, count: 1)
                    #expect(missed.first?.job?.id == "0-1" && missed.first?.fraction == 1)
                    // By name, too; and who saw it end does not see it again.
                    let named = WatchRequest(
                        userID: "ann", contexts: [ProgressContext(context: .jobID("0-1"))],
                        sinceVersion: seen.version)
                    let byName = try await progress.view(named) { _ in true }
                    #expect(byName == missed.first)
                    driver.publish(.job(Self.ended(Self.click), .cancelled))
                    let next = try await progress.views(since: missed[0].version, count: 1)
                    #expect(next.first?.job?.id == "0-2" && next.first?.ended == true)
                }
            }
        }
    }

    @Test func aVersionThatWasNeverGivenGetsEverythingAsItStands() async throws {
        try await withService { driver, progress in
            driver.publish(.job(Self.click, .enqueued))
            driver.publish(PlayedJob.started())
            _ = try await progress.job("0-1") { $0.inProgress == 1 }
            let all = try await progress.views(since: UInt64.max, count: 2)
            #expect(Set(all.compactMap(\.job?.id)) == ["0-1", "0-2"])
        }
    }

    @Test func aPlaylistThatDidNotChangeIsNotToldAgain() async throws {
        try await withService { driver, progress in
            driver.add(playlist: "trip", name: "Road trip", songIDs: ["s1"], of: "ann")
            driver.cover("ann", playlistID: "trip", Coverage(total: 4, analysed: 1, audioMs: 800_000))
            driver.cover("ann", Coverage(total: 8, analysed: 1, audioMs: 1_600_000))
            let trip = ProgressContext(context: .playlistID("trip"))
            let library = ProgressContext(context: .library(true))
            let both = WatchRequest(userID: "ann", contexts: [trip, library])
            var versions: [UInt64] = []
            for try await view in progress.watch(both) {
                versions.append(view.version)
                if versions.count == 2 { break }
            }
            driver.cover("ann", Coverage(total: 9, analysed: 1, audioMs: 1_700_000))
            driver.publish(Event(lane: "0", kind: .libraryChanged, userID: "ann"))
            var again = both
            again.sinceVersion = try #require(versions.last)
            let changed = try await progress.view(again) { _ in true }
            #expect(changed.context == library && changed.total == 9)
        }
    }

    /// Comes before the playlist, so that nothing that happens there changes it.
    private static let click = Job(
        id: "0-2", lane: "0", userID: "ann", type: .song, priority: .high, state: .paused, sequence: 2, total: 1)
    private static let later = Job(
        id: "0-3", lane: "0", userID: "ann", type: .playlist, priority: .medium, state: .pending, sequence: 3, total: 4)

    private static func ended(_ job: Job) -> Job {
        var job = job
        (job.state, job.analysed, job.songID, job.endedAtMs) = (.completed, job.total, "", 9)
        return job
    }
}

extension Event {
    fileprivate static func job(_ job: Job, _ kind: EventKind) -> Event { Event(lane: "0", kind: kind, job: job) }
}

extension ProgressClient {
    /// The first views of a watcher of all jobs that saw everything up to a version.
    fileprivate func views(since version: UInt64, count: Int) async throws -> [ProgressView] {
        var views: [ProgressView] = []
        let request = WatchRequest(userID: "ann", activeJobs: true, sinceVersion: version)
        for try await view in watch(request) {
            views.append(view)
            if views.count == count { break }
        }
        return views
    }
}
