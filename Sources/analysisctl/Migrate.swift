// `analysisctl migrate`: the jobs of the earlier Python application, asked for again here.

import AnalysisAPI
import ArgumentParser
import Foundation
import Logging
import NIOPosix
import RPC
import Redis

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks for what is left to do in the earlier Python application's queue.",
        discussion:
            """
            Reads the earlier queue and changes nothing there. Users and songs must be here already, under the same ids. Each job \
            keeps its priority and its place; one that ran begins again, past the songs that are analysed here. Doing it twice \
            does no harm. What cannot be understood or has no user or song here is told and passed over; the exit code is 1 then.
            """)

    @Option(help: "The Redis of the earlier application: redis://HOST:PORT/DATABASE or unix:PATH?db=DATABASE.")
    var redis: String?

    @Option(help: "A file with the JSON of one job on each line, in place of a Redis; - is standard input.")
    var file: String?

    @Flag(help: "Only tells what would be done.")
    var dryRun = false

    @OptionGroup var connection: Connection

    func validate() throws {
        guard (redis == nil) != (file == nil) else { throw ValidationError("Give either --redis or --file.") }
    }

    func run() async throws {
        let entries = try await entries()
        let options = connection.options
        let failures = try await connection.withQueue { [dryRun, json = connection.json] client in
            var counts: [String: Int] = [:]
            func tell(_ id: String, _ outcome: String, _ detail: String) {
                counts[outcome, default: 0] += 1
                if json {
                    let entry = ["id": JSON.text(id), "outcome": .text(outcome), "detail": .text(detail)]
                    return print(JSON.object(entry).text(pretty: false))
                }
                print("\(id): \(outcome)\(detail.isEmpty ? "" : ": \(detail)")")
            }
            for entry in entries {
                switch entry {
                case .ended: counts["ended already", default: 0] += 1
                case .damaged(let id, let why): tell(id, "passed over", why)
                case .job(let job):
                    do {
                        try await dryRun
                            ? tell(job.id, "would be asked for", Self.wish(job, client, options))
                            : tell(job.id, "asked for", Self.ask(job, client, options))
                    } catch let error as RPCError where Self.concernsOne(error.code) {
                        tell(job.id, "passed over", error.detail)
                    }
                }
            }
            if json {
                print(JSON(["counts": counts]).text(pretty: false))
            } else {
                print(counts.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", "))
            }
            return counts["passed over", default: 0]
        }
        if failures > 0 { throw ExitCode(1) }
    }

    /// Whether a refusal says something of the job, so that the next one may be taken: it is not there, is wrong, was asked for before
    /// as something else, or its user is just being moved.
    private static func concernsOne(_ code: StatusCode) -> Bool {
        [.notFound, .invalidArgument, .alreadyExists, .failedPrecondition].contains(code)
    }

    // MARK: One job

    private static func ask(_ job: EarlierJob, _ client: RPCClient, _ options: CallOptions) async throws -> String {
        let request = EnqueueRequest(
            userID: job.userID, type: job.type, targetID: job.targetID, priority: job.priority,
            idempotencyKey: "migrated \(job.id)")
        let reply = try await QueueClient(client).enqueue(request, options: options)
        return reply.job.map { "job \($0.id)" } ?? "nothing is left to analyse"
    }

    /// - Throws: what asking would be refused with.
    private static func wish(_ job: EarlierJob, _ client: RPCClient, _ options: CallOptions) async throws -> String {
        let catalog = CatalogClient(client)
        let user = try await catalog.getUser(UserRequest(userID: job.userID), options: options)
        switch job.type {
        case .song:
            let request = SongRequest(userID: user.id, songID: job.targetID)
            _ = try await catalog.getSong(request, options: options)
            return "song \(job.targetID) of \(user.id)"
        case .playlist:
            let request = PlaylistRequest(userID: user.id, playlistID: job.targetID)
            _ = try await catalog.getPlaylist(request, options: options)
            return "playlist \(job.targetID) of \(user.id)"
        default: return "what is not analysed yet of \(user.id)"
        }
    }

    // MARK: The earlier queue

    private func entries() async throws -> [EarlierEntry] {
        guard let redis else { return try entriesOfFile() }
        let url: RedisURL
        do {
            url = try RedisURL(redis)
        } catch let error as RedisURLError {
            throw ValidationError("--redis: \(error)")
        }
        var logger = Logger(label: "analysisctl")
        logger.logLevel = .error
        let client = RedisClient(url: url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.run() }
                defer { group.cancelAll() }
                return try await Self.entries(client)
            }
        } catch let error as RedisError {
            throw ValidationError("--redis: \(error)")
        }
    }

    private func entriesOfFile() throws -> [EarlierEntry] {
        guard let handle = file == "-" ? .standardInput : FileHandle(forReadingAtPath: file ?? "") else {
            throw ValidationError("--file: there is no file '\(file ?? "")' that can be read.")
        }
        let lines = try handle.readToEnd() ?? Data()
        return EarlierQueue.entries(jobs: EarlierQueue.jobs(lines: lines), scores: [:], active: nil)
    }

    private static func entries(_ client: RedisClient) async throws -> [EarlierEntry] {
        var jobs: [String: Data?] = [:]
        var scores: [String: Double] = [:]
        try await scan("HSCAN", EarlierQueue.jobsKey, client) { id, json in jobs[id] = json }
        try await scan("ZSCAN", EarlierQueue.queueKey, client) { id, score in
            scores[id] = Double(String(decoding: score, as: UTF8.self))
        }
        let active = try await client.send("GET", EarlierQueue.activeKey).text
        return EarlierQueue.entries(jobs: jobs, scores: scores, active: active.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// Visits the members of a hash or sorted set, each with its value or score.
    private static func scan(
        _ command: String, _ key: String, _ client: RedisClient, _ visit: (String, Data) -> Void
    ) async throws {
        var cursor = "0"
        repeat {
            let reply = try await client.send(command, key, cursor, "COUNT", 1000)
            guard let page = reply.elements, page.count == 2, let next = page[0].text, let pairs = page[1].elements
            else { throw ValidationError("--redis: \(key) cannot be read.") }
            cursor = next
            for index in stride(from: 0, to: pairs.count - 1, by: 2) {
                visit(String(decoding: pairs[index].bytes ?? [], as: UTF8.self), Data(pairs[index + 1].bytes ?? []))
            }
        } while cursor != "0"
    }
}
