// `analysisctl status` and `analysisctl jobs`: what runs, what waits, and changing it.

import AnalysisAPI
import ArgumentParser
import Foundation
import Jobs
import RPC

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The queue in numbers, and who works on it.")

    @OptionGroup var connection: Connection

    func run() async throws {
        let options = connection.options
        let status = try await connection.withQueue { client in
            try await QueueClient(client).getStatus(QueueStatusRequest(), options: options)
        }
        connection.show(status) { $0.describe() }
    }
}

extension QueueStatus {
    /// For people.
    fileprivate func describe() {
        print(
            "waiting     \(pending) (high \(waitingHigh), medium \(waitingMedium), low \(waitingLow))"
        )
        print("running     \(inProgress)")
        print("scheduled   \(scheduled)")
        print("paused      \(paused)")
        print("completed   \(completed)")
        print("failed      \(failed)")
        print("cancelled   \(cancelled)")
        if let pause { print("held back   \(line(pause))") }
        for breaker in breakers { print("held back   \(line(breaker))") }
        if let hold { print("background  held back: \(line(hold))") }
        for job in running { print("runs        \(line(job))") }
        for worker in workers {
            let lanes = worker.lanes.joined(separator: ",")
            print(
                "worker      \(worker.id) lanes \(lanes) analysed \(worker.songsAnalysed) failed \(worker.songsFailed)")
        }
    }
}

struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What happened on each of the last days, in UTC.")

    @Option(help: "How many days, at most 400.") var days: UInt32 = 7
    @OptionGroup var connection: Connection

    func run() async throws {
        let options = connection.options
        let statistics = try await connection.withQueue { [days] client in
            try await QueueClient(client).getStatistics(StatisticsRequest(days: days), options: options)
        }
        connection.show(statistics.days) { days in
            var table = Table(
                "day", "enqueued", "completed", "failed", "cancelled", "interrupted", "workers lost", "songs analysed",
                "failed", "skipped", "retried", "hours of audio")
            for day in days {
                let counts = [
                    day.enqueued, day.completed, day.failed, day.cancelled, day.interrupted, day.workersLost,
                    day.songsAnalysed, day.songsFailed, day.songsSkipped, day.songsRetried,
                ]
                let hours = (Double(day.audioMs) / 360_000).rounded() / 10
                table.rows.append(["\(time(day.dayMs).prefix(10))"] + counts.map { "\($0)" } + ["\(hours)"])
            }
            table.show()
        }
    }
}

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Jobs: enqueue, list, show, watch, position, prioritise, promote, cancel, pause, resume, retry, replay, clear.",
        subcommands: [
            Enqueue.self, List.self, Show.self, Watch.self, Position.self, Prioritise.self, Promote.self, Cancel.self,
            Pause.self, Resume.self, Retry.self, Replay.self, Clear.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists jobs in the order in which they run.")

        @Option(help: "Whose jobs; everybody's where it is left out.")
        var user: String = ""

        @Flag(help: "The latest that have ended, instead of those that have not.")
        var ended = false

        @Flag(help: "The latest that have failed, which can be replayed.")
        var failed = false

        @Option(help: "song, playlist or background; all where it is left out.", transform: jobType(_:))
        var type: JobType = .unspecified

        @Option(help: "high, medium or low; all where it is left out.", transform: priority(_:))
        var priority: Priority = .unspecified

        @Option(
            help: "pending, in_progress, completed or another state; all where it is left out.", transform: state(_:))
        var state: JobState = .unspecified

        @Option(help: "Made at this time or later, such as 2026-01-31T12:00:00Z.", transform: milliseconds(_:))
        var since: Int64 = 0

        @Option(help: "Made before this time.", transform: milliseconds(_:))
        var until: Int64 = 0

        @Option(help: "How many jobs at most.")
        var limit = 100

        @OptionGroup var connection: Connection

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit is \(limit); it must be at least 1.") }
        }

        func run() async throws {
            let options = connection.options
            let request = ListJobsRequest(
                userID: user, ended: ended || failed || state.hasEnded, failed: failed, type: type,
                priority: priority, state: state, fromMs: since, untilMs: until)
            let jobs = try await connection.withQueue { [limit] client in
                var jobs: [Job] = []
                var request = request
                var left = limit
                repeat {
                    request.limit = UInt32(clamping: min(left, 1000))
                    let page = try await QueueClient(client).listJobs(request, options: options)
                    jobs += page.jobs
                    left -= page.jobs.count
                    request.pageToken = page.nextPageToken
                } while left > 0 && !request.pageToken.isEmpty
                return jobs
            }
            connection.show(jobs) { jobs in
                var table = Table("job", "type", "class", "state", "songs", "user", "target", "waits for")
                table.rows = jobs.map(columns(_:))
                table.show()
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one job and its failures.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            let job = try await call(job, connection) { try await $0.getJob($1, options: $2) }
            connection.show(job) { job in
                print(line(job))
                for failure in job.failures { print("  \(failure.songID.printable): \(failure.reason.printable)") }
                if !job.error.isEmpty { print("error   \(job.error.printable)") }
                print("made    \(time(job.createdAtMs))")
                if job.startedAtMs > 0 { print("begun   \(time(job.startedAtMs))") }
                if job.endedAtMs > 0 { print("ended   \(time(job.endedAtMs))") }
                if !job.traceparent.isEmpty { print("trace   \(job.traceparent)") }
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a job for good.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            connection.show(try await call(job, connection) { try await $0.cancelJob($1, options: $2) }) {
                print(line($0))
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Suspends a job until it is resumed.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            connection.show(try await call(job, connection) { try await $0.pauseJob($1, options: $2) }) {
                print(line($0))
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a paused job go on, in its old place.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            connection.show(try await call(job, connection) { try await $0.resumeJob($1, options: $2) }) {
                print(line($0))
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tries again at once what failed of a job.")
        @Argument(help: "The job's id, such as 0-17.") var job: String
        @OptionGroup var connection: Connection

        func run() async throws {
            connection.show(try await call(job, connection) { try await $0.retryJob($1, options: $2) }) {
                print(line($0))
            }
        }
    }
}

/// Makes one call about one job, as an operator.
func call(
    _ job: String, _ connection: Connection,
    _ method: @Sendable (QueueClient, JobRequest, CallOptions) async throws -> Job
) async throws -> Job {
    let options = connection.options
    return try await connection.withQueue { client in
        try await method(QueueClient(client), JobRequest(jobID: job), options)
    }
}

func state(_ text: String) throws -> JobState {
    guard let state = JobState(name: text) else {
        throw ValidationError("'\(text)' is no state: \(JobState.known.map(\.name).joined(separator: ", ")) are right.")
    }
    return state
}

func milliseconds(_ text: String) throws -> Int64 {
    guard let date = try? Date(text, strategy: .iso8601) else {
        throw ValidationError("'\(text)' is no time: 2026-01-31T12:00:00Z is one.")
    }
    return Int64(date.timeIntervalSince1970 * 1000)
}

/// A job on one line.
func line(_ job: Job) -> String {
    let columns = columns(job)
    return (job.dueAtMs == 0 ? columns.dropLast() : columns[...]).joined(separator: "\t")
}

private func columns(_ job: Job) -> [String] {
    let ended = job.analysed + job.skipped + job.failed
    let waits = job.dueAtMs == 0 ? "" : "until \(time(job.dueAtMs)) \(job.waitsFor)"
    return [
        job.id, "\(job.type)", "\(job.priority)", "\(job.state)", "\(ended)/\(job.total)", job.userID, job.targetID,
        waits,
    ]
}
