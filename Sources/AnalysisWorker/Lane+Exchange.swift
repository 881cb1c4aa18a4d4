// What a lane asks of the queue and what its runs come to: the second half of the transitions of `LaneState`.

import AnalysisAPI

// Exchanges

extension LaneState {
    mutating func exchange(reporting report: ItemReport?) -> [Action] {
        guard let lease else { return [] }
        if isDraining, report == nil { return finish() }
        lastTicket += 1
        wakeIsPending = false
        let exchange = Exchange(ticket: lastTicket, lease: lease, report: report, claim: !isDraining)
        phase = .exchanging(exchange)
        // On a new connection the lane may be granted under another lease at this moment; the old one would be refused.
        return isConnected ? [.exchange(exchange)] : []
    }

    mutating func exchanged(
        _ ticket: Int, _ assignment: Assignment?, at now: ContinuousClock.Instant
    ) -> [Action] {
        guard case .exchanging(let exchange) = phase, exchange.ticket == ticket else { return [] }
        guard let assignment else {
            if isDraining { return finish() }
            if wakeIsPending { return self.exchange(reporting: nil) }
            phase = .idle(since: now)
            return evict()
        }
        if isDraining { return self.exchange(reporting: ItemReport(assignment.item, .released(Released()))) }
        let run = resume(assignment)
        let actions = dropSuperseded(by: assignment)
        if let hint = earlyHint, hint == (assignment.jobID, assignment.epoch) { return actions + suspend(run, at: now) }
        return actions + begin(run, at: now) + evict()
    }

    /// The job has gone on without what else was frozen for it: that song was removed, changed or analysed elsewhere.
    private mutating func dropSuperseded(by assignment: Assignment) -> [Action] {
        for index in suspended.indices { suspended[index].forget(jobID: assignment.jobID) }
        guard let index = suspended.firstIndex(where: { $0.item.jobID == assignment.jobID }) else { return [] }
        return suspended[index].handOver() ? [] : [.kill(suspended.remove(at: index).id)]
    }

    /// The frozen run of the same work, now on behalf of `assignment`; a fresh one where there is none. A forced analysis takes over
    /// nothing that was found with an identical file.
    private mutating func resume(_ assignment: Assignment) -> Run {
        let index = suspended.firstIndex { run in
            run.assignment.work == assignment.work && (!assignment.force || run.credited.isEmpty)
        }
        guard let index else {
            lastRun += 1
            return Run(id: lastRun, assignment: assignment)
        }
        var run = suspended.remove(at: index)
        run.goOn(as: assignment)
        return run
    }

    /// Too much memory is frozen. During an exchange the answer decides first, which may be a frozen run.
    mutating func weighed(_ bytes: [Run.ID: UInt64]) -> [Action] {
        if case .exchanging = phase { [] } else { evict(weighing: bytes) }
    }

    /// Frozen runs beyond the maximum are given up, those of the lowest class first and then the oldest.
    private mutating func evict(weighing bytes: [Run.ID: UInt64] = [:]) -> [Action] {
        func isTooMuch() -> Bool {
            suspended.count > rules.maximumCount
                || suspended.reduce(0) { $0 + bytes[$1.id, default: 0] } > rules.maximumBytes
        }
        var actions: [Action] = []
        while isTooMuch() {
            // Of a run without a child nothing is saved.
            let candidates = suspended.count > rules.maximumCount ? suspended : suspended.filter { bytes[$0.id] != nil }
            let lowest = candidates.map(\.assignment.priority.rawValue).max()
            guard let run = candidates.first(where: { $0.assignment.priority.rawValue == lowest }) else { break }
            suspended.removeAll { $0.id == run.id }
            actions.append(.kill(run.id))
        }
        return actions
    }

    mutating func exchangeFailed(
        _ ticket: Int, _ failure: ExchangeFailure, at now: ContinuousClock.Instant
    ) -> [Action] {
        guard case .exchanging(var exchange) = phase, exchange.ticket == ticket else { return [] }
        switch (failure, exchange.report?.outcome) {
        case (.unanswered, _):
            exchange.attempt += 1
            phase = .exchanging(exchange)
            return isConnected ? [.exchange(exchange)] : []
        case (.stale, _) where exchange.lease != lease:
            return self.exchange(reporting: exchange.report)
        case (.refused(let reason), .analysed), (.refused(let reason), .failed):
            guard let item = exchange.report?.id, !isRefusal(exchange.report) else {
                return self.exchange(reporting: nil)
            }
            let failed = Failed(reason: "The queue did not take the result: \(reason)", kind: .unspecified)
            return self.exchange(reporting: ItemReport(item, .failed(failed)))
        case (.stale, .some), (.refused, .some):
            return self.exchange(reporting: nil)
        case (.stale, nil), (.refused, nil):
            phase = .idle(since: now)
            return isDraining ? finish() : []
        }
    }

