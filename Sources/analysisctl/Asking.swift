// `analysisctl jobs enqueue`, `position` and `prioritise`: asking for work, and when it comes.

import AnalysisAPI
import ArgumentParser
import RPC

extension Jobs {
    struct Enqueue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Asks for analyses of songs and playlists, or of everything not analysed yet.")

        @Option(help: "For whom.") var user: String
        @Option(help: "A song's id; may be repeated.") var song: [String] = []
        @Option(help: "A playlist's id; may be repeated.") var playlist: [String] = []
        @Flag(help: "Everything not analysed yet, in place of songs and playlists.") var background = false
        @Flag(help: "Analyses again what has a fresh result.") var force = false
        @Option(help: "high, medium or low; by what is asked for where it is left out.", transform: priority(_:))
        var priority: Priority = .unspecified
        @Option(help: "Names the request: the same again gets the same jobs.") var key: String = ""
        @OptionGroup var connection: Connection

        func validate() throws {
            guard background == (song.isEmpty && playlist.isEmpty) else {
                throw ValidationError("Give --background, or at least one --song or --playlist.")
            }
        }

        func run() async throws {
            let options = connection.options
            let (user, song, playlist, force, priority, key) = (user, song, playlist, force, priority, key)
            let targets =
                song.map { EnqueueTarget(type: .song, targetID: $0, force: force, priority: priority) }
                + playlist.map { EnqueueTarget(type: .playlist, targetID: $0, force: force, priority: priority) }
            let replies = try await connection.withQueue { client in
                let queue = QueueClient(client)
                guard targets.isEmpty else {
                    let request = EnqueueManyRequest(userID: user, targets: targets, idempotencyKey: key)
                    return try await queue.enqueueMany(request, options: options).replies
                }
                let request = EnqueueRequest(
                    userID: user, type: .background, force: force, priority: priority, idempotencyKey: key)
                return [try await queue.enqueue(request, options: options)]
            }
            connection.show(replies) { replies in
                for reply in replies { print(reply.job.map { line($0) } ?? "nothing to analyse") }
            }
        }
    }

    struct Position: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells what comes before a job, and when it is expected to start.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let position = try await connection.withQueue { [job] client in
                try await QueueClient(client).getPosition(JobRequest(jobID: job), options: options)
            }
            let startsInMs = try await startsInMs()
            connection.show(JSON(position).adding("starts_in_ms", startsInMs as Any)) { _ in
                position.describe(startsInMs: startsInMs)
            }
        }

        /// As the progress service expects, which knows what songs take; nil where its address is not known, or it cannot tell.
        private func startsInMs() async throws -> UInt64? {
            guard connection.knowsProgress else { return nil }
            var options = connection.options
            // The rest of the answer is there.
            options.timeout = min(.seconds(2), .seconds(connection.timeout))
            return try await connection.withProgress { [job, options] client in
                let request = ProgressRequest(context: ProgressContext(context: .jobID(job)))
                return try? await ProgressClient(client).get(request, options: options).startsInMs
            }
        }
    }

    struct Prioritise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Moves a job to another class.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @Argument(help: "high, medium or low.", transform: priority(_:)) var priority: Priority
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let changed = try await connection.withQueue { [job, priority] client in
                try await QueueClient(client)
                    .reprioritiseJob(ReprioritiseJobRequest(jobID: job, priority: priority), options: options)
            }
            connection.show(changed) { print(line($0)) }
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves a job to class high, where it goes before all others that somebody did not click.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let changed = try await connection.withQueue { [job] client in
                try await QueueClient(client)
                    .reprioritiseJob(ReprioritiseJobRequest(jobID: job, priority: .high), options: options)
            }
            connection.show(changed) { print(line($0)) }
        }
    }
}

extension JobPosition {
    /// For people.
    fileprivate func describe(startsInMs: UInt64?) {
        if let job { print(line(job)) }
        if let startsInMs { print("starts in   about \(clock(ms: startsInMs))") }
        print(
            "before it   high \(aheadHigh), medium \(aheadMedium), low \(aheadLow)")
        if !runningJobID.isEmpty { print("runs        \(runningJobID)") }
        if let pause { print("held back   \(line(pause))") }
        for breaker in breakers { print("held back   \(line(breaker))") }
        if let hold { print("held back   \(line(hold))") }
    }
}

/// A pause on one line.
func line(_ pause: QueuePause) -> String {
    "\(pause.reason) (by \(pause.by)\(pause.untilMs == 0 ? "" : ", until \(time(pause.untilMs))"))"
}

/// An analyzer that fails, on one line.
func line(_ breaker: CircuitBreaker) -> String {
    "analyzer \(breaker.analyzer) fails on lane \(breaker.lane): \(breaker.reason) (\(breaker.songs) songs in a row; "
        + "one is tried \(time(breaker.probeAtMs)))"
}

/// What holds back background work, on one line.
func line(_ hold: BackgroundHold) -> String {
    hold.untilMs == 0 ? hold.reason : "\(hold.reason), until \(time(hold.untilMs))"
}

func priority(_ text: String) throws -> Priority {
    switch text {
    case "high": .high
    case "medium": .medium
    case "low": .low
    default: throw ValidationError("'\(text)' is no priority: high, medium and low are right.")
    }
}
