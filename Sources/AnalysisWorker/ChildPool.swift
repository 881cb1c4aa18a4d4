// Keeps a started, idle child of every analyzer at hand, so that no song waits for a process to start.

import AnalysisAPI
import Logging
import Metrics
import RPC
import Synchronization

/// All analyzer processes of a worker. Whoever takes a child has it for itself until it gives it back.
final class ChildPool: Sendable {
    fileprivate struct Kind {
        let analyzer: Analyzer
        /// Said by the last child that became ready.
        var version: AnalyzerVersion?
        /// The one used last at the end.
        var idle: [Child] = []
        var starting = 0
        var waiting: [CheckedContinuation<Child?, Never>] = []
        /// Starts that failed in a row, and why the last one did.
        var failures = 0
        var failure: ChildUnavailable?

        /// Whether waiting for it is in vain. A single start can fail for want of memory.
        var isBroken: Bool { failures >= 3 }
    }

    fileprivate struct State {
        var kinds: [String: Kind]
        var spares = 2
        var isStopped = false
        var untilUsable: [CheckedContinuation<Void, Never>] = []
        /// All that have not ended, whoever has them.
        var children: [Child] = []
        /// The latest last.
        var lastErrors: [WorkerError] = []
        /// CPU time of all children, as it was told last.
        var cpuSeconds = 0.0
    }

    private let configuration: Child.Configuration
    private let guardian: ProcessGuard
    private let logger: Logger
    private let state: Mutex<State>
    private let starts: AsyncStream<(Analyzer, after: Duration)>
    private let startsContinuation: AsyncStream<(Analyzer, after: Duration)>.Continuation

    init(
        analyzers: [Analyzer], configuration: Child.Configuration, guardian: ProcessGuard, logger: Logger
    ) {
        self.configuration = configuration
        self.guardian = guardian
        self.logger = logger
        let kinds = analyzers.map { ($0.name, Kind(analyzer: $0)) }
        state = Mutex(State(kinds: Dictionary(kinds) { _, last in last }))
        (starts, startsContinuation) = AsyncStream.makeStream()
    }

    /// Runs the children until cancelled, and returns when all of them are gone.
    func run() async {
        for name in state.withLock({ Array($0.kinds.keys) }) { refill(name) }
        await withDiscardingTaskGroup { group in
            for await (analyzer, delay) in starts {
                group.addTask {
                    guard (try? await Task.sleep(for: delay)) != nil else { return }
                    let child = Child(
                        analyzer, owner: self, configuration: self.configuration, guardian: self.guardian,
                        logger: self.logger)
                    self.state.withLock { $0.children.append(child) }
                    await child.run()
                    self.state.withLock { $0.children.removeAll { $0 === child } }
                }
            }
            group.cancelAll()
        }
        let stopped = state.withLock { state in
            defer {
                state.isStopped = true
                state.untilUsable = []
                for name in state.kinds.keys { state.kinds[name]?.waiting = [] }
            }
            return state
        }
        for continuation in stopped.untilUsable { continuation.resume() }
        for continuation in stopped.kinds.values.flatMap(\.waiting) { continuation.resume(returning: nil) }
    }

    /// What the worker can run: the analyzers that have become ready.
    var versions: Set<AnalyzerVersion> { state.withLock { Set($0.kinds.values.compactMap(\.version)) } }

    var analyzerNames: [String] { state.withLock { Array($0.kinds.keys) } }

    /// A counter: a child that ends between two looks is in neither of its parts for a moment.
    func recordCPU(seconds: Double) {
        let highest = state.withLock { state in
            state.cpuSeconds = max(state.cpuSeconds, seconds)
            return state.cpuSeconds
        }
        Meter(label: "analysis_worker_children_cpu_seconds_total").set(highest)
    }

    /// What all children are at, and what they died of. Asks the system about each.
    func diagnostics() async -> WorkerDiagnostics {
        let (children, lastErrors) = state.withLock { ($0.children, $0.lastErrors) }
        let processes = children.map(\.diagnostics).sorted { ($0.analyzer, $0.pid) < ($1.analyzer, $1.pid) }
        return WorkerDiagnostics(processes: processes, lastErrors: lastErrors)
    }

    /// Waits until every analyzer has been tried and one at least is ready, or the pool is stopped.
    func usable() async {
        await withCheckedContinuation { continuation in
            let isUsable = state.withLock { state in
                if state.isUsable || state.isStopped { return true }
                state.untilUsable.append(continuation)
                return false
            }
            if isUsable { continuation.resume() }
        }
    }

    /// How many idle children of each analyzer to keep.
    func keep(spares: Int) {
        let names = state.withLock { state in
            state.spares = spares
            return Array(state.kinds.keys)
        }
        for name in names { refill(name) }
    }

    /// An idle child, at once; `nil` where none is idle. No other is started in its place before `refill`, so that the song
    /// that took it has the machine to itself until its first progress is out.
    func take(_ name: String) -> Child? {
        state.withLock { $0.kinds[name]?.idle.popLast() }
    }

