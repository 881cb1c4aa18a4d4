// A worker that is killed in the middle of its work: nothing that it started outlives it, however it was started.

import AnalysisAPI
import Foundation
import Glibc
import Testing

@testable import AnalysisWorker

@Suite(.timeLimit(.minutes(1))) struct KilledWorkerTests {
    /// How a worker's process is related to those around it, which decides what the kernel does to frozen orphans.
    enum Start: String, CaseIterable, Sendable {
        case ofThisSession = "exec"
        case ofItsOwnSession = "exec setsid"
    }

    private let folder: TemporaryFolder
    private let socket: String
    private let name = "k\(UInt32.random(in: 0 ... .max))"

    init() throws {
        folder = try TemporaryFolder()
        socket = folder.path + "/s"
    }

    @Test(arguments: Start.allCases)
    func neitherRunningNorFrozenChildrenSurvive(_ start: Start) async throws {
        let analyzer = Analyzer.scripted(name)
        // Busy and deaf: it would never notice that its stdin has ended.
        let busy = Song.scripted(id: "h", ("progress", "0.5"), ("spin", ""))
        let frozen = Song.scripted(id: "l", ("progress", "0.5"), ("spin", ""))
        let command = "audio=\(analyzer.executable) \(name)"
        try await kill(start, analyzer: ["--analyzer", command], running: busy, frozen: frozen) {
            Set(ProcessState.pids(of: name).filter { ProcessState.executable(of: $0) == analyzer.executable })
        }
    }

    @Test func theBuiltInAnalyzerDoesNotSurviveEither() async throws {
        let executable = Products.path("audio-analyzer")
        try #require(FileManager.default.isExecutableFile(atPath: executable), "build the product audio-analyzer first")
        for song in ["frozen", "running"] { try writeSilence(hours: 10, to: "\(folder.path)/\(song).wav") }
        // A copy of its own, by which its processes are known.
        let own = folder.path + "/audio-analyzer"
        try FileManager.default.copyItem(atPath: executable, toPath: own)
        try await kill(
            .ofThisSession, analyzer: ["--analyzer", "audio=\(own)"], running: Song(id: "h", location: "running.wav"),
            frozen: Song(id: "l", location: "frozen.wav")
        ) { ProcessState.pids(of: own) }
    }

    /// Has a worker freeze one analysis and run another, kills it, and waits until none of `children` is left.
    private func kill(
        _ start: Start, analyzer: [String], running: Song, frozen: Song, children: () -> Set<pid_t>
    ) async throws {
        let driver = Driver()
        let shell = Process()
        // The thread that starts it may block signals; a shell that cannot hear SIGCHLD never reaps.
        shell.executableURL = URL(filePath: "/usr/bin/env")
        shell.arguments =
            ["--default-signal", "/bin/sh", "-c", "\(start.rawValue) \"$@\"", "sh"]
            + [Products.path("analysis-worker"), "--queue", "unix:\(socket)"]
            + ["--progress", "unix:\(socket)", "--music", folder.path] + analyzer
        shell.standardError = FileHandle.nullDevice
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { await driver.serve(at: socket) }
            try shell.run()
            defer { for pid in ProcessState.pids(of: "unix:\(socket)").union(children()) { Glibc.kill(pid, SIGKILL) } }
            await driver.connect()
            await driver.nextExchange()?.reply(.scripted("low", frozen, by: "audio"))
            _ = try #require(await driver.nextReport(of: "low"))
            driver.send(.preempt(Preempt(lane: "0", epoch: 1, jobID: "low")))
            await driver.nextExchange()?.reply(.scripted("high", running, by: "audio", priority: .high))
            _ = try #require(await driver.nextReport(of: "high"))

            // A stop shows when the process would be given the processor next.
            while !children().contains(where: { ProcessState.of($0) == "T" }) {
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(children().contains { ProcessState.of($0) != "T" }, "one runs")
            let isWorker: (pid_t) -> Bool = { ProcessState.executable(of: $0) == Products.path("analysis-worker") }
            let workers = ProcessState.pids(of: "unix:\(socket)").filter(isWorker)
            // A child looks like its worker until it becomes an analyzer.
            let isParent: (pid_t) -> Bool = { !workers.contains(ProcessState.parent(of: $0) ?? 0) }
            let worker = try #require(workers.first(where: isParent))
            Glibc.kill(worker, SIGKILL)
            // Spares too, of which one may just have been starting.
            while !children().isEmpty { try await Task.sleep(for: .milliseconds(2)) }
            tasks.cancelAll()
        }
    }

    /// A WAV file of silence, which takes no room on the disk.
    private func writeSilence(hours: Int, to path: String) throws {
        let rate = 8000
        let size = hours * 3600 * rate
        var header = Data("RIFF".utf8)
        func append(_ value: Int, bytes: Int) {
            for shift in 0..<bytes { header.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        }
        append(36 + size, bytes: 4)
        header += Data("WAVEfmt ".utf8)
        for (value, bytes) in [(16, 4), (1, 2), (1, 2), (rate, 4), (rate, 4), (1, 2), (8, 2)] {
            append(value, bytes: bytes)
        }
        header += Data("data".utf8)
        append(size, bytes: 4)
        try header.write(to: URL(filePath: path))
        guard truncate(path, header.count + size) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
