// Stands an environment variable behind every flag of a command: `--max-suspended` is also `ANALYSIS_MAX_SUSPENDED`.

import ArgumentParser
import Configuration
import Foundation

/// What the environment adds to a command line.
enum EnvironmentArguments {
    /// The arguments that the environment gives for those flags of `command` that `commandLine` leaves out: `true` sets a
    /// switch, commas separate the values of a flag that repeats. They pass through the same parser as typed ones, so a
    /// bad value gets the same error.
    static func arguments(
        for command: any ParsableCommand.Type, commandLine: [String], environment: [String: String]
    ) throws -> [String] {
        let provider = EnvironmentVariablesProvider(environmentVariables: environment)
        let configuration = ConfigReader(provider: provider).scoped(to: "analysis")
        let help = try JSONDecoder().decode(Help.self, from: Data(command._dumpHelp().utf8))
        var added: [String] = []
        for argument in help.command.arguments ?? [] {
            guard let name = argument.names?.first(where: { $0.kind == "long" })?.name,
                !commandLine.contains(where: { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") })
            else { continue }
            let key = ConfigKey([name])
            switch argument.kind {
            case "flag":
                if configuration.bool(forKey: key) == true { added.append("--\(name)") }
            case "option" where argument.isRepeating:
                for value in configuration.stringArray(forKey: key) ?? [] { added.append("--\(name)=\(value)") }
            case "option":
                if let value = configuration.string(forKey: key) { added.append("--\(name)=\(value)") }
            default:
                continue
            }
        }
        return added
    }

    /// The part that is needed here of what ArgumentParser tells about a command (`--experimental-dump-help`).
    private struct Help: Decodable {
        let command: Command

        struct Command: Decodable {
            let arguments: [Argument]?
        }
        struct Argument: Decodable {
            let kind: String
            let isRepeating: Bool
            let names: [Name]?
        }
        struct Name: Decodable {
            let kind: String
            let name: String
        }
    }
}
