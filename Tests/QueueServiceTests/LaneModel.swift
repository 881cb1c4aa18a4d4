// The clients and workers of a lane, as ModelTests drives them: each operation, and what must hold after it.

import AnalysisAPI
import Jobs
import Redis
import TestSupport
import Testing

@testable import QueueService

/// What callers and workers know, which is what they were told.
struct LaneModel {
    struct Broken: Error, CustomStringConvertible { let description: String }

    struct Worker {
        let id: String
        var lease: [UInt8] = []
        var items: [Item] = []
        /// The one that runs; the others of `items` are frozen.
        var running: Item?
        /// The last ones, whose reports may still be on their way.
        var past: [Item] = []
    }

    let lane: TestLane
    var chance: SeededGenerator
    var workers = ["a", "b", "c"].map { Worker(id: $0) }
    /// Of each job that was acknowledged, the last epoch seen.
    var epochs: [String: UInt64] = [:]
    /// What was claimed last on the lane; what was claimed before is over.
    var holder: (worker: String, claim: [UInt8])?
    /// Songs whose report was accepted, by job and epoch, and the claim of the last of them.
    var reported: Set<String> = []
    var lastReported: [UInt8] = []

    init(lane: TestLane, seed: UInt64) {
        self.lane = lane
        chance = SeededGenerator(seed: seed)
    }

    mutating func step() async throws {
        do {
            switch Int.random(in: 0..<100, using: &chance) {
            case 0..<25: try await enqueue()
            case 25..<28: try await enqueueMany()
            case 28..<40: try await change()
            case 40..<41: try await changeAll()
            case 41..<44: try await pauseOrResumeQueue()
            case 44..<54: try await beat()
            case 54..<92: try await exchange()
            case 92..<96: try await reportLate()
            case 96..<97: vanish()
            case 97..<98: try await setPreferences()
            default: try await expireLease()
            }
        } catch QueueError.illegal {
            // As the table says.
        }
    }

    // MARK: Clients

    private mutating func enqueue() async throws {
        let type = JobType.known.randomElement(using: &chance) ?? .song
        let target =
            switch type {
            case .song: TestLane.songs.randomElement(using: &chance) ?? ""
            case .playlist: "p"
            default: ""
            }
        let (user, force) = (anyUser(), Bool.random(using: &chance))
        let priority = ([.unspecified] + Priority.known).randomElement(using: &chance) ?? .unspecified
        let key = Int.random(in: 0..<4, using: &chance) == 0 ? "\(chance.next())" : ""
        func ask() async throws -> Job? {
            try await lane.enqueue(type, target, force: force, user: user, priority: priority, key: key).job
        }
        let job = try await ask()
        if let job { epochs[job.id] = max(epochs[job.id] ?? 0, job.epoch) }
        // The reply is lost, and the client asks again.
        guard !key.isEmpty else { return }
        let again = try await ask()
        guard job?.id == again?.id else {
            throw Broken(description: "\(key) is \(job?.id ?? "-") and \(again?.id ?? "-")")
        }
    }

    private mutating func enqueueMany() async throws {
        let targets = TestLane.songs.shuffled(using: &chance).prefix(3).map {
            LaneQueue.Target(type: .song, id: $0, force: Bool.random(using: &chance), priority: .unspecified)
        }
        for enqueued in try await lane.queue.enqueue(targets, userID: anyUser(), idempotencyKey: "") {
            if let job = enqueued.job { epochs[job.id] = max(epochs[job.id] ?? 0, job.epoch) }
        }
    }

    private mutating func change() async throws {
        guard let id = epochs.keys.sorted().suffix(20).randomElement(using: &chance) else { return }
        switch Int.random(in: 0..<6, using: &chance) {
        case 0: _ = try await lane.queue.change(jobID: id, userID: "", event: .cancelled)
        case 1: _ = try await lane.queue.change(jobID: id, userID: "", event: .paused)
        case 2: _ = try await lane.queue.change(jobID: id, userID: "", event: .resumed)
        case 3: _ = try await lane.queue.change(jobID: id, userID: "", event: .replayed)
        case 4: _ = try await lane.queue.retry(jobID: id, userID: "")
        default:
            let rank = Int.random(in: 0..<Priority.known.count, using: &chance)
            _ = try await lane.queue.reprioritise(jobID: id, userID: "", rank: rank)
        }
    }

