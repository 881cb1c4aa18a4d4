// What every service does alike: its flags and their environment variables, its log, its signals, its orderly stop.

package import ArgumentParser
import Foundation
package import Logging
import Metrics
package import NIOCore
import NIOPosix
package import ServiceLifecycle
import UnixSignals

/// The command of a process that serves until it is told to stop.
///
/// SIGTERM and SIGINT stop its services in the reverse of their order; what has not stopped after `--stop-timeout` is
/// cancelled.
package protocol DaemonCommand: AsyncParsableCommand {
    var daemon: DaemonOptions { get }

    /// The services to run, in the order in which they start. All of them stop when one ends.
    ///
    /// - Throws: what is wrong with the configuration; the process then ends with code 1 and says so.
    func services(_ context: DaemonContext) async throws -> [any Service]
}

/// The flags that every service takes.
package struct DaemonOptions: ParsableArguments {
    @Option(help: "trace, debug, info, notice, warning, error or critical.", transform: logLevel(named:))
    package var logLevel: Logger.Level = .info

    @Option(
        help: """
            How events are written to standard error: json, a line each; text, for people; auto: text on a terminal, otherwise json.
            """)
    package var logFormat: LogFormat = .auto

    @Option(help: "How many seconds running calls may take to finish after SIGTERM.")
    package var stopTimeout: Int = 5

    package init() {}

    package func validate() throws {
        guard (0...3600).contains(stopTimeout) else {
            throw ValidationError("--stop-timeout is \(stopTimeout); it must be between 0 and 3600 seconds.")
        }
    }
}

/// What a service gets from its process.
package struct DaemonContext: Sendable {
    package let logger: Logger
    package let eventLoopGroup: any EventLoopGroup
    package let metrics: MetricsCollector

    package init(logger: Logger, eventLoopGroup: any EventLoopGroup, metrics: MetricsCollector) {
        self.logger = logger
        self.eventLoopGroup = eventLoopGroup
        self.metrics = metrics
    }

    /// A logger of a part of the process, whose level can be changed by itself: `queue-service.jobs`.
    package func logger(for part: String) -> Logger { Logger(label: "\(logger.label).\(part)") }
}

extension DaemonCommand {
    /// Parses the command line with the environment behind it, and runs.
    package static func main() async {
        let typed = Array(CommandLine.arguments.dropFirst())
        if typed.first == HealthCommand.configuration.commandName, Self.self is any ServingCommand.Type {
            await runRoot(HealthCommand.self, Array(typed.dropFirst()))
        } else {
            await runRoot(Self.self, typed)
        }
    }

    private static func runRoot(_ command: any ParsableCommand.Type, _ typed: [String]) async {
        do {
            let added = try EnvironmentArguments.arguments(
                for: command, commandLine: typed, environment: ProcessInfo.processInfo.environment)
            var parsed = try command.parseAsRoot(added + typed)
            if var parsed = parsed as? any AsyncParsableCommand {
                try await parsed.run()
            } else {
                try parsed.run()
            }
        } catch {
            command.exit(withError: error)
        }
    }

    package func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        allowManyConnections()
        let name = Self.configuration.commandName ?? "\(Self.self)"
        LogLevelControl.shared.start(process: name, level: daemon.logLevel)
        let output = ProcessLogHandler.Output.standardError(
            daemon.logFormat, environment: ProcessInfo.processInfo.environment)
        LoggingSystem.bootstrap(
            { ProcessLogHandler(label: $0, output: output, metadataProvider: $1) }, metadataProvider: .serviceContext)
        let logger = Logger(label: name)
        let registry = MetricRegistry()
        MetricsSystem.bootstrap(registry)
        let context = DaemonContext(
            logger: logger, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            metrics: MetricsCollector(process: name, registry: registry))
        do {
            try await serve(context)
        } catch  where output.isJSON {
            // Whoever collects the log reads lines of JSON alone.
            logger.critical("ended by an error", metadata: ["error": "\(error)"])
            throw ExitCode(Self.exitCode(for: error).rawValue)
        }
    }

    private func serve(_ context: DaemonContext) async throws {
        let services = try await services(context)
        var group = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: context.logger)
        group.maximumGracefulShutdownDuration = .seconds(daemon.stopTimeout)
        try await ServiceGroup(configuration: group).run()
    }
}

/// Raises the number of files that may be open, of which each connection is one, as far as the system lets it.
private func allowManyConnections() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// - Throws: a message that lists the levels where `name` is none of them.
private func logLevel(named name: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: name) else {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("'\(name)' is no log level; it must be one of \(levels).")
    }
    return level
}
