// The command line of the system: what the RPC API offers, for people and scripts.

import ArgumentParser

@main
struct AnalysisCtl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analysisctl",
        abstract: "Looks at the analysis queue and changes it.",
        discussion:
            "The services' addresses are flags, or the environment variables ANALYSIS_QUEUE and ANALYSIS_PROGRESS.",
        subcommands: [
            Status.self, Top.self, Stats.self, Eta.self, Jobs.self, Queue.self, Workers.self, Lanes.self, Library.self,
            Users.self, PreferencesOfUser.self, Alerts.self, Audit.self, Keys.self, Verify.self, Repair.self,
            Backup.self, Restore.self,
            Migrate.self,
            LogLevelCommand.self, Bench.self, Completion.self,
        ])
}
