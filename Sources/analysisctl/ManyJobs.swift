// `analysisctl jobs replay` and `clear`: what is done to many jobs at once.

import AnalysisAPI
import ArgumentParser
import RPC

extension Jobs {
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a job that failed back in line, or all that failed.")

        @Argument(help: "The job's id, such as 0-17; left out: all that failed, as far as the filter says.")
        var job: String = ""
        @OptionGroup var filter: Filter
        @OptionGroup var connection: Connection

        func validate() throws {
            guard job.isEmpty || filter.isEmpty else { throw ValidationError("Give a job, or a filter, not both.") }
        }

        func run() async throws {
            guard job.isEmpty else {
                let job = try await call(job, connection) { try await $0.replayJob($1, options: $2) }
                return connection.show(job) { print(line($0)) }
            }
            let options = connection.options
            let request = filter.request
            let reply = try await connection.withQueue { client in
                try await QueueClient(client).replayJobs(request, options: options)
            }
            connection.show(reply) { print("replayed \($0.changed)") }
        }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancels all jobs that have not ended.")

        @OptionGroup var filter: Filter
        @OptionGroup var connection: Connection

        func run() async throws { try await clear(filter, connection) }
    }

    /// Which of all jobs are meant.
    struct Filter: ParsableArguments {
        @Option(help: "Whose jobs; everybody's where it is left out.") var user: String = ""
        @Option(help: "song, playlist or background; all where it is left out.", transform: jobType(_:))
        var type: JobType = .unspecified

        var isEmpty: Bool { user.isEmpty && type == .unspecified }
        var request: JobFilter { JobFilter(userID: user, type: type) }
    }
}

/// Cancels all jobs that have not ended, as far as the filter says.
func clear(_ filter: Jobs.Filter, _ connection: Connection) async throws {
    let options = connection.options
    let request = filter.request
    let reply = try await connection.withQueue { client in
        try await QueueClient(client).clearJobs(request, options: options)
    }
    connection.show(reply) { print("cancelled \($0.changed)") }
}

func jobType(_ text: String) throws -> JobType {
    switch text {
    case "song": .song
    case "playlist": .playlist
    case "background": .background
    default: throw ValidationError("'\(text)' is no type: song, playlist and background are right.")
    }
}
