// One analyzer process: frames on its stdin and stdout, signals to its process group.

import AnalysisAPI
import Glibc
import Logging
import RPC
import Subprocess
import Synchronization
import SystemPackage

/// Whoever a child works for at the moment. Calls come one at a time, in the order of what the child said.
protocol ChildOwner: Sendable {
    func child(_ child: Child, said reply: AnalyzerReply.Reply) async
    /// The process is gone and reaped; nothing more comes from it.
    func childEnded(_ child: Child, _ ending: Child.Ending) async
}

/// An analyzer process, from its start to its end. It analyses one song after another.
///
///     starting ──Ready──▶ idle ──begin──▶ busy ──its last reply──▶ idle
///
/// Freezing and thawing go to its whole process group. It is killed when it says what it must not say, and when it is silent
/// for too long while it should not be.
final class Child: Sendable {
    struct Configuration: Sendable {
        var limits = ProcessLimits()
        /// How long a song or a probe may make no progress, frozen time left out.
        var silence: Duration = .seconds(300)
        /// How long a process may take until it is ready.
        var start: Duration = .seconds(60)
        var pingInterval: Duration = .seconds(1)
        /// How long an analyzer stays when it hears nothing.
        var lease: Duration = .seconds(10)
    }

    /// Why a process ended: what the song that it was at failed with.
    struct Ending: Hashable, Sendable {
        var kind: FailureKind
        var reason: String
        /// Because the worker wanted it, and not because of anything that the child did.
        var wasAskedFor = false
    }

    fileprivate enum Activity {
        case starting, idle, analyzing, probing
    }

    fileprivate struct State {
        /// Leader and number of its process group; `nil` before it started and once it may have been reaped.
        var group: pid_t?
        var owner: any ChildOwner
        var activity = Activity.starting
        var isFrozen = false
        var isGone = false
        /// Frames that are not wholly in the pipe yet.
        var unwritten = 0
        /// Since it last came on, frozen time left out.
        var silence = Stopwatch()
        var lastProgress = AnalyzeProgress()
        var version: AnalyzerVersion?
        var ending: Ending?
    }

    let analyzer: Analyzer
    private let configuration: Configuration
    private let guardian: ProcessGuard
    private let logger: Logger
    private let state: Mutex<State>
    private let outgoing: AsyncStream<Outgoing>
    private let outgoingContinuation: AsyncStream<Outgoing>.Continuation

    private enum Outgoing {
        case frame([UInt8])
        case `continue`
    }

    init(
        _ analyzer: Analyzer, owner: any ChildOwner, configuration: Configuration, guardian: ProcessGuard,
        logger: Logger
    ) {
        self.analyzer = analyzer
        self.configuration = configuration
        self.guardian = guardian
        self.logger = logger
        state = Mutex(State(owner: owner))
        (outgoing, outgoingContinuation) = AsyncStream.makeStream()
    }

    /// Runs the process until it ends, and tells its owner why it did. Cancelling kills it.
    func run() async {
        let ending = await withTaskCancellationHandler {
            await hostedProcess()
        } onCancel: {
            kill()
        }
        let owner = state.withLock { state in
            state.isGone = true
            return state.owner
        }
        outgoingContinuation.finish()
        await owner.childEnded(self, ending)
    }

    /// Gives an idle child something to do.
    ///
    /// - Returns: whether it could be given; a child that has ended takes nothing.
    func begin(_ request: AnalyzerRequest.Request, for owner: any ChildOwner) -> Bool {
        let group: pid_t? = state.withLock { state in
            guard !state.isGone, state.ending == nil, let group = state.group else { return nil }
            state.owner = owner
            state.activity = if case .probe = request { .probing } else { .analyzing }
            state.lastProgress = AnalyzeProgress()
            state.silence = Stopwatch()
            state.silence.start(at: .now)
            return group
        }
        guard let group else { return false }
        // A process that died meanwhile has no limits to set; its end is told to the owner.
        try? configuration.limits.allowSong(to: group)
        send(AnalyzerRequest(request: request))
        return true
    }

    /// The child belongs to `owner`, and is at nothing.
    func release(to owner: any ChildOwner) {
        state.withLock { $0.owner = owner }
    }