    private mutating func changeAll() async throws {
        let event: JobEvent = Bool.random(using: &chance) ? .cancelled : .replayed
        try await lane.queue.changeAll(userID: anyUser(), type: .unspecified, event: event) { _, _ in }
    }

    private mutating func pauseOrResumeQueue() async throws {
        if Int.random(in: 0..<4, using: &chance) == 0 {
            let request = PauseQueueRequest(reason: "a while", freeze: Bool.random(using: &chance))
            _ = try await lane.queue.pause(request, by: "test")
        } else {
            _ = try await lane.queue.resume(reason: "")
        }
    }

    /// Background work is held back for an hour, is slowed down, or goes on.
    private mutating func setPreferences() async throws {
        let wanted = [
            Preferences(backgroundAnalysis: true),
            Preferences(backgroundAnalysis: true, quietHours: [try .now(for: 3600)]),
            Preferences(backgroundAnalysis: true, songsPerHour: 360_000),
        ]
        try await lane.set(wanted.randomElement(using: &chance) ?? .standard, of: anyUser())
    }

    private mutating func anyUser() -> String { Bool.random(using: &chance) ? "u" : "v" }

    // MARK: Workers

    /// A worker says that it is there: it holds the lane on, gets it, or learns that another has it.
    private mutating func beat() async throws {
        let index = workers.indices.randomElement(using: &chance) ?? 0
        let known = workers[index]
        let lease = known.lease.isEmpty ? Array("\(chance.next())".utf8) : known.lease
        let held = try await lane.queue.hold(
            worker: known.id, lease: lease, length: .seconds(600), items: known.items.map(\.held),
            background: Int.random(in: 0..<4, using: &chance) == 0 ? BackgroundHold(reason: "busy") : nil)
        switch held {
        case .taken:
            workers[index] = Worker(id: known.id)
        case .held(_, _, let kept):
            workers[index].lease = lease
            workers[index].items.removeAll { !kept.contains($0.held) }
            if let running = known.running, !kept.contains(running.held) { workers[index].running = nil }
        }
    }

    /// A worker reports what became of its item and claims the next; at times the reply is lost, and it repeats.
    private mutating func exchange() async throws {
        guard let index = workers.indices.filter({ !workers[$0].lease.isEmpty }).randomElement(using: &chance) else {
            return try await beat()
        }
        let worker = workers[index]
        let item = worker.running
        let outcome: ItemReport.Outcome =
            switch Int.random(in: 0..<10, using: &chance) {
            case 0..<6: .analysed(Analysed(results: TestLane.results))
            case 6..<7:
                Bool.random(using: &chance)
                    ? .failed(Failed(reason: "cannot", kind: .unreadable))
                    : .failed(Failed(reason: "crashed", kind: .crashed, analyzer: "audio"))
            case 7..<9: .suspended(Suspended())
            default: .released(Released())
            }
        let claims = Int.random(in: 0..<10, using: &chance) > 0
        let repeats = Int.random(in: 0..<10, using: &chance) == 0
        do {
            var exchanged = try await exchange(worker, item, outcome, claims: claims)
            if let item { try accepted(item, of: worker) }
            if repeats { exchanged = try await exchange(worker, item, outcome, claims: claims) }
            take(exchanged, at: index, after: item, outcome)
        } catch QueueError.stale {
            workers[index] = Worker(id: worker.id)
        }
    }

    private func exchange(
        _ worker: Worker, _ item: Item?, _ outcome: ItemReport.Outcome, claims: Bool
    ) async throws -> LaneQueue.Exchanged {
        let report = item.map { ItemReport(jobID: $0.job.id, epoch: $0.job.epoch, claim: $0.claim, outcome: outcome) }
        return try await lane.queue.exchange(
            worker: worker.id, lease: worker.lease, item: report,
            highlights: Array(repeating: Array("{}".utf8), count: report?.results.count ?? 0),
            nextClaim: claims ? randomBytes(16) : nil)
    }

    /// Only what was claimed last can be reported, and only once.
    private mutating func accepted(_ item: Item, of worker: Worker) throws {
        guard let holder, holder.worker == worker.id, holder.claim == item.claim else {
            throw Broken(description: "\(worker.id) reported \(item.job.id), which it does not hold")
        }
        guard reported.insert("\(item.job.id)@\(item.job.epoch)").inserted else {
            throw Broken(description: "\(item.job.id)@\(item.job.epoch) was reported twice")
        }
        lastReported = item.claim
    }

