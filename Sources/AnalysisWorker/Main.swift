// The command line of analysis-worker.

import AnalysisAPI
import ArgumentParser
import Daemon
import Foundation
import RPC
import ServiceLifecycle

@main
struct AnalysisWorkerCommand: ServingCommand {
    static let configuration = CommandConfiguration(
        commandName: "analysis-worker",
        abstract: "Runs analyses for the queue, each in a process that can be frozen where it stands.")

    @Option(help: "Address of the queue-service, such as unix:/run/queue.sock.", transform: rpcAddress)
    var queue: RPCAddress

    @Option(help: "Address of the progress-service.", transform: rpcAddress)
    var progress: RPCAddress

    @Option(name: .long, help: "A folder of music that analyses may open files of. Repeatable.", transform: folder(at:))
    var music: [String] = []

    @Option(
        name: .long,
        help: """
            NAME=COMMAND: an analyzer and the shell command that starts it; it speaks proto/analysis/v1/analyzer.proto on stdin \
            and stdout. 'audio' is built in and can be replaced. Repeatable.
            """)
    var analyzer: [Analyzer] = []

    @Option(help: "How many lanes to take; 0 takes a fair share.")
    var lanes: UInt32 = 0

    @Option(help: "How many frozen analyses to keep per lane.")
    var maxSuspended = 2

    @Option(
        help: """
            Memory that the frozen analyses of a lane may keep, in MiB. Where it is more, those of the lowest class start their \
            song again later. Unlimited if left out.
            """)
    var suspendedMemory: UInt32?

    @Option(
        help: """
            NAME=stop or NAME=finish-song: how an analyzer makes way for a click. 'stop' freezes it; 'finish-song' is for one that \
            cannot bear that, and lets it end the song first. Repeatable; 'stop' if left out.
            """)
    var preemption: [PreemptionOfAnalyzer] = []

    @Option(help: "Seconds that an analysis may make no progress; time in which it is frozen does not count.")
    var analyzerTimeout: UInt32 = 300

    @Option(help: "Memory of one analyzer process, in MiB.")
    var childMemory: UInt32 = 1024

    @Option(help: "CPU time of an analyzer for one song, in seconds.")
    var childCpu: UInt32 = 1800

    @Option(help: "The largest file that an analyzer may write, in MiB.")
    var childFileSize: UInt32 = 256

    @OptionGroup var serving: ServerOptions
    @OptionGroup var tls: TLSOptions
    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard (0...16).contains(maxSuspended) else {
            throw ValidationError("--max-suspended is \(maxSuspended); it must be between 0 and 16.")
        }
        for (flag, value) in [
            ("analyzer-timeout", analyzerTimeout), ("child-memory", childMemory), ("child-cpu", childCpu),
            ("child-file-size", childFileSize),
        ] where value == 0 {
            throw ValidationError("--\(flag) is 0; it must be 1 or more.")
        }
        let names = analyzers.map(\.name)
        for unknown in preemption.map(\.analyzer) where !names.contains(unknown) {
            let known = Set(names).sorted().joined(separator: ", ")
            throw ValidationError(
                "--preemption names '\(unknown)', which is no analyzer of this worker; it has \(known).")
        }
    }

    private var analyzers: [Analyzer] { (Analyzer.audio.map { [$0] } ?? []) + analyzer }

    private var suspension: SuspensionRules {
        // Of two that are given for one analyzer, the later one counts.
        let preemptions = Dictionary(preemption.map { ($0.analyzer, $0.preemption) }) { _, last in last }
        return SuspensionRules(
            maximumCount: maxSuspended, maximumBytes: suspendedMemory.map { UInt64($0) << 20 } ?? .max,
            finishSong: Set(preemptions.filter { $0.value == .finishSong }.keys))
    }

    func services(_ context: DaemonContext) async throws -> [any Service] {
        let queue = try tls.client(queue, context)
        let progress = try tls.client(progress, context)
        var child = Child.Configuration()
        child.limits.memoryBytes = UInt64(childMemory) << 20
        child.limits.cpuSeconds = UInt64(childCpu)
        child.limits.fileBytes = UInt64(childFileSize) << 20
        child.silence = .seconds(analyzerTimeout)
        let link = QueueLink.Configuration(
            workerID: UUID().uuidString, lanesWanted: lanes, suspension: suspension, metrics: context.metrics)
        let worker = Worker(
            configuration: .init(
                analyzers: analyzers, folders: MusicFolders(roots: music), link: link, child: child),
            queue: queue, progress: progress, logger: context.logger)
        // It is called by nobody but those who look whether it is well.
        let server = try serving.server([], health: { await Self.problem(HealthClient(queue)) }, tls: tls, context)
        return [queue, progress] + (serving.listen.isEmpty ? [] : [server]) + [worker]
    }
}

extension AnalysisWorkerCommand {
    /// A worker is as well as the queue that it works for.
    private static func problem(_ queue: HealthClient) async -> String? {
        do {
            let health = try await queue.check(
                HealthRequest(), options: CallOptions(timeout: .seconds(2), waitForReady: false))
            return health.status == .serving ? nil : health.reason
        } catch {
            return "the queue does not answer: \(error)"
        }
    }
}

/// - Throws: where `path` is no folder.
private func folder(at path: String) throws -> String {
    let url = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL.resolvingSymlinksInPath()
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
        throw ValidationError("--music: there is no folder '\(path)'.")
    }
    return url.path
}