    /// Stops the process group where it stands.
    func freeze() {
        state.withLock { state in
            state.isFrozen = true
            state.silence.stop(at: .now)
            Self.signal(SIGSTOP, to: state.group)
        }
    }

    /// Lets the process group go on. A ping comes first, for an analyzer that looks at the time when it wakes.
    func thaw() {
        let writesAlready = state.withLock { state in
            guard state.isFrozen else { return true }
            state.isFrozen = false
            if state.activity != .idle { state.silence.start(at: .now) }
            // A frame that does not fit into the pipe is a sign of life too, and gets no further while the child is frozen.
            if state.unwritten > 0 { Self.signal(SIGCONT, to: state.group) }
            return state.unwritten > 0
        }
        guard !writesAlready else { return }
        send(ping)
        outgoingContinuation.yield(.continue)
    }

    /// Kills the process group. The owner hears of it as an ending that was asked for.
    func kill() {
        end(Ending(kind: .unspecified, reason: "it was told to", wasAskedFor: true))
    }

    /// The process id, while the process lives.
    var pid: pid_t? { state.withLock(\.group) }

    /// What it said that it is; `nil` until it is ready.
    var version: AnalyzerVersion? { state.withLock(\.version) }

    private func end(_ ending: Ending) {
        state.withLock { state in
            state.ending = state.ending ?? ending
            Self.signal(SIGKILL, to: state.group)
        }
    }

    private static func signal(_ signal: Int32, to group: pid_t?) {
        if let group { _ = Glibc.kill(-group, signal) }
    }

    private func send(_ request: AnalyzerRequest) {
        state.withLock { $0.unwritten += 1 }
        outgoingContinuation.yield(.frame(request.framed()))
    }

    private var ping: AnalyzerRequest {
        AnalyzerRequest(request: .ping(Ping(leaseMs: configuration.lease.wholeMilliseconds)))
    }
}

// The process

extension Child {
    private func hostedProcess() async -> Ending {
        var options = PlatformOptions()
        // A group of its own in the worker's session: with a session of its own, a frozen child would stay so for ever when
        // the worker is killed.
        options.processGroupID = 0
        let lines = LastLine()
        do {
            let result = try await Subprocess.run(
                .path(FilePath(analyzer.executable)), arguments: Arguments(analyzer.arguments),
                platformOptions: options, input: .inputWriter,
                output: .sequence, error: .sequence
            ) { execution in
                try await converse(execution, lines)
            }
            return ending(after: result.terminationStatus, lastLine: lines.text)
        } catch {
            let started = state.withLock { $0.ending }
            return started ?? Ending(kind: .crashed, reason: "The analyzer '\(analyzer.name)' does not start: \(error)")
        }
    }

    private func converse(
        _ execution: Execution<CustomWriteInput, SequenceOutput, SequenceOutput>, _ lines: LastLine
    ) async throws {
        let group = execution.processIdentifier.value
        await guardian.watch(group)
        state.withLock { state in
            state.group = group
            state.silence.start(at: .now)
            // It may have been told to end before it had begun.
            if state.ending != nil { Self.signal(SIGKILL, to: group) }
        }
        do {
            try configuration.limits.apply(to: group)
        } catch {
            logger.warning("the limits of an analyzer cannot be set", metadata: ["error": "\(error)"])
        }
        await withTaskGroup { tasks in
            tasks.addTask { await self.write(to: execution.standardInputWriter) }
            tasks.addTask { await self.watch() }
            async let log: Void = self.log(execution.standardError, pid: group, lines)
            await read(execution.standardOutput)
            state.withLock { state in
                Self.signal(SIGKILL, to: state.group)
                state.group = nil
            }
            await log
            tasks.cancelAll()
        }
        await guardian.forget(group)
    }

    private func read(_ output: SubprocessOutputSequence) async {
        var frames = FrameDecoder()
        do {
            for try await chunk in output {
                chunk.withUnsafeBytes { frames.append($0) }
                while let reply = try frames.next() { await heard(reply) }
            }
        } catch let error as RPCError {
            violated(error.detail)
        } catch {
            violated("its output cannot be read: \(error)")
        }
    }