    /// An idle child; waits for one to start where none is.
    ///
    /// - Throws: `ChildUnavailable` where there is no such analyzer or it does not start.
    func next(_ name: String) async throws(ChildUnavailable) -> Child {
        let child: Child? = await withCheckedContinuation { continuation in
            let answer: Child?? = state.withLock { state in
                guard !state.isStopped, var kind = state.kinds[name] else { return .some(nil) }
                if let child = kind.idle.popLast() {
                    state.kinds[name] = kind
                    return child
                }
                guard !kind.isBroken else { return .some(nil) }
                kind.waiting.append(continuation)
                state.kinds[name] = kind
                return nil
            }
            refill(name)
            if let answer { continuation.resume(returning: answer) }
        }
        guard let child else { throw unavailability(of: name) }
        return child
    }

    /// The child has done what it was taken for.
    func giveBack(_ child: Child) {
        child.release(to: self)
        child.thaw()
        let name = child.analyzer.name
        enum Use {
            case serve(CheckedContinuation<Child?, Never>)
            case keep, surplus
        }
        let use: Use = state.withLock { state in
            guard var kind = state.kinds[name] else { return .surplus }
            defer { state.kinds[name] = kind }
            if !kind.waiting.isEmpty { return .serve(kind.waiting.removeFirst()) }
            // One more than is kept at hand saves starting a process for each click, which takes one and gives one back.
            guard kind.idle.count <= state.spares else { return .surplus }
            kind.idle.append(child)
            return .keep
        }
        switch use {
        case .serve(let continuation): continuation.resume(returning: child)
        case .keep: break
        case .surplus: child.kill()
        }
    }

    private func unavailability(of name: String) -> ChildUnavailable {
        state.withLock { state in
            guard let kind = state.kinds[name] else {
                let known = state.kinds.keys.sorted().joined(separator: ", ")
                return ChildUnavailable(
                    kind: .refused, reason: "This worker has no analyzer '\(name)'; it has \(known).")
            }
            return kind.failure
                ?? ChildUnavailable(
                    kind: .crashed, reason: "The analyzer '\(name)' does not start: the worker stops.")
        }
    }

    /// Starts as many children as are missing to those that are kept at hand.
    func refill(_ name: String) {
        let (analyzer, missing, pause) = state.withLock { state -> (Analyzer?, Int, Duration) in
            guard !state.isStopped, var kind = state.kinds[name] else { return (nil, 0, .zero) }
            let wanted = kind.failures > 0 ? 1 : state.spares + kind.waiting.count
            let missing = max(0, wanted - kind.idle.count - kind.starting)
            kind.starting += missing
            state.kinds[name] = kind
            // An analyzer that does not start is tried again after 1, 2, 4 … 32 seconds.
            let pause: Duration = kind.failures == 0 ? .zero : .seconds(1 << min(kind.failures - 1, 5))
            return (kind.analyzer, missing, pause)
        }
        guard let analyzer else { return }
        for _ in 0..<missing { startsContinuation.yield((analyzer, after: pause)) }
    }
}

/// Why there is no child for a song.
struct ChildUnavailable: Error {
    let kind: FailureKind
    let reason: String
}

extension ChildPool: ChildOwner {
    func child(_ child: Child, said reply: AnalyzerReply.Reply) async {
        guard case .ready = reply else { return }
        let name = child.analyzer.name
        let usable = state.withLock { state in
            state.kinds[name]?.version = child.version
            state.kinds[name]?.starting -= 1
            state.kinds[name]?.failures = 0
            state.kinds[name]?.failure = nil
            return state.takeWaitersIfUsable()
        }
        giveBack(child)
        for continuation in usable { continuation.resume() }
    }

    func childEnded(_ child: Child, _ ending: Child.Ending) async {
        let name = child.analyzer.name
        let (unserved, usable) = state.withLock { state in
            var unserved: [CheckedContinuation<Child?, Never>] = []
            if !ending.wasAskedFor {
                state.lastErrors = state.lastErrors.suffix(WorkerError.remembered - 1) + [WorkerError(child, ending)]
            }
            guard var kind = state.kinds[name] else { return (unserved, state.takeWaitersIfUsable()) }
            kind.idle.removeAll { $0 === child }
            if child.version == nil {
                kind.starting -= 1
                kind.failures += 1
                kind.failure = ChildUnavailable(kind: ending.kind, reason: ending.reason)
                if kind.isBroken {
                    unserved = kind.waiting
                    kind.waiting = []
                }
            }
            state.kinds[name] = kind
            return (unserved, state.takeWaitersIfUsable())
        }
        for continuation in unserved { continuation.resume(returning: nil) }
        for continuation in usable { continuation.resume() }
        if !ending.wasAskedFor { logger.error("\(ending.reason)", metadata: ["analyzer": "\(name)"]) }
        refill(name)
    }
}

extension ChildPool.State {
    fileprivate var isUsable: Bool {
        kinds.values.contains { $0.version != nil } && kinds.values.allSatisfy { $0.version != nil || $0.failures > 0 }
    }

    fileprivate mutating func takeWaitersIfUsable() -> [CheckedContinuation<Void, Never>] {
        guard isUsable else { return [] }
        defer { untilUsable = [] }
        return untilUsable
    }
}
