// `analysisctl loglevel`: from which level on a running process logs.

import AnalysisAPI
import ArgumentParser
import RPC

struct LogLevelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loglevel",
        abstract: "Tells or changes from which level on a running process logs.",
        discussion: """
            PROCESS is queue, progress, or the address that a process serves: --listen of a worker, --control of the gateway. LEVEL is \
            trace, debug, info, notice, warning, error, critical, or default, which takes a change back. Only operators may change it.
            """)

    @Argument(help: "queue, progress, or an address such as unix:/run/worker.sock.") var process: String
    @Argument(help: "The level from which on it logs; without it, nothing is changed.", transform: logLevel(_:))
    var level: LogLevel?
    @Option(help: "Only this logger and those below it, such as queue-service.jobs.") var label: String = ""
    @Option(
        name: .customLong("for"),
        help: "For how long, such as 90s, 10m or 2h; until the process ends where it is left out.")
    var duration: Seconds?
    @OptionGroup var connection: Connection

    func run() async throws {
        let options = connection.options
        let (level, request) = (
            level, SetLogLevelRequest(label: label, level: level ?? .unspecified, seconds: duration?.count ?? 0)
        )
        let levels = try await connection.withProcess(process) { client in
            let operations = OperationsClient(client)
            guard level != nil else {
                return try await operations.getLogLevels(GetLogLevelsRequest(), options: options)
            }
            return try await operations.setLogLevel(request, options: options)
        }
        connection.show(levels) { levels in
            print("\(levels.process) was started with \(JSON.name("\(levels.startedWith)"))")
            for setting in levels.settings {
                let label = setting.label.isEmpty ? "everything" : setting.label
                let until = setting.untilMs == 0 ? "" : " until \(time(setting.untilMs))"
                print("\(label): \(JSON.name("\(setting.level)"))\(until)")
            }
        }
    }
}

/// A length of time as people write it.
struct Seconds: ExpressibleByArgument {
    let count: UInt32

    init?(argument: String) {
        let units: [Character: UInt32] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let last = argument.last else { return nil }
        let digits = units[last] == nil ? argument[...] : argument.dropLast()
        guard let number = UInt32(digits), number > 0 else { return nil }
        let (count, overflows) = number.multipliedReportingOverflow(by: units[last] ?? 1)
        guard !overflows else { return nil }
        self.count = count
    }
}

private func logLevel(_ text: String) throws -> LogLevel {
    if text == "default" { return .unspecified }
    guard let level = LogLevel.allCases.dropFirst().first(where: { "\($0)" == text }) else {
        let names = LogLevel.allCases.dropFirst().map { "\($0)" }.joined(separator: ", ")
        throw ValidationError("'\(text)' is no log level: \(names) and default are right.")
    }
    return level
}
