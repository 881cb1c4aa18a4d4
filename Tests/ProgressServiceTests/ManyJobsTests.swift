// The estimates of thousands of jobs, in virtual time.

import AnalysisAPI
import Testing

@testable import ProgressService

@Suite struct ManyJobsTests {
    /// From the first tenth of a job on, nine in ten estimates are within a fifth or two seconds of the time then taken, less
    /// what displaced and paused the job later; half are within 7 %. What the service counts itself says the same.
    @Test(arguments: [UInt64(1), 2])
    func estimatesAreTrueAndSmooth(seed: UInt64) throws {
        var simulation = Simulation(seed: seed)
        simulation.run(jobs: 1_500)
        let scores = simulation.scores.filter { $0.fraction >= 0.1 }
        let errors = scores.map(\.adjusted)
        #expect(simulation.lane.jobs.count >= 1_500 && scores.count > 30_000)
        #expect(Double(errors.filter(\.isWithinTarget).count) >= 0.9 * Double(errors.count))
        let median = errors.map { abs($0.relative) }.sorted()[errors.count / 2]
        #expect(median < 0.07)
        #expect(simulation.looks > 100_000 && simulation.jumps.isEmpty, "\(simulation.jumps.prefix(9))")

        let accuracy = simulation.lane.book.accuracy.accuracy(days: 90, nowMs: simulation.lane.nowMs)
        let counted = try #require(accuracy.fromFirstTenth?.adjusted)
        #expect(abs(Double(accuracy.fromFirstTenth?.estimates ?? 0) / Double(scores.count) - 1) < 0.02)
        #expect(abs(counted.medianAbsolute - median) < 0.01 && counted.withinTarget >= 0.9)
    }
}

/// A queue of three users for days: background work, playlists that overlap it, clicks, pauses, and a progress service that is
/// away now and then.
private struct Simulation {
    var lane = SimulatedLane(tickMs: 500)
    /// What was shown, the first of every hundredth of a job, and what came.
    private(set) var scores: [ScoredEstimate] = []
    /// Estimates that fell or rose by more than a tenth beyond the time that passed, though nothing had happened.
    private(set) var jumps: [String] = []
    private(set) var looks = 0
    private var random: SeededRandom
    private var shown: [String: ShownEstimates] = [:]
    /// What was shown last, unless something has happened since that explains another estimate.
    private var last: [String: (etaMs: Double, atMs: Int64)] = [:]
    private var skipped = 0
    private var songs = 0
    private var nextMs: Int64 = 0
    /// What is to happen later.
    private var later: [(atMs: Int64, action: Action)] = []

    private enum Action {
        case resume(String)
        case resumeQueue
        case startService
    }

    init(seed: UInt64) {
        random = SeededRandom(state: seed)
    }

    mutating func run(jobs count: Int) {
        while lane.jobs.count < count || !lane.live.isEmpty {
            for (_, action) in later.filter({ $0.atMs <= lane.nowMs }) { carryOut(action) }
            later.removeAll { $0.atMs <= lane.nowMs }
            if lane.jobs.count < count, lane.nowMs >= nextMs {
                happen()
                nextMs = lane.nowMs + Int64.random(in: 5_000...75_000, using: &random)
            }
            let before = lane.nowMs
            lane.run(ms: 500)
            if lane.nowMs == before { lane.wait(ms: 500) }
            look()
            score()
        }
    }

    private mutating func happen() {
        let user = ["ann", "bob", "cid"].randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<100, using: &random) {
        case ..<60:
            let song = newSongs(1)
            _ = lane.enqueue(user, .song, target: song[0].id, song)
        case ..<78:
            _ = lane.enqueue(user, .playlist, target: "p", playlist(of: user))
        case ..<86:
            guard background(of: user) == nil else { return }
            _ = lane.enqueue(user, .background, newSongs(Int.random(in: 20...60, using: &random)))
        case ..<93:
            guard let job = lane.live.filter({ $0.state != .paused }).randomElement(using: &random) else { return }
            lane.pause(job.id)
            later.append((lane.nowMs + Int64.random(in: 5_000...60_000, using: &random), .resume(job.id)))
        case ..<96:
            guard !lane.isFrozen else { return }
            let untilMs = lane.nowMs + Int64.random(in: 5_000...30_000, using: &random)
            lane.freezeQueue(QueuePause(reason: "backup", pausedAtMs: lane.nowMs, untilMs: untilMs))
            later.append((untilMs, .resumeQueue))
        case ..<98:
            lane.loseWorker()
        default:
            guard lane.isServed else { return }
            lane.stopService()
            // Nothing happened that explains another estimate when it is back.
            return later.append((lane.nowMs + 3_000, .startService))
        }
        last = [:]
    }

    private mutating func carryOut(_ action: Action) {
        switch action {
        case .resume(let jobID) where lane.jobs[jobID]?.endedAtMs == nil: lane.resume(jobID)
        case .resume: return
        case .resumeQueue: lane.resumeQueue()
        case .startService: return lane.startService()
        }
        last = [:]
    }

    private func background(of user: String) -> Job? { lane.live.first { $0.userID == user && $0.type == .background } }

    /// Half of them are songs that the user's background work has before it.
    private mutating func playlist(of user: String) -> [SimulatedSong] {
        let count = Int.random(in: 2...24, using: &random)
        guard Bool.random(using: &random), let job = background(of: user), let work = lane.jobs[job.id] else {
            return newSongs(count)
        }
        let ahead = work.songs.dropFirst(Int(job.cursor) + 1).shuffled(using: &random).prefix(count)
        return ahead.isEmpty ? newSongs(count) : Array(ahead)
    }

    private mutating func newSongs(_ count: Int) -> [SimulatedSong] {
        songs += 1
        return .mixed(count, "s\(songs)-", msPerSecond: 9, &random)
    }

    private mutating func look() {
        guard lane.isServed else { return }
        if lane.skips != skipped { (last, skipped) = ([:], lane.skips) }
        let live = lane.live
        for job in live {
            guard let view = lane.show(.job(job.id)), let etaMs = view.etaMs.map({ Double($0) }) else {
                last[job.id] = nil
                continue
            }
            looks += 1
            _ = shown[job.id, default: ShownEstimates()].note(
                etaMs: Int64(etaMs), fraction: view.fraction, skips: 0, nowMs: lane.nowMs)
            if let (before, atMs) = last[job.id] {
                let jump = etaMs - max(0, before - Double(lane.nowMs - atMs))
                if abs(jump) > 0.1 * before + 500 {
                    jumps.append(
                        "\(job.id) \(job.type) \(view.fraction): \(before) to \(etaMs) in \(lane.nowMs - atMs)")
                }
            }
            last[job.id] = (etaMs, lane.nowMs)
        }
    }

    private mutating func score() {
        for (jobID, estimates) in shown {
            guard let job = lane.jobs[jobID], let endedAtMs = job.endedAtMs else { continue }
            shown[jobID] = nil
            last[jobID] = nil
            scores += estimates.estimates.map { estimate in
                ScoredEstimate(
                    fraction: estimate.fraction, etaMs: Double(estimate.etaMs),
                    takenMs: Double(endedAtMs - estimate.atMs),
                    delayMs: Double(lane.delayMs(of: job.job, after: estimate.atMs)))
            }
        }
    }
}
