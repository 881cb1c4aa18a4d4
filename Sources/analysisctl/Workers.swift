// `analysisctl workers`: what every worker does, since when, with which processes, and what went wrong last.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Workers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The workers: their analyzer processes, since when they do what they do, and their last errors.")

    @OptionGroup var connection: Connection

    func run() async throws {
        let options = connection.options
        let status = try await connection.withQueue { client in
            try await QueueClient(client).getStatus(QueueStatusRequest(), options: options)
        }
        for worker in status.workers {
            print(
                "worker  \(worker.id)  lanes \(worker.lanes.joined(separator: ","))  since \(time(worker.connectedAtMs))"
            )
            if let machine = worker.machine {
                let load = (machine.loadPerCore * 100).rounded() / 100
                print("  machine  load \(load) a core  \(Int(machine.memoryAvailable * 100)) % of its memory available")
            }
            for process in worker.diagnostics?.processes ?? [] { print("  \(line(process))") }
            for error in worker.diagnostics?.lastErrors ?? [] {
                let song = error.songID.isEmpty ? "" : " song \(error.songID):"
                print("  error \(time(error.atMs)) \(error.analyzer):\(song) \(error.reason)")
            }
        }
    }

    private func line(_ process: AnalyzerProcess) -> String {
        var words = [process.analyzer, "pid \(process.pid)", "\(process.memoryBytes >> 20) MiB"]
        words.append("\(process.frozen ? "frozen" : name(process.activity)) since \(time(process.sinceMs))")
        if !process.songID.isEmpty { words.append("song \(process.songID) at \(Int(process.fraction * 100)) %") }
        if process.stuckSinceMs > 0 { words.append("STUCK since \(time(process.stuckSinceMs))") }
        return words.joined(separator: "  ")
    }

    private func name(_ activity: AnalyzerActivity) -> String {
        switch activity {
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
