// When something is an alert, as an operator decides it.

import AnalysisAPI
import ArgumentParser

struct AlertRules: Sendable {
    /// How many jobs may wait; 0: any number.
    var waitingJobs: UInt64 = 1000
    /// How long a job of each class may wait for its first song; without a class: for ever.
    var longestWait: [Priority: Duration] = [.high: .seconds(120), .medium: .seconds(3600), .low: .seconds(86_400)]
    /// How long an analyzer may not come on with a song; 0: for ever.
    var stuckAfter = Duration.seconds(120)
    /// Which share of the songs that ended within `failureWindow` may have failed, where at least `failureSongs` ended; 0: any.
    var failureShare = 0.25
    var failureSongs = 20
    var failureWindow = Duration.seconds(900)
    /// How often in a row one song may fail; 0: any number.
    var songFailures = 3
    /// How many songs in a row may fail in an analyzer; 0: any number.
    var analyzerSongs = 5
    /// Which share of its memory Redis may use; 0: any.
    var redisMemoryShare = 0.85
    /// How long something must have been wrong before it is an alert, and well again before that is over.
    var hold = Duration.seconds(15)
    /// After how long without an acknowledgement an alert is escalated; nil: never.
    var escalateAfter: Duration?
    /// Whether alerts are sent to a webhook at all.
    var isSent = false
    /// How long alerts that are over are kept.
    var keep = Duration.seconds(30 * 86_400)

    /// How far below its threshold a figure must be to count as well again.
    static let calmShare = 0.8
}

struct AlertOptions: ParsableArguments {
    @Option(help: "How many jobs may wait before that is an alert; 0: any number.")
    var alertWaitingJobs: UInt64 = 1000

    @Option(help: "How many seconds a job of high priority may wait before that is an alert; 0: for ever.")
    var alertWaitHighSeconds = 120

    @Option(help: "How many seconds a job of medium priority may wait before that is an alert; 0: for ever.")
    var alertWaitMediumSeconds = 3600

    @Option(help: "How many seconds a job of low priority may wait before that is an alert; 0: for ever.")
    var alertWaitLowSeconds = 86_400

    @Option(help: "How many seconds an analyzer may not come on with a song before that is an alert; 0: for ever.")
    var alertStuckSeconds = 120

    @Option(
        help: "How many percent of the songs that ended lately may have failed before that is an alert; 0: any number.")
    var alertFailurePercent = 25

    @Option(help: "How many songs must have ended lately for their failures to be an alert.")
    var alertFailureSongs = 20

    @Option(help: "How many minutes back lately is.")
    var alertFailureMinutes = 15

    @Option(help: "How often in a row one song may fail before that is an alert; 0: any number.")
    var alertSongFailures = 3

    @Option(help: "How many songs in a row may fail in an analyzer before that is an alert; 0: any number.")
    var alertAnalyzerSongs = 5

    @Option(help: "How many percent of its memory Redis may use before that is an alert; 0: any number.")
    var alertRedisMemoryPercent = 85

    @Option(help: "How many seconds something must be wrong before it is an alert, and well again before that is over.")
    var alertHoldSeconds = 15

    @Option(help: "How many days alerts that are over are kept.")
    var alertDays = 30

    @Option(
        help: "An http:// or https:// address to which alerts are sent when they are raised, and when they are over.")
    var alertWebhook: String?

    @Option(
        help:
            "A file with the secret by which the alerts of --alert-webhook are signed; one per line while they change.")
    var alertWebhookSecretFile: String?

    @Option(help: "An http:// or https:// address to which alerts are sent that nobody acknowledges.")
    var escalationWebhook: String?

    @Option(help: "A file with the secrets by which the alerts of --escalation-webhook are signed.")
    var escalationWebhookSecretFile: String?

    @Option(help: "After how many minutes without an acknowledgement an alert goes to --escalation-webhook.")
    var escalationMinutes = 15

    func validate() throws {
        for (name, value, range) in [
            ("alert-wait-high-seconds", alertWaitHighSeconds, 0...2_592_000),
            ("alert-wait-medium-seconds", alertWaitMediumSeconds, 0...2_592_000),
            ("alert-wait-low-seconds", alertWaitLowSeconds, 0...2_592_000),
            ("alert-stuck-seconds", alertStuckSeconds, 0...86_400),
            ("alert-failure-percent", alertFailurePercent, 0...100),
            ("alert-failure-songs", alertFailureSongs, 1...100_000),
            ("alert-failure-minutes", alertFailureMinutes, 1...FailureTally.longestMinutes),
            ("alert-song-failures", alertSongFailures, 0...1000),
            ("alert-analyzer-songs", alertAnalyzerSongs, 0...10_000),
            ("alert-redis-memory-percent", alertRedisMemoryPercent, 0...100),
            ("alert-hold-seconds", alertHoldSeconds, 0...3600), ("alert-days", alertDays, 1...400),
            ("escalation-minutes", escalationMinutes, 0...10_080),
        ] where !range.contains(value) {
            throw ValidationError(
                "--\(name) is \(value); it must be between \(range.lowerBound) and \(range.upperBound).")
        }
        for (url, secret, name) in [
            (alertWebhook, alertWebhookSecretFile, "alert-webhook"),
            (escalationWebhook, escalationWebhookSecretFile, "escalation-webhook"),
        ] {
            guard (url == nil) == (secret == nil) else {
                throw ValidationError("--\(name) and --\(name)-secret-file belong together: give both or none.")
            }
            if let url, let secret { _ = try Webhook(url: url, secretFile: secret, flag: "--\(name)") }
        }
        guard escalationWebhook == nil || alertWebhook != nil else {
            throw ValidationError("--escalation-webhook needs --alert-webhook: it is told what that was told in vain.")
        }
    }

    /// Where alerts go.
    ///
    /// - Throws: what is wrong with an address or a file of secrets.
    func webhooks() throws -> [AlertDelivery.Target: Webhook] {
        var webhooks: [AlertDelivery.Target: Webhook] = [:]
        if let alertWebhook, let alertWebhookSecretFile {
            webhooks[.first] = try Webhook(
                url: alertWebhook, secretFile: alertWebhookSecretFile, flag: "--alert-webhook")
        }
        if let escalationWebhook, let escalationWebhookSecretFile {
            webhooks[.escalation] = try Webhook(
                url: escalationWebhook, secretFile: escalationWebhookSecretFile, flag: "--escalation-webhook")
        }
        return webhooks
    }

    /// What the flags say.
    var rules: AlertRules {
        var rules = AlertRules()
        rules.waitingJobs = alertWaitingJobs
        rules.longestWait = [
            .high: .seconds(alertWaitHighSeconds), .medium: .seconds(alertWaitMediumSeconds),
            .low: .seconds(alertWaitLowSeconds),
        ].filter { $0.value > .zero }
        rules.stuckAfter = .seconds(alertStuckSeconds)
        rules.failureShare = Double(alertFailurePercent) / 100
        rules.failureSongs = alertFailureSongs
        rules.failureWindow = .seconds(alertFailureMinutes * 60)
        rules.songFailures = alertSongFailures
        rules.analyzerSongs = alertAnalyzerSongs
        rules.redisMemoryShare = Double(alertRedisMemoryPercent) / 100
        rules.hold = .seconds(alertHoldSeconds)
        rules.keep = .seconds(alertDays * 86_400)
        rules.isSent = alertWebhook != nil
        rules.escalateAfter = escalationWebhook == nil ? nil : .seconds(escalationMinutes * 60)
        return rules
    }
}
