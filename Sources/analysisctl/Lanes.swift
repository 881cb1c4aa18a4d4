// `analysisctl lanes`: how many analyses run at once, and by whom.

import AnalysisAPI
import ArgumentParser
import RPC

struct Lanes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The lanes, in each of which one analysis runs at a time.", subcommands: [List.self, Add.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists all lanes, with the worker and the number of jobs of each.")

        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let reply = try await connection.withQueue { client in
                try await MaintenanceClient(client).listLanes(ListLanesRequest(), options: options)
            }
            connection.show(reply.lanes) { for lane in $0 { print(lane.line) } }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds lanes, which cannot be taken away again.",
            discussion: "Users made later are spread over all lanes; `analysisctl users move` moves others.")

        @Argument(help: "How many.") var count: UInt32 = 1
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let reply = try await connection.withQueue { [count] client in
                let maintenance = MaintenanceClient(client)
                let lanes = try await maintenance.listLanes(ListLanesRequest(), options: options).lanes
                return try await maintenance.addLanes(
                    AddLanesRequest(total: UInt32(clamping: lanes.count + Int(count))), options: options)
            }
            connection.show(reply.lanes) { for lane in $0 { print(lane.line) } }
        }
    }
}

extension LaneStatus {
    /// The lane in a line, for people.
    fileprivate var line: String {
        "lane \(id), \(workerID.isEmpty ? "no worker" : "worker \(workerID)"), \(liveJobs) jobs that have not ended"
    }
}
