// One real process: what it may do, and what is done to it.

import AnalysisAPI
import Foundation
import Glibc
import Logging
import Testing

@testable import AnalysisWorker

@Suite(.timeLimit(.minutes(2))) struct ChildTests {
    private let logger = Logger(label: "test")
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Runs a scripted child until `body` is done with it.
    private func withChild(
        _ analyzer: Analyzer = .scripted(), _ configuration: Child.Configuration = .init(),
        _ body: (Child, Listener) async throws -> Void
    ) async throws {
        let guardian = ProcessGuard(logger: logger)
        let listener = Listener()
        let child = Child(
            analyzer, owner: listener, configuration: configuration, guardian: guardian, logger: logger)
        try await withThrowingTaskGroup { group in
            group.addTask { await guardian.run() }
            group.addTask { await child.run() }
            let isReady: Bool? = await listener.next { if case .ready = $0 { true } else { nil } }
            if isReady == true { try await body(child, listener) } else { Issue.record("the child was not ready") }
            group.cancelAll()
        }
    }

    @Test func oneProcessAnalysesManySongs() async throws {
        try await withChild { child, listener in
            let pid = try #require(child.pid)
            for _ in 1...3 {
                #expect(child.begin(.analyze(Analyze(song: .scripted(("answer", #"{"pid": $PID}"#)))), for: listener))
                #expect(await listener.answer() == #"{"pid": \#(pid)}"#)
            }
            #expect(child.begin(.analyze(Analyze(song: .scripted(("reject", "no sound")))), for: listener))
            let reason: String? = await listener.next { if case .rejected(let said) = $0 { said.reason } else { nil } }
            #expect(reason == "no sound")
            #expect(child.begin(.analyze(Analyze(song: .scripted(("answer", "{}")))), for: listener))
            #expect(await listener.answer() == "{}")
        }
    }

    @Test func aFrozenChildStandsStillAndGoesOnWhereItStopped() async throws {
        try await withChild { child, listener in
            let pid = try #require(child.pid)
            let song = Song.scripted(("count", "100000000"), ("answer", "{}"))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            _ = await listener.progress()
            child.freeze()
            // The kernel runs nothing of a stopped process.
            try await ProcessState.wait(pid) { $0 == "T" }
            child.thaw()
            try await ProcessState.wait(pid) { $0 != "T" }
            // Every number comes, and in order: nothing was lost in between.
            var last: Int?
            for await case .said(.progress(let progress)) in listener.events {
                let step = try #require(Int(progress.stage))
                if let last { #expect(step == last + 1) }
                last = step
                if step > 50_000 { break }
            }
            #expect(child.pid == pid)
        }
    }

    @Test func aChildHasALeaseBeforeItsFirstSong() async throws {
        try await withChild(.scripted(), .init(pingInterval: .seconds(3600))) { child, listener in
            let song = Song.scripted(("answer", #"{"pings": $HEARD}"#))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            #expect(await listener.answer() == #"{"pings": 1}"#)
        }
    }

    @Test func aPingIsThereBeforeAThawedChildWakes() async throws {
        try await withChild(.scripted(), .init(pingInterval: .seconds(3600))) { child, listener in
            let pid = try #require(child.pid)
            let song = Song.scripted(("await-continue", ""), ("answer", #"{"pinged": $PINGED}"#))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            _ = await listener.progress()
            child.freeze()
            try await ProcessState.wait(pid) { $0 == "T" }
            child.thaw()
            #expect(await listener.answer() == #"{"pinged": true}"#)
        }
    }

    @Test func freezingAgainBeforeTheThawTookEffectWins() async throws {
        try await withChild { child, listener in
            let pid = try #require(child.pid)
            for _ in 1...200 {
                child.freeze()
                child.thaw()
                child.freeze()
            }
            // A thaw that came late would show by now.
            try await Task.sleep(for: .milliseconds(100))
            try await ProcessState.wait(pid) { $0 == "T" }
            child.thaw()
            #expect(child.begin(.analyze(Analyze(song: .scripted(("answer", "{}")))), for: listener))
            #expect(await listener.answer() == "{}")
        }
    }

    @Test func killingReachesEverythingThatTheChildStarted() async throws {
        let file = folder.path + "/pid"
        // A shell gives what it starts in the background no input, and an analyzer without one leaves. Once the analyzer is there, so
        // is its pid.
        let analyzer = Products.path("ScriptAnalyzer")
        let command = "exec 3<&0; sh -c 'echo $$ > \(file); exec \(analyzer) shell' <&3 & wait"
        let shell = Analyzer(name: "shell", executable: "/bin/sh", arguments: ["-c", command])
        try await withChild(shell) { child, listener in
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let grandchild = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            child.kill()
            #expect(await listener.ending()?.wasAskedFor == true)
            try await ProcessState.wait(grandchild) { $0 == nil }
        }
    }

    /// A script and what its end is called.
    struct Death: Sendable {
        let song: Song
        let kind: FailureKind
        let reason: String
        var silence: Duration = .seconds(60)
    }

    @Test(arguments: [
        Death(song: .scripted(("abort", "")), kind: .crashed, reason: "crashed: Aborted"),
        Death(song: .scripted(("exit", "3")), kind: .crashed, reason: "ended with code 3"),
        Death(song: .scripted(("raw", "this is no frame")), kind: .crashed, reason: "broke the protocol"),
        Death(song: .scripted(("say", "no such module"), ("exit", "1")), kind: .crashed, reason: "no such module"),
        Death(song: .scripted(("hang", "")), kind: .timedOut, reason: "no progress", silence: .milliseconds(200)),
        Death(song: .scripted(("spin", "")), kind: .limit, reason: "more than 1 seconds of CPU time"),
    ])
    func whatAChildDiesOfIsTold(_ death: Death) async throws {
        let configuration = Child.Configuration(limits: .init(cpuSeconds: 1), silence: death.silence)
        try await withChild(.scripted(), configuration) { child, listener in
            #expect(child.begin(.analyze(Analyze(song: death.song)), for: listener))
            let ending = try #require(await listener.ending())
            #expect(ending.kind == death.kind)
            #expect(ending.reason.contains(death.reason))
            #expect(!ending.wasAskedFor)
            #expect(!child.begin(.analyze(Analyze(song: death.song)), for: listener))
        }
    }

    @Test func memoryBeyondTheLimitIsRefusedToTheChild() async throws {
        try await withChild(.scripted(), .init(limits: .init(memoryBytes: 64 << 20))) { child, listener in
            let song = Song.scripted(("allocate", "\(128 << 20)"), ("answer", "{}"))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            #expect(await listener.ending()?.reason.contains("out of memory") == true)
        }
        try await withChild { child, listener in
            let song = Song.scripted(("allocate", "\(128 << 20)"), ("answer", "{}"))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            #expect(await listener.answer() == "{}")
        }
    }

    @Test func aFileBeyondTheLimitEndsTheChild() async throws {
        try await withChild(.scripted(), .init(limits: .init(fileBytes: 1 << 20))) { child, listener in
            let song = Song.scripted(("write", folder.path + "/large"))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            let ending = await listener.ending()
            #expect(ending?.kind == .limit)
            #expect(ending?.reason.contains("a file of more than 1048576 bytes") == true)
        }
    }

    @Test func frozenTimeIsNotSilence() async throws {
        try await withChild(.scripted(), .init(silence: .seconds(2))) { child, listener in
            let pipe = folder.pipe("go")
            let song = Song.scripted(("progress", "0.5"), ("wait", pipe), ("answer", "{}"))
            #expect(child.begin(.analyze(Analyze(song: song)), for: listener))
            _ = await listener.progress()
            child.freeze()
            // Another one, which is silent from now on, is given up: so much time has passed.
            try await withChild(.scripted(), .init(silence: .seconds(2))) { other, heard in
                #expect(other.begin(.analyze(Analyze(song: .scripted(("hang", "")))), for: heard))
                #expect(await heard.ending()?.kind == .timedOut)
            }
            child.thaw()
            folder.open(pipe)
            #expect(await listener.answer() == "{}")
        }
    }

    @Test func whatDoesNotStartSaysWhy() async throws {
        let listener = Listener()
        let missing = Analyzer(name: "audio", executable: "/nowhere/audio-analyzer", arguments: [])
        let child = Child(
            missing, owner: listener, configuration: .init(), guardian: ProcessGuard(logger: logger), logger: logger)
        await child.run()
        let ending = await listener.ending()
        #expect(ending?.reason.contains("'audio' does not start") == true)
    }
}
