// `analysisctl bench`: how fast the running system answers.

import AnalysisAPI
import ArgumentParser
import Foundation
import RPC

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures how fast the running queue service answers.",
        discussion: """
            Calls it one by one: no-op (no Redis), status, enqueue, cancel. What is enqueued is background work of a user who is made for \
            it and whose quiet hours last almost all day, so that nothing of it is analysed; the user is removed in the end. What stays is \
            that the day's statistics count it.
            """)

    @Option(help: "How many calls of each kind.") var count = 200
    @OptionGroup var connection: Connection

    func validate() throws {
        guard (1...100_000).contains(count) else {
            throw ValidationError("--count is \(count); it must be from 1 to 100000.")
        }
    }

    func run() async throws {
        let (count, options) = (count, connection.options)
        let results = try await connection.withQueue { client in
            let line = ProgressLine()
            defer { line.end() }
            let user = "bench-\(UUID().uuidString.prefix(8).lowercased())"
            let queue = QueueClient(client)
            var results = [
                try await measure("no-op", count, line) {
                    _ = try await ReflectionClient(client).listServices(ListServicesRequest(), options: options)
                },
                try await measure("status", count, line) {
                    _ = try await queue.getStatus(QueueStatusRequest(), options: options)
                },
            ]
            do {
                try await makeUser(user, client, options)
                results += try await measureJobs(of: user, count, queue, options, line)
            } catch {
                try? await removeUser(user, client, options)
                throw error
            }
            try await removeUser(user, client, options)
            return results
        }
        connection.show(results) { results in
            var table = Table("call", "count", "median ms", "99 % ms", "a second")
            for result in results {
                table.rows.append([
                    result.call, "\(result.count)", rounded(result.medianMs), rounded(result.p99Ms),
                    "\(Int(result.perSecond))",
                ])
            }
            table.show()
        }
    }

    private func rounded(_ number: Double) -> String { "\((number * 1000).rounded() / 1000)" }
}

/// The calls of one kind, made one after the other.
private struct Measured: Sendable {
    let call: String
    let count: Int
    let medianMs: Double
    let p99Ms: Double
    let perSecond: Double

    init(_ call: String, _ times: [Duration]) {
        let sorted = times.map { $0 / .milliseconds(1) }.sorted()
        (self.call, count) = (call, sorted.count)
        medianMs = sorted[sorted.count / 2]
        p99Ms = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        perSecond = Double(sorted.count) * 1000 / max(sorted.reduce(0, +), .leastNonzeroMagnitude)
    }
}

private func measure(
    _ name: String, _ count: Int, _ line: ProgressLine, _ call: () async throws -> Void
) async throws -> Measured {
    // The first one pays for what all others use.
    try await call()
    var times: [Duration] = []
    let clock = ContinuousClock()
    for number in 0..<count {
        times.append(try await clock.measure(call))
        if number % 50 == 0 { line.show(name, fraction: Double(number) / Double(count)) }
    }
    return Measured(name, times)
}

private func measureJobs(
    of user: String, _ count: Int, _ queue: QueueClient, _ options: CallOptions, _ line: ProgressLine
) async throws -> [Measured] {
    var (enqueued, cancelled): ([Duration], [Duration]) = ([], [])
    let clock = ContinuousClock()
    let request = EnqueueRequest(userID: user, type: .background)
    for number in 0..<count {
        var id = ""
        enqueued.append(
            try await clock.measure { id = try await queue.enqueue(request, options: options).job?.id ?? "" })
        let job = JobRequest(userID: user, jobID: id)
        cancelled.append(try await clock.measure { _ = try await queue.cancelJob(job, options: options) })
        if number % 50 == 0 { line.show("enqueue", fraction: Double(number) / Double(count)) }
    }
    return [Measured("enqueue", enqueued), Measured("cancel", cancelled)]
}

private func makeUser(_ id: String, _ client: RPCClient, _ options: CallOptions) async throws {
    let catalog = CatalogClient(client)
    _ = try await catalog.createUser(
        CreateUserRequest(id: id, password: UUID().uuidString, role: .listener), options: options)
    let preferences = Preferences(backgroundAnalysis: true, timeZone: "GMT", quietHours: [quietHours(at: .now)])
    _ = try await catalog.setPreferences(
        SetPreferencesRequest(userID: id, preferences: preferences), options: options)
    _ = try await catalog.upsertLibrary(
        UpsertLibraryRequest(userID: id, songs: [Song(id: "bench", title: "bench")]), options: options)
}

/// The whole day but for one minute, which a user must have, as far away as can be.
private func quietHours(at now: Date) -> String {
    let open = (Int(now.timeIntervalSince1970) / 60 + 12 * 60) % (24 * 60)
    func time(_ minute: Int) -> String {
        [minute / 60, minute % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
    return "\(time((open + 1) % (24 * 60)))-\(time(open == 0 ? 24 * 60 : open))"
}

private func removeUser(_ id: String, _ client: RPCClient, _ options: CallOptions) async throws {
    _ = try await CatalogClient(client).removeUser(UserRequest(userID: id), options: options)
}
