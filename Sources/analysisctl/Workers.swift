// `analysisctl workers`: what every worker does, since when, with which processes, and what went wrong last; and taking one out of
// service.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Workers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The workers: list, show, drain.", subcommands: [List.self, Show.self, Drain.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All workers: their analyzer processes, since when they do what they do, and their last errors.")

        @OptionGroup var connection: Connection

        func run() async throws {
            connection.show(try await workers(connection)) { workers in
                for worker in workers { worker.describe() }
                if workers.isEmpty { print("no worker is connected") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One worker.")
        @Argument(help: "The worker's id, or how it begins.") var worker: String
        @OptionGroup var connection: Connection

        func run() async throws {
            connection.show(try await find(worker, connection)) { $0.describe() }
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a worker out of service: it finishes its song, and its lanes go to other workers.",
            discussion: """
                What it keeps frozen goes on elsewhere from the last finished song. It stays out of service until it ends, or until \
                --undo takes it back in.
                """)

        @Argument(help: "The worker's id, or how it begins.") var worker: String
        @Flag(help: "Takes it back in.") var undo = false
        @Flag(help: "Waits until it holds no lane any more.") var wait = false
        @OptionGroup var connection: Connection

        func validate() throws {
            guard !(undo && wait) else { throw ValidationError("--wait is about a drain: leave it out with --undo.") }
        }

        func run() async throws {
            let options = connection.options
            let id = try await find(worker, connection).id
            var status = try await connection.withQueue { [undo] client in
                try await MaintenanceClient(client)
                    .drainWorker(DrainWorkerRequest(workerID: id, undo: undo), options: options)
            }
            let line = ProgressLine()
            defer { line.end() }
            // Workers tell every second what they hold.
            while wait, !status.lanes.isEmpty {
                line.show("waiting for lanes \(status.lanes.joined(separator: ", "))")
                try await Task.sleep(for: .seconds(1))
                guard let now = try await workers(connection).first(where: { $0.id == id }) else { break }
                status = now
                if wait { status.draining = true }
            }
            line.end()
            connection.show(status) { print("worker \($0.id) is \($0.draining ? "out of" : "in") service") }
        }
    }
}

private func workers(_ connection: Connection) async throws -> [WorkerStatus] {
    let options = connection.options
    return try await connection.withQueue { client in
        try await QueueClient(client).getStatus(QueueStatusRequest(), options: options).workers
    }
}

private func find(_ id: String, _ connection: Connection) async throws -> WorkerStatus {
    let workers = try await workers(connection)
    let found = workers.filter { $0.id == id || $0.id.hasPrefix(id) }
    guard found.count == 1, let worker = found.first else {
        let known = workers.map(\.id).joined(separator: ", ")
        throw connection.failure(
            .notFound,
            "\(found.isEmpty ? "no worker" : "more than one worker") has an id that begins with '\(id)'; there are: \(known)"
        )
    }
    return worker
}

extension WorkerStatus {
    /// For people.
    fileprivate func describe() {
        let service = draining ? "  out of service" : ""
        print("worker  \(id)  lanes \(lanes.joined(separator: ","))  since \(time(connectedAtMs))\(service)")
        if let machine {
            let load = (machine.loadPerCore * 100).rounded() / 100
            print("  machine  load \(load) a core  \(Int(machine.memoryAvailable * 100)) % of its memory available")
        }
        for process in diagnostics?.processes ?? [] { print("  \(process.line)") }
        for error in diagnostics?.lastErrors ?? [] {
            let song = error.songID.isEmpty ? "" : " song \(error.songID):"
            print("  error \(time(error.atMs)) \(error.analyzer):\(song) \(error.reason.printable)")
        }
    }
}

extension AnalyzerProcess {
    fileprivate var line: String {
        var words = [analyzer, "pid \(pid)", "\(memoryBytes >> 20) MiB"]
        words.append("\(frozen ? "frozen" : activity.words) since \(time(sinceMs))")
        if !songID.isEmpty { words.append("song \(songID) at \(Int(fraction * 100)) %") }
        if stuckSinceMs > 0 { words.append("STUCK since \(time(stuckSinceMs))") }
        return words.joined(separator: "  ")
    }
}

extension AnalyzerActivity {
    fileprivate var words: String {
        switch self {
        case .starting: "starting"
        case .idle: "idle"
        case .analyzing: "analyzing"
        case .probing: "listing files"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}

/// A time since 1970, as people read it.
func time(_ milliseconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
}