    /// Whether the report is already the short one that says that the full one was refused.
    private func isRefusal(_ report: ItemReport?) -> Bool {
        guard case .failed(let failed) = report?.outcome else { return false }
        return failed.kind == .unspecified && failed.results.isEmpty
    }
}

// Analyses

extension LaneState {
    mutating func begin(_ run: Run, at now: ContinuousClock.Instant) -> [Action] {
        guard run.analyzer != nil else { return complete(run) }
        guard leaseIsFresh else {
            phase = .running(run, stalled: true)
            return []
        }
        var run = run
        run.stopwatch.start(at: now)
        phase = .running(run, stalled: false)
        return [.run(run)] + (run.fraction > 0 ? [report(run, at: now)] : [])
    }

    private mutating func complete(_ run: Run) -> [Action] {
        if run.failure != nil {
            songsFailed += 1
        } else if run.credited.count < run.results.count {
            songsAnalysed += 1
        }
        return exchange(reporting: run.report)
    }

    /// The run's analyzer tells what its file is and waits. A forced analysis does not ask whether its result is known.
    mutating func identified(_ id: Run.ID, _ fileHash: [UInt8]) -> [Action] {
        guard let run = run(id), let analyzer = run.analyzer else { return [] }
        return [run.assignment.force ? .proceed(id) : .find(id, analyzer, fileHash: fileHash)]
    }

    /// - Parameter result: nil: it is not known.
    mutating func found(
        _ id: Run.ID, _ analyzer: AnalyzerVersion, _ result: AnalysisResult?, at now: ContinuousClock.Instant
    ) -> [Action] {
        // It may have failed meanwhile.
        guard run(id)?.analyzer == analyzer else { return [] }
        guard let result else { return [.proceed(id)] }
        return [.skip(id)] + stepEnded(id, at: now) { $0.succeeded(with: result, isCredited: true, at: now) }
    }

    private func run(_ id: Run.ID) -> Run? {
        if case .running(let run, _) = phase, run.id == id { return run }
        return suspended.first { $0.id == id }
    }

    mutating func progressed(
        _ id: Run.ID, _ fraction: Double, _ stage: String, at now: ContinuousClock.Instant
    ) -> [Action] {
        if let index = suspended.firstIndex(where: { $0.id == id }) {
            suspended[index].progressed(to: fraction, stage: stage)
        }
        guard case .running(var run, let stalled) = phase, run.id == id else { return [] }
        run.progressed(to: fraction, stage: stage)
        phase = .running(run, stalled: stalled)
        return [report(run, at: now)]
    }

    /// An analyzer may end just before its child was frozen: then the frozen run goes on with the next one.
    mutating func stepEnded(
        _ id: Run.ID, at now: ContinuousClock.Instant, _ body: (inout Run) -> Void
    ) -> [Action] {
        if let index = suspended.firstIndex(where: { $0.id == id }) { body(&suspended[index]) }
        guard case .running(var run, _) = phase, run.id == id else { return [] }
        body(&run)
        // Between two analyzers there is nothing that could not bear to wait.
        return run.isToMakeWay && run.analyzer != nil ? suspend(run, at: now) : begin(run, at: now)
    }

    /// A frozen child that died says nothing about the song: it starts again when it is next.
    mutating func childFailed(
        _ id: Run.ID, _ kind: FailureKind, _ reason: String, at now: ContinuousClock.Instant
    ) -> [Action] {
        if case .discarding = phase { return killed(id) }
        suspended.removeAll { $0.id == id }
        return stepEnded(id, at: now) { $0.failed(kind, reason, at: now) }
    }

    mutating func killed(_ id: Run.ID) -> [Action] {
        guard case .discarding(let run) = phase, run.id == id else { return [] }
        return exchange(reporting: ItemReport(run.item, .released(Released())))
    }

    private func report(_ run: Run, at now: ContinuousClock.Instant) -> Action {
        .report(
            ProgressReport(
                workerID: workerID, lane: lane, jobID: run.item.jobID, epoch: run.item.epoch,
                songID: run.assignment.song?.id ?? "", fraction: run.fraction, stage: run.stage,
                runningMs: run.stopwatch.elapsed(at: now).wholeMilliseconds, analyzers: run.assignment.analyzers))
    }
}
