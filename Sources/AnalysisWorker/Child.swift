// One analyzer process: frames on its stdin and stdout, signals to its process group.

import AnalysisAPI
import Foundation
import Glibc
import Logging
import RPC
import Synchronization

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

    enum Activity {
        case starting, idle, analyzing, probing
    }

    struct State {
        /// Leader and number of its process group; `nil` before it started and from when it may be reaped: then its number may
        /// be given to another process.
        var group: pid_t?
        var owner: any ChildOwner
        var activity = Activity.starting { didSet { since = .now } }
        var isFrozen = false { didSet { since = isFrozen == oldValue ? since : .now } }
        /// When it came into its activity, or was frozen or continued.
        var since = Date.now
        /// What it analyses.
        var songID = ""
        /// On whose behalf, as a trace's id; empty: not known.
        var traceID = ""
        /// Frames that are not wholly in the pipe yet.
        var unwritten = 0
        /// Since it last came on, frozen time left out.
        var silence = Stopwatch()
        var lastProgress = AnalyzeProgress()
        var version: AnalyzerVersion?
        var ending: Ending?
    }

    let analyzer: Analyzer
    let configuration: Configuration
    let guardian: ProcessGuard
    let logger: Logger
    let state: Mutex<State>
    let outgoing: AsyncStream<Outgoing>
    private let outgoingContinuation: AsyncStream<Outgoing>.Continuation

    enum Outgoing {
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
        outgoingContinuation.finish()
        await state.withLock(\.owner).childEnded(self, ending)
    }

    /// Gives an idle child something to do.
    ///
    /// - Returns: whether it could be given; a child that has ended takes nothing.
    func begin(_ request: AnalyzerRequest.Request, for owner: any ChildOwner) -> Bool {
        let group: pid_t? = state.withLock { state in
            guard state.ending == nil, let group = state.group else { return nil }
            state.owner = owner
            state.activity = if case .probe = request { .probing } else { .analyzing }
            (state.songID, state.traceID) = ("", "")
            if case .analyze(let analyze) = request {
                state.songID = analyze.song?.id ?? ""
                state.traceID = TraceContext(traceparent: analyze.traceparent)?.traceID ?? ""
            }
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

    /// Has it analyse the song that it has identified.
    func proceed() { send(AnalyzerRequest(request: .proceed(Proceed()))) }

    /// Has it drop the song that it has identified, also where it is frozen.
    func skip() {
        send(AnalyzerRequest(request: .skip(Skip())))
        thaw()
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

    /// Whether its process is about to end, or has: what it still says counts no more.
    var isEnding: Bool { state.withLock { $0.ending != nil } }

    /// Kills the process group. The owner hears of it as an ending that was asked for.
    func kill() {
        end(Ending(kind: .unspecified, reason: "it was told to", wasAskedFor: true))
    }

    /// The process id, while the process lives.
    var pid: pid_t? { state.withLock(\.group) }

    /// The resident memory of its processes.
    var residentBytes: UInt64 { pid.map(ProcessMemory.residentBytes) ?? 0 }

    /// What it said that it is; `nil` until it is ready.
    var version: AnalyzerVersion? { state.withLock(\.version) }

    func end(_ ending: Ending) {
        state.withLock { state in
            state.ending = state.ending ?? ending
            Self.signal(SIGKILL, to: state.group)
        }
    }

    static func signal(_ signal: Int32, to group: pid_t?) {
        if let group { _ = Glibc.kill(-group, signal) }
    }

    func send(_ request: AnalyzerRequest) {
        state.withLock { $0.unwritten += 1 }
        outgoingContinuation.yield(.frame(request.framed()))
    }

    var ping: AnalyzerRequest {
        AnalyzerRequest(request: .ping(Ping(leaseMs: configuration.lease.wholeMilliseconds)))
    }
}

// What it says

extension Child {
    func heard(_ reply: AnalyzerReply.Reply) async {
        enum Verdict {
            case tell(any ChildOwner)
            case ignore, violation
        }
        var reply = reply
        if case .progress(var progress) = reply {
            // Of what is no number nothing would be more or less.
            progress.fraction = progress.fraction.isNaN ? 0 : min(max(progress.fraction, 0), 1)
            reply = .progress(progress)
        }
        let verdict: Verdict = state.withLock { [reply] state in
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
            case (.analyzing, .identified):
                state.hasComeOn()
            case (.analyzing, .analyzed), (.analyzing, .rejected), (.analyzing, .skipped), (.probing, .probeEnded):
                state.activity = .idle
                state.songID = ""
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

    func violated(_ what: String) {
        end(Ending(kind: .crashed, reason: "The analyzer '\(analyzer.name)' broke the protocol: \(what)."))
    }
}

extension Child.State {
    fileprivate mutating func hasComeOn() {
        silence = Stopwatch()
        if !isFrozen { silence.start(at: .now) }
    }
}
