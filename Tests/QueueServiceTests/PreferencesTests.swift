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
                offPeak: ["22:00-06:00", "Sun 00:00-24:00"], songsPerHour: 60)
            var understood = wanted
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
    /// Quiet hours that began a minute or two ago, and last for so many seconds more, to the minute.
    static func quietNow(for seconds: Int) throws -> Schedule {
        func clock(_ instant: TimeInterval) -> String {
            let minute = Int(instant / 60) % (24 * 60)
            return "\(minute / 60 < 10 ? "0" : "")\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60)"
        }
        let now = Date.now.timeIntervalSince1970
        let window = try Window("\(clock(now - 60))-\(clock(now + TimeInterval(seconds)))")
        return Schedule(timeZone: .gmt, quietHours: [window], offPeak: [])
    }
}
