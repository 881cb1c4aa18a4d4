// The queue service: jobs, their order and state, users and their libraries, kept in Redis.

import AnalysisAPI
import ArgumentParser
import CLinux
import Daemon
import Jobs
import Logging
import NIOCore
import RPC
import Redis
import ServiceLifecycle

@main
struct QueueServiceCommand: ServingCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue-service", abstract: "Keeps the queue of analyses, and the libraries that they are about.")

    @OptionGroup var daemon: DaemonOptions

    @OptionGroup var serving: ServerOptions
    @OptionGroup var tls: TLSOptions

    @Option(
        help: """
            The Redis to use: unix:PATH, redis://[USER:PASSWORD@]HOST:PORT[/DATABASE], or rediss:// for TLS. \
            ?password-file=FILE behind it takes the password from a file.
            """,
        transform: redisURL(_:))
    var redis: RedisURL

    @Option(
        help:
            "How safe acknowledged work is: as-configured, or always, which has Redis write to its disk before it answers."
    )
    var durability = Durability.asConfigured

    @Option(help: "What the names of all keys in Redis begin with.")
    var keyPrefix = "aq:"

    @Option(
        help: "How many analyses may run at once, at least; analysisctl lanes add adds more, and none is taken away.")
    var lanes = 1

    @Option(
        help: "The analyzers that every song goes through, in order, as NAME@VERSION,…; audio@1 if left out.",
        transform: analyzers(named:))
    var analyzers: Analyzers = .builtIn

    @OptionGroup var background: BackgroundOptions

    @OptionGroup var failures: FailureOptions

    @OptionGroup var alerts: AlertOptions

    @Option(help: "How many hours ended jobs are kept.")
    var retentionHours = QueueLimits().retentionSeconds / 3600

    @Option(
        help: "How many days results are kept, after which a song counts as not analysed; 0: for ever.")
    var resultDays = 0

    @Option(help: "How many days it is kept what administrators did.")
    var auditDays = 400

    @Option(help: "How many hours a request's idempotency key is remembered.")
    var idempotencyHours = QueueLimits().idempotencySeconds / 3600

    @Option(help: "How many milliseconds a worker may be silent before its lanes go to others.")
    var leaseMs = QueueLimits().lease.milliseconds

    func validate() throws {
        guard !serving.listen.isEmpty else { throw ValidationError("--listen is missing: give at least one address.") }
        guard (1...Lanes.limit).contains(lanes) else {
            throw ValidationError("--lanes is \(lanes); it must be between 1 and \(Lanes.limit).")
        }
        guard (1...24 * 3650).contains(retentionHours) else {
            throw ValidationError("--retention-hours is \(retentionHours); it must be between 1 and 87600.")
        }
        guard (0...3650).contains(resultDays) else {
            throw ValidationError("--result-days is \(resultDays); it must be between 0 and 3650.")
        }
        guard (1...3650).contains(auditDays) else {
            throw ValidationError("--audit-days is \(auditDays); it must be between 1 and 3650.")
        }
        guard (1...retentionHours).contains(idempotencyHours) else {
            throw ValidationError(
                "--idempotency-hours is \(idempotencyHours); it must be between 1 and --retention-hours, \(retentionHours)."
            )
        }
        guard (500...600_000).contains(leaseMs) else {
            throw ValidationError("--lease-ms is \(leaseMs); it must be between 500 and 600000.")
        }
        guard !keyPrefix.contains(where: { "{}".contains($0) }) else {
            throw ValidationError("--key-prefix is '\(keyPrefix)'; it must not contain braces.")
        }
    }

    func services(_ context: DaemonContext) async throws -> [any Service] {
        // A password's hash takes 16 MiB for a moment. Where this threshold is not set, glibc raises it to the largest block that
        // was freed, and each thread keeps so much for ever.
        mallopt(M_MMAP_THRESHOLD, 1 << 20)
        let configuration = QueueConfiguration(
            analyzers: analyzers,
            limits: QueueLimits(
                backgroundBatch: background.backgroundBatch, songAttempts: failures.songAttempts,
                retryBase: .milliseconds(failures.retryBaseMs), retryCap: .milliseconds(failures.retryCapMs),
                breakerSongs: failures.breakerSongs, breakerProbe: .milliseconds(failures.breakerProbeMs),
                retentionSeconds: retentionHours * 3600, idempotencySeconds: idempotencyHours * 3600,
                lease: .milliseconds(leaseMs)),
            background: background.rules, lanes: lanes,
            resultAge: resultDays == 0 ? nil : .seconds(resultDays * 24 * 3600),
            auditAge: .seconds(auditDays * 86_400), alerts: alerts.rules, webhooks: try alerts.webhooks(),
            keys: Keys(prefix: keyPrefix))
        // One event loop for callers and Redis: what comes in goes on without waking another thread.
        let context = DaemonContext(
            logger: context.logger, eventLoopGroup: context.eventLoopGroup.next(), metrics: context.metrics)
        var redisConfiguration = RedisConfiguration(clientName: "queue-service")
        redisConfiguration.greeting = durability.greeting
        redisConfiguration.callerDeadline = { Deadline.current }
        let client = RedisClient(
            url: redis, eventLoopGroup: context.eventLoopGroup, logger: context.logger,
            configuration: redisConfiguration)
        let system = QueueSystem(
            configuration: configuration, redis: client, eventLoopGroup: context.eventLoopGroup,
            metrics: context.metrics,
            logger: context.logger, transitions: context.logger(for: "jobs"))
        let server = try serving.server(
            system.providers, health: client.problem, metrics: system.metrics, others: { system.exchange.others },
            operations: system.operations, tls: tls, context)
        return [client] + system.services + [server]
    }
}

private func redisURL(_ text: String) throws -> RedisURL {
    do {
        return try RedisURL(text)
    } catch let error as RedisURLError {
        throw ValidationError("\(error)")
    }
}

private func analyzers(named text: String) throws -> Analyzers {
    guard let analyzers = Analyzers(text) else {
        throw ValidationError(
            "'\(text)' names no analyzers; right is NAME@VERSION, or several with commas between them.")
    }
    return analyzers
}
