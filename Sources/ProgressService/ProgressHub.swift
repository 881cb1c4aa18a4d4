// The book behind a lock, and those who wait for its changes: watchers, the store, and who asks the other services.

import AnalysisAPI
import Jobs
import Synchronization

final class ProgressHub: Sendable {
    /// What the book wants to know from others.
    let queries: AsyncStream<ProgressBook.Query>
    /// Says that there is something to save; once, however much it is.
    let unsavedSignals: AsyncStream<Void>

    private let state = Mutex(State())
    private let clock: @Sendable () -> Int64
    private let queryQueue: AsyncStream<ProgressBook.Query>.Continuation
    private let unsavedSignal: AsyncStream<Void>.Continuation

    /// How long jobs that ended and contexts that nobody watches stay in memory.
    private static let idleMs: Int64 = 600_000

    private struct State {
        var book = ProgressBook()
        var watchers: [Int: Watcher] = [:]
        var watchersOfKey: [ContextKey: Set<Int>] = [:]
        var watchersOfActive: [String: Set<Int>] = [:]
        var lastWatcherID = 0
        /// Queries under way.
        var asking: Set<ProgressBook.Query> = []

        /// Notes the changes for those who watch them.
        ///
        /// - Returns: whom to wake.
        mutating func mark(_ keys: Set<ContextKey>) -> [AsyncStream<Void>.Continuation] {
            var woken: Set<Int> = []
            for key in keys {
                var ids = watchersOfKey[key] ?? []
                if case .job(let jobID) = key, let userID = book.jobs[jobID]?.job.userID {
                    ids.formUnion(watchersOfActive[userID] ?? [])
                }
                // What was restored, a watcher that goes on may have seen before.
                let version = book.version(of: key)
                ids = ids.filter { id in version.map { $0 > watchers[id]?.since ?? 0 } ?? true }
                for id in ids { watchers[id]?.pending.insert(key) }
                woken.formUnion(ids)
            }
            return woken.compactMap { watchers[$0]?.signal }
        }
    }

    private struct Watcher {
        let keys: Set<ContextKey>
        let activeJobsOf: String?
        /// The version up to which it has seen everything.
        let since: UInt64
        /// What changed since it looked last. It shows what is, so what came between is left out, and an end stays.
        var pending: Set<ContextKey>
        let signal: AsyncStream<Void>.Continuation
    }

    /// A registration for changes.
    struct Watch: Sendable {
        fileprivate let id: Int
        /// Says that there are views to take.
        let signals: AsyncStream<Void>
    }

    /// What is to be written to the store.
    struct Batch: Sendable {
        var unsaved: ProgressBook.Unsaved
        var views: [(ContextKey, ProgressView)] = []
        var audioMs: [ContextKey: UInt64] = [:]
        var forgottenJobs: [String] = []
        var cursors: [String: String] = [:]
        var costs: CostModel?
        /// Of a job that has ended, none.
        var estimates: [String: ShownEstimates] = [:]
        var delays: [String: LaneDelays.Changes] = [:]
        var accuracy: AccuracyLog?
    }

