// What the tests of the worker share: the scripted analyzer, its songs, and an owner that listens to a child.

import AnalysisAPI
import Foundation
import Glibc
import Logging
import Synchronization

@testable import AnalysisWorker

/// Executables that were built with the tests.
enum Products {
    static func path(_ name: String) -> String {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appending(path: name).path
    }
}

extension Analyzer {
    /// Does what the attributes of a song tell it (Tests/ScriptAnalyzer).
    static func scripted(_ name: String = "script") -> Analyzer {
        Analyzer(name: name, executable: Products.path("ScriptAnalyzer"), arguments: [name])
    }
}

extension Song {
    /// A song that has the scripted analyzer do `steps`.
    static func scripted(id: String = "song", _ steps: (String, String)...) -> Song {
        Song(id: id, attributes: steps.map { Attribute(name: $0.0, value: $0.1) })
    }
}

/// Hears what a child says, one event after another.
actor Listener: ChildOwner {
    enum Event: Sendable {
        case said(AnalyzerReply.Reply)
        case ended(Child.Ending)
    }

    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    init() {
        (events, continuation) = AsyncStream.makeStream()
    }

    func child(_ child: Child, said reply: AnalyzerReply.Reply) {
        continuation.yield(.said(reply))
    }

    func childEnded(_ child: Child, _ ending: Child.Ending) {
        continuation.yield(.ended(ending))
        continuation.finish()
    }

    /// The next reply of which `pick` makes something.
    func next<Value: Sendable>(_ pick: @Sendable (AnalyzerReply.Reply) -> Value?) async -> Value? {
        for await event in events {
            if case .said(let reply) = event, let value = pick(reply) { return value }
        }
        return nil
    }

    func ending() async -> Child.Ending? {
        for await event in events {
            if case .ended(let ending) = event { return ending }
        }
        return nil
    }

    func answer() async -> String? {
        await next { reply in
            if case .analyzed(let analyzed) = reply { String(decoding: analyzed.json, as: UTF8.self) } else { nil }
        }
    }

    func progress() async -> AnalyzeProgress? {
        await next { if case .progress(let progress) = $0 { progress } else { nil } }
    }
}

/// What the system says about a process.
enum ProcessState {
    /// As in the third field of /proc/PID/stat; `nil` where there is no such process, or only its remains.
    static func of(_ pid: pid_t) -> Character? {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let state = stat.split(separator: ")").last?.split(separator: " ").first?.first, state != "Z"
        else { return nil }
        return state
    }

    static func parent(of pid: pid_t) -> pid_t? {
        let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return stat?.split(separator: ")").last?.split(separator: " ").dropFirst().first.flatMap { pid_t($0) }
    }

    static func executable(of pid: pid_t) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
    }

    /// The processes that have `argument` on their command line.
    static func pids(of argument: String) -> Set<pid_t> {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return Set(
            entries.compactMap { pid_t($0) }.filter { pid in
                let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
                return line.split(separator: "\0").contains { $0 == argument }
            })
    }

    /// Waits until `condition` holds of the process's state. There is no event for what a signal does to another's child.
    static func wait(_ pid: pid_t, until condition: (Character?) -> Bool) async throws {
        while !condition(of(pid)) { try await Task.sleep(for: .milliseconds(2)) }
    }
}

/// A folder that is gone when the test ends.
final class TemporaryFolder: Sendable {
    let path: String
    private let opened = Mutex<[Int32]>([])

    init() throws {
        path = "/tmp/worker-test-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // As every service does: a write to a process that has just ended must not end the writer.
        signal(SIGPIPE, SIG_IGN)
    }

    deinit {
        for file in opened.withLock({ $0 }) { close(file) }
        // A second time where a server took its socket away in the middle of the first.
        for _ in 1...2 { try? FileManager.default.removeItem(atPath: path) }
    }

    /// A named pipe, for a script that waits.
    func pipe(_ name: String) -> String {
        let pipe = path + "/" + name
        mkfifo(pipe, 0o600)
        return pipe
    }

    /// Lets every script go on that waits at `pipe`, now or later.
    func open(_ pipe: String) {
        // For reading too, so that it does not block where nobody waits yet.
        let file = Glibc.open(pipe, O_RDWR)
        opened.withLock { $0.append(file) }
    }
}
