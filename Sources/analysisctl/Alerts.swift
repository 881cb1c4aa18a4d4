// `analysisctl alerts`: what is wrong with the system, and who looks after it. `analysisctl audit`: what administrators did.

import AnalysisAPI
import ArgumentParser
import RPC

struct Alerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is wrong with the system.", subcommands: [List.self, Acknowledge.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists what is wrong, the most severe first, and what is over.")

        @Option(help: "How many to list of those that are over.") var past: UInt32 = 10
        @OptionGroup var connection: Connection

        func validate() throws {
            guard (1...1000).contains(past) else {
                throw ValidationError("--past is \(past); it must be between 1 and 1000.")
            }
        }

        func run() async throws {
            let options = connection.options
            let reply = try await connection.withQueue { [past] client in
                try await AlertsClient(client).listAlerts(ListAlertsRequest(limit: past), options: options)
            }
            connection.show(reply) { $0.describe() }
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says that somebody looks after an alert: it is not escalated any more.")

        @Argument(help: "The alert's id, as `analysisctl alerts list` tells it.") var alert: String
        @Option(help: "What others should know about it.") var note: String = ""
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let acknowledged = try await connection.withQueue { [alert, note] client in
                try await AlertsClient(client).acknowledgeAlert(
                    AcknowledgeAlertRequest(alertID: alert, note: note), options: options)
            }
            connection.show(acknowledged) { alert in
                let outcome =
                    alert.acknowledgedBy.isEmpty ? "it is over already" : "\(alert.acknowledgedBy) looks after it"
                print("\(outcome): \(alert.summary)".printable)
            }
        }
    }
}

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What administrators did, the latest first.")

    @Option(help: "Only what this user did, or what was done with what is theirs.") var user: String = ""
    @Option(help: "How many entries.") var limit: UInt32 = 50
    @OptionGroup var connection: Connection

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is 0; it must be at least 1.") }
    }

    func run() async throws {
        let options = connection.options
        let entries = try await connection.withQueue { [user, limit] client in
            var entries: [AuditEntry] = []
            var request = ListAuditEntriesRequest(userID: user)
            repeat {
                request.limit = min(limit - UInt32(entries.count), 1000)
                let page = try await AuditClient(client).listAuditEntries(request, options: options)
                entries += page.entries
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty && entries.count < limit
            return entries
        }
        connection.show(entries) { for entry in $0 { print(line(entry).printable) } }
    }
}

private func line(_ entry: AuditEntry) -> String {
    let about = [entry.userID, entry.target, entry.detail].filter { !$0.isEmpty }.joined(separator: ", ")
    let action = entry.action.split(separator: ".").last.map(String.init) ?? entry.action
    let outcome = entry.outcome == "OK" ? "" : "  \(entry.outcome): \(entry.error)"
    return "\(time(entry.atMs))  \(entry.actor)  \(action)  \(about)\(outcome)"
}

extension ListAlertsReply {
    /// For people.
    fileprivate func describe() {
        if active.isEmpty { print("All is well.") }
        for alert in active {
            print(
                "\(alert.id)  \(alert.severity == .critical ? "CRITICAL" : "warning")  since \(time(alert.raisedAtMs))")
            print("  \(alert.summary.printable)")
            print("  \(alert.advice.printable)")
            if alert.acknowledgedAtMs > 0 {
                print(
                    "  \(alert.acknowledgedBy) looks after it\(alert.note.isEmpty ? "" : ": \(alert.note.printable)")")
            }
        }
        for alert in past {
            print(
                "\(alert.id)  over      \(time(alert.raisedAtMs)) to \(time(alert.clearedAtMs))  \(alert.summary.printable)"
            )
        }
    }
}