    /// - Parameter clock: the time in milliseconds since 1970.
    init(clock: @escaping @Sendable () -> Int64) {
        self.clock = clock
        (queries, queryQueue) = AsyncStream.makeStream()
        (unsavedSignals, unsavedSignal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Changes the book and tells all whom it concerns, outside the lock.
    func change(_ body: (inout ProgressBook, _ nowMs: Int64) -> ProgressBook.Changes) {
        let now = clock()
        let (signals, queries, scores) = state.withLock { state in
            let changes = body(&state.book, now)
            let queries = changes.queries.subtracting(state.asking)
            state.asking.formUnion(queries)
            return (state.mark(changes.keys), queries, changes.scores)
        }
        for score in scores { score.record() }
        for signal in signals { signal.yield() }
        for query in queries { queryQueue.yield(query) }
        unsavedSignal.yield()
    }

    /// A query has its answer, or will have none.
    func asked(_ query: ProgressBook.Query) {
        state.withLock { _ = $0.asking.remove(query) }
    }

    /// Looks into the book, changing nothing that others see.
    func look<Value>(_ body: (inout ProgressBook, _ nowMs: Int64) -> Value) -> Value {
        let now = clock()
        return state.withLock { body(&$0.book, now) }
    }

    func view(of key: ContextKey) -> ProgressView? {
        look { $0.view(of: key, nowMs: $1) }
    }

    /// Registers for the contexts and for all jobs of a user; what changed since a version is there to take.
    func watch(_ keys: Set<ContextKey>, activeJobsOf userID: String?, since version: UInt64) -> Watch {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.lastWatcherID += 1
            let id = state.lastWatcherID
            let changed = state.book.changed(keys, jobsOf: userID, since: version)
            state.watchers[id] = Watcher(
                keys: keys, activeJobsOf: userID, since: version, pending: changed, signal: signal)
            for key in keys { state.watchersOfKey[key, default: []].insert(id) }
            if let userID { state.watchersOfActive[userID, default: []].insert(id) }
            return id
        }
        change { book, _ in book.watch(keys) }
        return Watch(id: id, signals: signals)
    }

    func unwatch(_ watch: Watch) {
        state.withLock { state in
            guard let watcher = state.watchers.removeValue(forKey: watch.id) else { return }
            state.book.unwatch(watcher.keys)
            for key in watcher.keys { state.watchersOfKey.remove(watch.id, from: key) }
            if let userID = watcher.activeJobsOf { state.watchersOfActive.remove(watch.id, from: userID) }
        }
    }

    /// What changed since the last call, as it is now, in the order of versions: whoever has seen one has seen all before.
    ///
    /// - Parameter others: views of what is not known here, as far as that is still so.
    func take(_ watch: Watch, and others: [ContextKey: ProgressView] = [:]) -> [ProgressView] {
        let now = clock()
        return state.withLock { state in
            let pending = state.watchers[watch.id]?.pending ?? []
            state.watchers[watch.id]?.pending = []
            let changed = pending.compactMap { state.book.view(of: $0, nowMs: now) }
            let unknown = others.filter { key, _ in state.book.version(of: key) == nil }
            return (changed + unknown.values).sorted { $0.version < $1.version }
        }
    }

    /// What is to be saved, which from now on counts as saved.
    ///
    /// - Parameter aheadMs: how long it may be until the next time.
    func takeUnsaved(aheadMs: Double) -> Batch {
        let now = clock()
        return state.withLock { state in
            var batch = Batch(unsaved: state.book.unsaved)
            state.book.unsaved = ProgressBook.Unsaved()
            for key in batch.unsaved.keys {
                if let view = state.book.kept(key, aheadMs: aheadMs, nowMs: now) {
                    batch.views.append((key, view))
                    batch.audioMs[key] = state.book.contexts[key]?.coverage?.audioMs
                } else if case .job(let jobID) = key {
                    batch.forgottenJobs.append(jobID)
                }
            }
            for lane in batch.unsaved.lanes { batch.cursors[lane] = state.book.lanes[lane]?.cursor }
            if batch.unsaved.costs { batch.costs = state.book.costs }
            // What is kept of a job is shown by that: an estimate, too.
            batch.unsaved.estimates.formUnion(state.book.unsaved.estimates)
            state.book.unsaved.estimates = []
            for jobID in batch.unsaved.estimates {
                let progress = state.book.jobs[jobID]
                batch.estimates[jobID] = progress?.job.state.hasEnded == false ? progress?.estimates : ShownEstimates()
            }
            for lane in batch.unsaved.delays { batch.delays[lane] = state.book.lanes[lane]?.delays.takeChanges() }
            if batch.unsaved.accuracy { batch.accuracy = state.book.accuracy }
            return batch
        }
    }

    /// It could not be saved.
    func putBack(_ batch: Batch) {
        state.withLock { state in
            state.book.unsaved.formUnion(batch.unsaved)
            for (lane, changes) in batch.delays { state.book.lanes[lane]?.delays.putBack(changes) }
        }
        unsavedSignal.yield()
    }

    /// Lets go of what the store has and nobody looks at.
    func prune() {
        look { $0.prune(before: $1 - Self.idleMs) }
    }
}

extension [ContextKey: Set<Int>] {
    fileprivate mutating func remove(_ id: Int, from key: ContextKey) {
        self[key]?.remove(id)
        if self[key]?.isEmpty == true { self[key] = nil }
    }
}

extension [String: Set<Int>] {
    fileprivate mutating func remove(_ id: Int, from key: String) {
        self[key]?.remove(id)
        if self[key]?.isEmpty == true { self[key] = nil }
    }
}
