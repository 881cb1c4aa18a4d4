// `analysisctl verify` and `analysisctl repair`: whether what the queue has stored holds together.

import AnalysisAPI
import ArgumentParser
import RPC

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recounts all that the queue has stored, and tells what is damaged.",
        discussion: "Changes nothing, and may run at any time. The exit code is 1 where something is damaged.")

    @Option(help: "A lane; all of them where it is left out.") var lane: String = ""
    @OptionGroup var connection: Connection

    func run() async throws { try await verify(lane: lane, repair: false, connection) }
}

struct Repair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recounts all that the queue has stored, and mends what is damaged.",
        discussion: "May run at any time. The exit code is 1 where something was damaged, also where it is mended.")

    @Option(help: "A lane; all of them where it is left out.") var lane: String = ""
    @OptionGroup var connection: Connection

    func run() async throws { try await verify(lane: lane, repair: true, connection) }
}

private func verify(lane: String, repair: Bool, _ connection: Connection) async throws {
    var options = connection.options
    options.timeout = nil
    let json = connection.json
    let damages = try await connection.withQueue { [options] client in
        var damages: [Damage] = []
        let line = ProgressLine()
        defer { line.end() }
        let request = VerifyRequest(lane: lane, repair: repair)
        for try await report in MaintenanceClient(client).verify(request, options: options) {
            line.end()
            for damage in report.damage where !json {
                print("\(damage.key): \(damage.what)\(damage.repair.isEmpty ? "" : ": \(damage.repair)")")
            }
            damages += report.damage
            if report.keys > 0, !json { print("lane \(report.lane): looked at \(report.keys) keys") }
            line.show("lane \(report.lane): \(damages.count) damaged")
        }
        return damages
    }
    connection.show(damages) { damages in
        print(damages.isEmpty ? "no damage" : "\(damages.count) \(repair ? "repaired" : "damaged")")
    }
    guard damages.isEmpty else { throw ExitCode(1) }
}
