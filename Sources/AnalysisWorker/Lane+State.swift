// What a lane does about everything that can happen to it: events in, actions out; no processes, network or clock.

import AnalysisAPI

/// A lane, of which at most one analysis runs and a few are frozen.
///
///     vacant ──granted──▶ exchanging ◀──all analyzers ended · preempted (frozen) · discarded (child dead)──┐
///        ▲                 │  ▲   └────────────────────────assignment────────────────────────▶ running ───┘
///     revoked      nothing ▼  │ woken
///                         idle
///
/// A running analysis whose lease is not renewed in time stalls: it is frozen until the queue has spoken again.
struct LaneState: Sendable {
    enum Event: Sendable {
        /// The lane is the worker's, under this lease. Of what it held, only `kept` is still its own.
        case granted(lease: [UInt8], kept: [HeldItem])
        case renewed
        /// Two thirds of the lease have passed without renewal.
        case leaseWentStale
        /// The stream of commands broke; what is unanswered waits until the lane is granted or renewed again.
        case disconnected
        case revoked
        case woken
        case preempted(jobID: String, epoch: UInt64)
        case discarded(jobID: String, epoch: UInt64)
        case exchanged(ticket: Int, Assignment?)
        case exchangeFailed(ticket: Int, ExchangeFailure)
        case progressed(Run.ID, fraction: Double, stage: String)
        /// The analyzer has told what its file is, and waits.
        case identified(Run.ID, fileHash: [UInt8])
        /// What the queue knows of that file.
        case found(Run.ID, AnalyzerVersion, AnalysisResult?)
        case analysed(Run.ID, AnalysisResult)
        case failed(Run.ID, FailureKind, reason: String)
        /// The run's child ended by itself.
        case childFailed(Run.ID, FailureKind, reason: String)
        /// The run has no child any more, as was asked for.
        case killed(Run.ID)
        /// The resident memory of frozen children, in bytes.
        case weighed([Run.ID: UInt64])
        case draining
    }

    enum Action: Hashable, Sendable {
        /// Thaw its child; where it has none, give the song to a child of the analyzer whose turn it is.
        case run(Run)
        case freeze(Run.ID)
        /// Ask the queue for the result of the file, and say `found`.
        case find(Run.ID, AnalyzerVersion, fileHash: [UInt8])
        /// Tell its child to analyse the song that it identified.
        case proceed(Run.ID)
        /// Take its child away, which drops the song.
        case skip(Run.ID)
        /// Kill its child, if it has one, and say `killed` when it is gone.
        case kill(Run.ID)
        /// Replaces the exchange that is under way, if any.
        case exchange(Exchange)
        case report(ProgressReport)
        /// Nothing is left of the lane after draining.
        case released
    }

    struct Exchange: Hashable, Sendable {
        let ticket: Int
        var attempt = 0
        let lease: [UInt8]
        let report: ItemReport?
        let claim: Bool
    }

    enum ExchangeFailure: Hashable, Sendable {
        /// Nobody knows whether it took effect. Doing it again is safe: the claim makes it happen once.
        case unanswered
        /// The lease or the item is no longer the worker's.
        case stale
        /// The queue cannot take what was said.
        case refused(String)
    }

    enum Phase: Sendable {
        case vacant
        case idle(since: ContinuousClock.Instant)
        case exchanging(Exchange)
        case running(Run, stalled: Bool)
        /// Its child is being killed; only when it is dead may something else run.
        case discarding(Run)
    }

    /// How often an idle lane asks for work without being woken.
    static let slowPoll: Duration = .seconds(5)

    let lane: String
    let workerID: String
    let rules: SuspensionRules

    var songsAnalysed: UInt64 = 0
    var songsFailed: UInt64 = 0
    var interruptions: UInt64 = 0

