// What a user sets about background work, over real connections.

import AnalysisAPI
import Foundation
import Jobs
import RPC
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct PreferencesTests {
    @Test func preferencesAreKeptAndToldAsTheyAreUnderstood() async throws {
        try await withServingQueue { queue in
            let first = try await queue.preferences()
            #expect(first == Preferences(backgroundAnalysis: true))
            let wanted = Preferences(
                backgroundAnalysis: true, timeZone: "Europe/Berlin", quietHours: ["Mon-Wed 08:00-12:00"],
                offPeak: ["22:00-06:00", "Sun 00:00-24:00"], songsPerHour: 60,
                muted: [.cancelled, .started, .cancelled], theme: .dark)
            var understood = wanted
            understood.muted = [.started, .cancelled]
            understood.quietHours = ["Mon,Tue,Wed 08:00-12:00"]
            let told = try await queue.set(wanted)
            let kept = try await queue.preferences()
            #expect(told == understood && kept == understood)
        }
    }

    @Test(arguments: [
        (Preferences(timeZone: "Europe/Atlantis"), "time_zone 'Europe/Atlantis' is unknown"),
        (Preferences(quietHours: ["22:00-06:00", "night"]), "quiet_hours[1]: 'night' is no window"),
        (Preferences(offPeak: ["Xyz 22:00-06:00"]), "off_peak[0]: 'Xyz' names no days"),
        (Preferences(quietHours: ["00:00-12:00", "12:00-24:00"]), "leave no time at all"),
        (Preferences(offPeak: Array(repeating: "22:00-06:00", count: 51)), "off_peak has 51 entries"),
        (Preferences(muted: [.completed, .unspecified]), "muted has an unknown kind (0)"),
        (Preferences(theme: .unrecognized(9)), "theme is unknown"),
    ])
    func whatIsWrongIsNamedAndChangesNothing(_ wrong: Preferences, _ problem: String) async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) { try await queue.set(wrong) }
            #expect(
                error?.code == .invalidArgument && error?.detail.contains(problem) == true, "\(error?.detail ?? "")")
            let kept = try await queue.preferences()
            #expect(kept == Preferences(backgroundAnalysis: true))
        }
    }

    @Test func whoSwitchesBackgroundAnalysisOffHasItCancelledAndNotStartedAgain() async throws {
        try await withServingQueue(limits: QueueLimits(backgroundBatch: 4)) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let started = try #require(try await queue.catalog.loggedIn(UserRequest(userID: "u")).job)
                let asked = try #require(try await queue.enqueue(.playlist, "p").job)
                _ = try await worker.work()
                _ = try await queue.set(Preferences(backgroundAnalysis: false))
                #expect(try await queue.job(started.id).state == .cancelled)
                #expect(try await queue.job(asked.id).state == .inProgress)
                _ = try await queue.queue.cancelJob(JobRequest(userID: "u", jobID: asked.id))
                #expect(try await queue.catalog.loggedIn(UserRequest(userID: "u")) == LoggedInReply())
                #expect(try await queue.catalog.getUser(UserRequest(userID: "u")).autoAnalysis == false)
                _ = try await queue.set(Preferences(backgroundAnalysis: true))
                #expect(try await queue.catalog.loggedIn(UserRequest(userID: "u")).queued == 10)
            }
        }
    }

    @Test func theQuietHoursOfTheSiteAreToldBeforeAWorkerComes() async throws {
        let rules = BackgroundRules(schedule: try .quietNow(for: 3600))
        try await withServingQueue(background: rules) { queue in
            let status = try await queue.queue.getStatus(QueueStatusRequest())
            #expect(status.hold?.reason == "quiet hours of the site")
            #expect((.now + 3_000_000...Int64.now + 3_600_000).contains(status.hold?.untilMs ?? 0))
        }
    }

    @Test func whatWaitedForAnHourGoesOnWhenItComesAlsoAfterARestart() async throws {
        try await withQueue { queue in
            let job = try await queue.serving {
                try await queue.fill()
                _ = try await queue.set(Preferences(backgroundAnalysis: true, quietHours: [try .now(for: 3600)]))
                let worker = ScriptedWorker("w", of: queue)
                return try await worker.connected(farewell: true) {
                    try await worker.granted()
                    let job = try #require(try await queue.catalog.loggedIn(UserRequest(userID: "u")).job)
                    #expect(try await worker.exchange() == nil)
                    let scheduled = try await queue.job(job.id)
                    // In place of an hour that passes: what is known of it has had its time.
                    try await queue.withStore { store in
                        let keys = store.keys
                        try await store.send("ZADD", keys.lane("0", .due), Int64.now + 100, job.id)
                        try await store.send("HSET", keys.lane("0", .userPreferences, "u"), "until_ms", 1)
                    }
                    return scheduled
                }
            }
            #expect(job.state == .scheduled)
            try await queue.serving {
                // A call that is made again where its connection was still that to the service before.
                #expect(try await queue.job(job.id).epoch == 0)
                let worker = ScriptedWorker("w2", of: queue)
                try await worker.connected {
                    try await worker.granted()
                    try await worker.next { if case .wake = $0 { () } else { nil } }
                    // It is worked out anew whether the hour is over, and it is not.
                    #expect(try await worker.exchange() == nil)
                    let later = try await queue.job(job.id)
                    #expect(later.state == .scheduled && later.dueAtMs > .now + 3_000_000)
                    _ = try await queue.set(Preferences(backgroundAnalysis: true))
                    let done = try await worker.drain(from: try await worker.work())
                    #expect(done.count == 10)
                }
            }
        }
    }

    @Test func aBusyMachineHoldsBackTheBackgroundWorkOfItsLanes() async throws {
        let rules = BackgroundRules(machine: MachineLimits(maximumLoad: 2))
        try await withServingQueue(background: rules) { queue in
            let worker = ScriptedWorker("w", of: queue)
            worker.report(MachineLoad(loadPerCore: 2.5, memoryAvailable: 1))
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.background)
                #expect(try await worker.exchange() == nil)
                let status = try await queue.queue.getStatus(QueueStatusRequest())
                #expect(status.hold?.reason.contains("2.5 a core") == true && status.hold?.untilMs == 0)
                #expect(status.workers.first?.machine?.loadPerCore == 2.5)
                worker.report(MachineLoad(loadPerCore: 1, memoryAvailable: 1))
                #expect(try await worker.work().song?.id == "s0")
            }
        }
    }
}

extension RunningQueue {
    func preferences() async throws -> Preferences {
        try await catalog.getPreferences(UserRequest(userID: "u"))
    }

    func set(_ preferences: Preferences) async throws -> Preferences {
        try await catalog.setPreferences(SetPreferencesRequest(userID: "u", preferences: preferences))
    }
}

extension Schedule {
    static func quietNow(for seconds: Int) throws -> Schedule {
        Schedule(timeZone: .gmt, quietHours: [try Window(.now(for: seconds))], offPeak: [])
    }
}