    private func write(to stdin: StandardInputWriter) async {
        for await item in outgoing {
            switch item {
            case .frame(let bytes):
                // A child that does not take it is about to end, and its end is told.
                _ = try? await stdin.write(bytes)
                state.withLock { $0.unwritten -= 1 }
            case .continue:
                state.withLock { state in
                    if !state.isFrozen { Self.signal(SIGCONT, to: state.group) }
                }
            }
        }
    }

    /// Pings a child that is not frozen, and ends one that is silent for too long.
    private func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: min(configuration.pingInterval, configuration.silence))
            let (isFrozen, activity, silence) = state.withLock { state in
                (state.isFrozen, state.activity, state.silence.elapsed(at: .now))
            }
            if !isFrozen { send(ping) }
            switch activity {
            case .starting where silence > configuration.start:
                end(
                    Ending(
                        kind: .timedOut,
                        reason: "The analyzer '\(analyzer.name)' was not ready in \(configuration.start)."))
            case .analyzing where silence > configuration.silence, .probing where silence > configuration.silence:
                let reason = "The analyzer '\(analyzer.name)' made no progress for \(configuration.silence)."
                end(Ending(kind: .timedOut, reason: reason))
            case .starting, .idle, .analyzing, .probing:
                break
            }
        }
    }

    private func log(_ output: SubprocessOutputSequence, pid: pid_t, _ last: LastLine) async {
        var lines = LineSplitter()
        do {
            for try await chunk in output {
                for line in chunk.withUnsafeBytes({ lines.append($0) }) {
                    last.text = line
                    logger.info("\(line)", metadata: ["analyzer": "\(analyzer.name)", "pid": "\(pid)"])
                }
            }
        } catch {
            logger.debug("an analyzer's log cannot be read", metadata: ["error": "\(error)"])
        }
    }
}

// What it says

extension Child {
    private func heard(_ reply: AnalyzerReply.Reply) async {
        enum Verdict {
            case tell(any ChildOwner)
            case ignore, violation
        }
        let verdict: Verdict = state.withLock { state in
            guard state.ending == nil else { return .ignore }
            switch (state.activity, reply) {
            case (.starting, .ready(let ready)):
                state.activity = .idle
                state.version = AnalyzerVersion(name: analyzer.name, version: ready.analyzer?.version ?? "")
            case (.analyzing, .progress(let progress)):
                guard progress.fraction > state.lastProgress.fraction || progress.stage != state.lastProgress.stage
                else { return .ignore }
                state.lastProgress = progress
                state.hasComeOn()
            case (.analyzing, .analyzed), (.analyzing, .rejected), (.probing, .probeEnded):
                state.activity = .idle
            case (.probing, .probed):
                state.hasComeOn()
            default:
                return .violation
            }
            return .tell(state.owner)
        }
        switch verdict {
        case .tell(let owner): await owner.child(self, said: reply)
        case .ignore: break
        case .violation: violated("a reply out of turn")
        }
    }

    private func violated(_ what: String) {
        end(Ending(kind: .crashed, reason: "The analyzer '\(analyzer.name)' broke the protocol: \(what)."))
    }

    private func ending(after status: TerminationStatus, lastLine: String) -> Ending {
        if let known = state.withLock({ $0.ending }) { return known }
        let said = lastLine.isEmpty ? "" : " It last said: \(lastLine)"
        let limits = configuration.limits
        let (kind, what): (FailureKind, String) =
            switch status {
            case .signaled(SIGXCPU): (.limit, "used more than \(limits.cpuSeconds) seconds of CPU time")
            case .signaled(SIGXFSZ): (.limit, "wrote a file of more than \(limits.fileBytes) bytes")
            case .signaled(SIGKILL): (.limit, "was killed by the system, which does so when memory runs out")
            case .signaled(let signal): (.crashed, "crashed: \(String(cString: strsignal(signal)))")
            case .exited(let code): (.crashed, "ended with code \(code) without a result")
            }
        return Ending(kind: kind, reason: "The analyzer '\(analyzer.name)' \(what).\(said)")
    }
}

extension Child.State {
    fileprivate mutating func hasComeOn() {
        silence = Stopwatch()
        if !isFrozen { silence.start(at: .now) }
    }
}