    var phase = Phase.vacant
    /// Frozen runs, the oldest first.
    var suspended: [Run] = []
    var lease: [UInt8]?
    var leaseIsFresh = false
    var isConnected = false
    var isDraining = false
    /// Woken since the last exchange was sent: its answer may be older than the work.
    var wakeIsPending = false
    /// The item of the last hint that fitted nothing: it can overtake the assignment that it is about.
    var earlyHint: (jobID: String, epoch: UInt64)?
    var lastTicket = 0
    var lastRun: Run.ID = 0

    init(lane: String, workerID: String, rules: SuspensionRules) {
        self.lane = lane
        self.workerID = workerID
        self.rules = rules
    }

    mutating func handle(_ event: Event, at now: ContinuousClock.Instant) -> [Action] {
        switch event {
        case .granted(let lease, let kept): granted(lease, kept: Set(kept.map(\.id)), at: now)
        case .renewed: renewed(at: now)
        case .leaseWentStale: leaseWentStale(at: now)
        case .disconnected: disconnected()
        case .revoked: revoked()
        case .woken: woken()
        case .preempted(let jobID, let epoch): preempted(jobID: jobID, epoch: epoch, at: now)
        case .discarded(let jobID, let epoch): discarded(jobID: jobID, epoch: epoch, at: now)
        case .exchanged(let ticket, let assignment): exchanged(ticket, assignment, at: now)
        case .exchangeFailed(let ticket, let failure): exchangeFailed(ticket, failure, at: now)
        case .progressed(let id, let fraction, let stage): progressed(id, fraction, stage, at: now)
        case .identified(let id, let fileHash): identified(id, fileHash)
        case .found(let id, let analyzer, let result): found(id, analyzer, result, at: now)
        case .analysed(let id, let result): stepEnded(id, at: now) { $0.succeeded(with: result, at: now) }
        case .failed(let id, let kind, let reason): stepEnded(id, at: now) { $0.failed(kind, reason, at: now) }
        case .childFailed(let id, let kind, let reason): childFailed(id, kind, reason, at: now)
        case .killed(let id): killed(id)
        case .weighed(let bytes): weighed(bytes)
        case .draining: drain(at: now)
        }
    }

    /// Every item that the lane has something of.
    var held: [HeldItem] {
        let frozen = suspended.map { HeldItem($0.item, lane: lane, running: false) }
        switch phase {
        case .running(let run, _), .discarding(let run):
            return frozen + [HeldItem(run.item, lane: lane, running: true)]
        case .exchanging(let exchange):
            guard let id = exchange.report?.id, !suspended.contains(where: { $0.item == id }) else { return frozen }
            return frozen + [HeldItem(id, lane: lane, running: true)]
        case .vacant, .idle:
            return frozen
        }
    }
}

// The lease

extension LaneState {
    private mutating func granted(
        _ lease: [UInt8], kept: Set<ItemID>, at now: ContinuousClock.Instant
    ) -> [Action] {
        self.lease = lease
        leaseIsFresh = true
        isConnected = true
        let dropped = suspended.filter { !kept.contains($0.item) }.map { Action.kill($0.id) }
        suspended.removeAll { !kept.contains($0.item) }
        switch phase {
        case .running(let run, let stalled) where kept.contains(run.item):
            return dropped + (stalled ? begin(run, at: now) : [])
        case .running(let run, _):
            return dropped + [.kill(run.id)] + exchange(reporting: nil)
        case .exchanging(let exchange):
            return dropped + self.exchange(reporting: exchange.report.flatMap { kept.contains($0.id) ? $0 : nil })
        case .vacant, .idle:
            return dropped + exchange(reporting: nil)
        case .discarding:
            return dropped
        }
    }

    private mutating func renewed(at now: ContinuousClock.Instant) -> [Action] {
        guard lease != nil else { return [] }
        leaseIsFresh = true
        let wasConnected = isConnected
        isConnected = true
        switch phase {
        case .running(let run, stalled: true): return begin(run, at: now)
        case .idle(let since) where since.duration(to: now) >= Self.slowPoll: return exchange(reporting: nil)
        case .exchanging(let exchange) where !wasConnected: return self.exchange(reporting: exchange.report)
        case .idle, .running, .exchanging, .vacant, .discarding: return []
        }
    }

