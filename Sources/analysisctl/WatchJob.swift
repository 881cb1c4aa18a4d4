// `analysisctl jobs watch`: how far a job is, as it goes on, until it has ended.

import AnalysisAPI
import ArgumentParser
import Foundation
import Jobs
import RPC

extension Jobs {
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how far a job is until it has ended.",
            discussion: "The exit code is 0 where it has completed, 1 where it has failed and 2 where it was cancelled."
        )

        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            let patience = Duration.seconds(connection.timeout)
            let ended = try await connection.withProgress { [job, connection] client in
                let screen = Screen(isJSON: connection.json)
                defer { screen.end() }
                let request = WatchRequest(contexts: [ProgressContext(context: .jobID(job))])
                var heardAt = ContinuousClock.now
                while true {
                    do {
                        for try await view in ProgressClient(client).watch(request) {
                            heardAt = .now
                            screen.show(view)
                            if view.ended { return view.job?.state ?? .unspecified }
                        }
                        throw RPCError(.unavailable, "the progress service has ended the watch")
                    } catch let error as RPCError where error.code == .unavailable && .now - heardAt < patience {
                        // The service begins anew, and goes on where it was.
                        try await Task.sleep(for: .milliseconds(500))
                    }
                }
            }
            switch ended {
            case .completed: break
            case .cancelled: throw ExitCode(2)
            default: throw ExitCode.failure
            }
        }
    }
}

/// A line that changes in place on a terminal; elsewhere a line for each thing that is new, without a bar.
private final class Screen {
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    /// A line of JSON for each view.
    private let isJSON: Bool
    private var last = ""

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    func show(_ view: ProgressView) {
        if isJSON {
            print(JSON(view).text(pretty: false))
            fflush(nil)
            return
        }
        let line = line(view, bar: isTerminal)
        guard line != last else { return }
        last = line
        if isTerminal { print("\r\u{1b}[K\(line)", terminator: "") } else { print(line) }
        fflush(nil)
    }

    func end() {
        if isTerminal, !last.isEmpty { print() }
    }
}

/// How far a job is, on one line.
private func line(_ view: ProgressView, bar: Bool) -> String {
    let job = view.job ?? Job()
    // Rounded down: it is done only when it is.
    let percent = Int(min(1, max(0, view.fraction)) * 100)
    let width = 30
    let filled = percent * width / 100
    var parts = ["\(job.id)", job.state.name]
    if bar {
        parts.append("[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: width - filled))]")
    }
    parts += ["\(percent)%", "\(view.analysed + view.failed)/\(view.total)"]
    if view.failed > 0 { parts.append("(\(view.failed) failed)") }
    if view.ended {
        if !job.error.isEmpty { parts.append(job.error.printable) }
        return parts.joined(separator: " ")
    }
    // Where each second would be a line of its own, it is left out.
    if bar, let etaMs = view.etaMs {
        parts.append("ETA \(clock(ms: etaMs))")
    }
    if let song = view.song { parts.append("\(song.title.printable)\(view.stage.isEmpty ? "" : ": \(view.stage)")") }
    if !view.waitingFor.isEmpty { parts.append(view.waitingFor) }
    return parts.joined(separator: " ")
}
