// `analysisctl top`: the queue as it changes.

import AnalysisAPI
import ArgumentParser
import Foundation
import Jobs
import RPC

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the queue, what runs and who works, as it changes.",
        discussion: "q or Ctrl-C ends it. Where standard output is no terminal, it is printed once.")

    @OptionGroup var connection: Connection

    /// Events that come closer together are shown together.
    private static let pace = Duration.milliseconds(200)

    func run() async throws {
        guard Terminal.isThere, !connection.json else { return try await printOnce() }
        let (connection, options) = (connection, connection.options)
        try await connection.withQueue { queue in
            try await connection.withProgress { progress in
                let terminal = Terminal()
                defer { terminal.restore() }
                await watch(TopFeed(queue: queue, progress: progress, options: options), on: terminal)
            }
        }
    }

    private func printOnce() async throws {
        let options = connection.options
        let screen = try await connection.withQueue { [connection] queue in
            try await connection.withProgress { progress in
                let feed = TopFeed(queue: queue, progress: progress, options: options)
                var screen = TopScreen()
                try await feed.refresh(&screen)
                return screen
            }
        }
        if connection.json { return print(JSON(screen.status).text(pretty: true)) }
        for line in screen.lines(width: 200) { print(line) }
    }

    private func watch(_ feed: TopFeed, on terminal: Terminal) async {
        let (news, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let inputs = terminal.events
        await withTaskGroup(of: Void.self) { group in
            // The wish to quit ends all, however much else there is to show.
            group.addTask {
                for await event in inputs {
                    if event == .quit { break }
                    arrival.yield()
                }
                arrival.finish()
            }
            group.addTask { await feed.follow { arrival.yield() } }
            defer { group.cancelAll() }
            var screen = TopScreen()
            for await _ in news {
                try? await feed.refresh(&screen)
                screen.now = Int64(Date.now.timeIntervalSince1970 * 1000)
                screen.problem = feed.problem
                let size = terminal.size
                terminal.draw(screen.lines(width: size.width, height: size.height))
                try? await Task.sleep(for: Self.pace)
            }
        }
    }
}