    private mutating func leaseWentStale(at now: ContinuousClock.Instant) -> [Action] {
        leaseIsFresh = false
        guard case .running(var run, stalled: false) = phase else { return [] }
        run.stopwatch.stop(at: now)
        phase = .running(run, stalled: true)
        return [.freeze(run.id)]
    }

    private mutating func disconnected() -> [Action] {
        isConnected = false
        return []
    }

    private mutating func revoked() -> [Action] {
        var actions = suspended.map { Action.kill($0.id) }
        if case .running(let run, _) = phase { actions.append(.kill(run.id)) }
        suspended = []
        phase = .vacant
        lease = nil
        return isDraining ? actions + [.released] : actions
    }
}

// Commands

extension LaneState {
    private mutating func woken() -> [Action] {
        switch phase {
        case .idle: return exchange(reporting: nil)
        case .exchanging: wakeIsPending = true
        case .vacant, .running, .discarding: break
        }
        return []
    }

    private mutating func preempted(jobID: String, epoch: UInt64, at now: ContinuousClock.Instant) -> [Action] {
        guard case .running(var run, let stalled) = phase, run.item.jobID == jobID, run.item.epoch == epoch else {
            earlyHint = (jobID, epoch)
            return []
        }
        guard canFreeze(run) else {
            run.isToMakeWay = true
            phase = .running(run, stalled: stalled)
            return []
        }
        return (stalled ? [] : [.freeze(run.id)]) + suspend(run, at: now)
    }

    /// Puts the run aside and asks what is next. The answer may be the run itself.
    mutating func suspend(_ run: Run, at now: ContinuousClock.Instant) -> [Action] {
        var run = run
        run.isToMakeWay = false
        run.stopwatch.stop(at: now)
        suspended.append(run)
        interruptions += 1
        return exchange(reporting: ItemReport(run.item, .suspended(Suspended())))
    }

    /// A job has been withdrawn. That concerns its own wish alone: work that another job was frozen with stays frozen for it.
    private mutating func discarded(jobID: String, epoch: UInt64, at now: ContinuousClock.Instant) -> [Action] {
        if case .running(var run, let stalled) = phase {
            if run.item.jobID == jobID, run.item.epoch == epoch { return giveUp(run, stalled, at: now) }
            run.forget(jobID: jobID)
            phase = .running(run, stalled: stalled)
        }
        let index = suspended.firstIndex { $0.item.jobID == jobID && $0.item.epoch == epoch }
        guard let index else {
            for index in suspended.indices { suspended[index].forget(jobID: jobID) }
            return []
        }
        return suspended[index].handOver() ? [] : [.kill(suspended.remove(at: index).id)]
    }

    private func canFreeze(_ run: Run) -> Bool {
        !rules.finishSong.contains(run.analyzer?.name ?? "")
    }

    private mutating func giveUp(_ run: Run, _ stalled: Bool, at now: ContinuousClock.Instant) -> [Action] {
        let item = run.item
        var run = run
        guard canFreeze(run), run.handOver() else {
            phase = .discarding(run)
            return [.kill(run.id)]
        }
        run.stopwatch.stop(at: now)
        suspended.append(run)
        return (stalled ? [] : [.freeze(run.id)]) + exchange(reporting: ItemReport(item, .released(Released())))
    }

    private mutating func drain(at now: ContinuousClock.Instant) -> [Action] {
        isDraining = true
        switch phase {
        case .vacant, .idle:
            return finish()
        case .running(let run, let stalled):
            suspended.append(run)
            return (stalled ? [] : [.freeze(run.id)]) + exchange(reporting: ItemReport(run.item, .released(Released())))
        case .exchanging, .discarding:
            return []
        }
    }

    mutating func finish() -> [Action] {
        let actions = suspended.map { Action.kill($0.id) } + [.released]
        suspended = []
        phase = .vacant
        lease = nil
        return actions
    }
}
