// `analysisctl queue`: holding back the whole queue, and letting it go on.

import AnalysisAPI
import ArgumentParser
import RPC

struct Queue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The whole queue: pause, resume, clear.", subcommands: [Pause.self, Resume.self, Clear.self])

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops all claims; the song that runs is finished.")

        @Option(help: "Why, for people.") var reason: String
        @Option(help: "After how many seconds the queue goes on by itself; 0: when it is resumed.")
        var seconds: UInt32 = 0
        @Flag(help: "Freezes what runs at once.") var now = false
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let request = PauseQueueRequest(reason: reason, seconds: seconds, freeze: now)
            let reply = try await connection.withQueue { client in
                try await QueueClient(client).pauseQueue(request, options: options)
            }
            connection.show(reply) { reply in
                if let pause = reply.pause { print(line(pause)) }
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends the pause.")

        @Option(help: "Why, for people.") var reason: String = ""
        @OptionGroup var connection: Connection

        func run() async throws {
            let options = connection.options
            let reply = try await connection.withQueue { [reason] client in
                try await QueueClient(client).resumeQueue(ResumeQueueRequest(reason: reason), options: options)
            }
            connection.show(reply) { _ in }
        }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cancels all jobs that have not ended, as jobs clear does.")

        @OptionGroup var filter: Jobs.Filter
        @OptionGroup var connection: Connection

        func run() async throws { try await clear(filter, connection) }
    }
}