    /// A report that is over comes once more: it is refused, or known as the last one and passed over. What runs meanwhile is
    /// fenced off then, as its worker is taken for one that does not know it.
    private mutating func reportLate() async throws {
        guard let worker = workers.randomElement(using: &chance), let item = worker.past.randomElement(using: &chance)
        else { return }
        do {
            _ = try await exchange(worker, item, .analysed(Analysed(results: TestLane.results)), claims: false)
            guard item.claim == lastReported else {
                throw Broken(description: "\(item.job.id)@\(item.job.epoch) was taken although it is over")
            }
            holder = nil
        } catch QueueError.stale {
            // As it must be.
        }
    }

    private mutating func take(
        _ exchanged: LaneQueue.Exchanged, at index: Int, after item: Item?, _ outcome: ItemReport.Outcome
    ) {
        if case .suspended = outcome {} else { workers[index].items.removeAll { $0 == item } }
        workers[index].running = nil
        if let item { workers[index].past = workers[index].past.suffix(4) + [item] }
        guard case .run(let record, let song, _) = exchanged else { return }
        let next = Item(job: record.job, claim: record.claim, song: song)
        let last = epochs[record.job.id] ?? 0
        if record.job.epoch <= last {
            Issue.record("\(record.job.id) was claimed at epoch \(record.job.epoch) after \(last)")
        }
        epochs[record.job.id] = record.job.epoch
        workers[index].items.removeAll { $0.job.id == record.job.id }
        workers[index].items.append(next)
        workers[index].running = next
        holder = (workers[index].id, record.claim)
    }

    /// A worker is gone, and one of its name begins anew.
    private mutating func vanish() {
        let index = workers.indices.randomElement(using: &chance) ?? 0
        workers[index] = Worker(id: workers[index].id)
    }

    /// The lease runs out; whoever held it may be alive.
    private mutating func expireLease() async throws {
        try await lane.store.send("DEL", lane.store.keys.lane("0", .lease))
        if Bool.random(using: &chance) { _ = try await lane.queue.sweep() }
    }

    // MARK: The end

    /// Everything acknowledged ends, and the log tells of each item once.
    mutating func finish() async throws {
        _ = try await lane.queue.resume(reason: "")
        for user in ["u", "v"] { try await lane.set(.standard, of: user) }
        for id in epochs.keys where try await lane.job(id).state == .paused {
            _ = try await lane.queue.change(jobID: id, userID: "", event: .resumed)
        }
        try await lane.store.send("DEL", lane.store.keys.lane("0", .lease))
        try await lane.hold()
        // What failed is due, and what holds everything back over, within milliseconds.
        let deadline = ContinuousClock.now + .seconds(30)
        repeat {
            _ = try await lane.drain()
            try await lane.hold()
        } while try await lane.isBusy() && ContinuousClock.now < deadline
        for id in epochs.keys {
            let job = try await lane.job(id)
            guard job.state.hasEnded else { throw Broken(description: "\(id) has not ended: \(job.state)") }
            guard job.epoch >= epochs[id] ?? 0 else { throw Broken(description: "\(id) fell to epoch \(job.epoch)") }
        }
        guard try await lane.verify() == [] else {
            throw Broken(description: "at the end: \(try await lane.verify().map(\.what))")
        }
        var ends: Set<String> = []
        for event in try await lane.events() where event.kind == .songAnalysed {
            guard ends.insert("\(event.job?.id ?? "")@\(event.epoch)").inserted else {
                throw Broken(description: "\(event.job?.id ?? "")@\(event.epoch) was recorded twice")
            }
        }
        for song in TestLane.songs {
            for user in ["u", "v"] {
                let keys = lane.store.keys
                let mark = try await lane.store.send("HGET", keys.lane("0", .userAnalysed, user), song).text
                let results = try await lane.store.send("HLEN", keys.lane("0", .songResults, user, song)).int
                guard (mark == "audio@1" && results == 1) || (mark == nil && results == 0) else {
                    throw Broken(
                        description: "song \(song) of \(user) has \(results ?? 0) results, marked \(mark ?? "")")
                }
            }
        }
    }
}

extension TestLane {
    fileprivate func isBusy() async throws -> Bool {
        let status = try await status()
        return status.pending + status.scheduled > 0
    }
}
