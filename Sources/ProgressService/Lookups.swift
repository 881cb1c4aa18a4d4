// Asks the catalog and the queue what the event log does not tell: coverage, names, jobs whose end was missed.

import AnalysisAPI
import Logging
import RPC
import ServiceLifecycle

struct Lookups: Service {
    let queue: QueueClient
    let catalog: CatalogClient
    let hub: ProgressHub
    let logger: Logger

    /// How many questions are under way at a time.
    private static let width = 16
    private static let options = CallOptions(timeout: .seconds(5))
    private static let retryInterval: Duration = .milliseconds(500)

    /// Answers the book's queries until it is stopped.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                var running = 0
                for await query in hub.queries {
                    if running == Self.width {
                        await group.next()
                        running -= 1
                    }
                    group.addTask { await answer(query) }
                    running += 1
                }
                group.cancelAll()
            }
        }
    }

    /// Brings a playlist or library up to date if anything happened since the catalog was asked last.
    ///
    /// - Throws: `RPCError`: `.notFound` where there is no such user or playlist.
    func freshen(_ key: ContextKey) async throws {
        let (ticket, libraryChanges) = hub.look { book, _ in (book.ask(key), book.lacksMembers(key)) }
        if let libraryChanges { try await learnMembers(key, asOf: libraryChanges) }
        if let ticket { try await learnCoverage(key, ticket: ticket) }
    }

    private func answer(_ query: ProgressBook.Query) async {
        defer { hub.asked(query) }
        while !Task.isCancelled {
            do {
                return try await ask(query)
            } catch let error as RPCError where error.code == .unavailable || error.code == .deadlineExceeded {
                try? await Task.sleep(for: Self.retryInterval)
            } catch {
                if case .coverage(let key, let ticket) = query {
                    hub.look { book, _ in book.endRefresh(key, ticket: ticket) }
                }
                logger.debug("No answer", metadata: ["query": "\(query)", "error": "\(error)"])
                return
            }
        }
    }

    private func ask(_ query: ProgressBook.Query) async throws {
        switch query {
        case .coverage(let key, let ticket):
            try await learnCoverage(key, ticket: ticket)
        case .members(let key, let libraryChanges):
            try await learnMembers(key, asOf: libraryChanges)
        case .song(let userID, let songID):
            let detail = try await catalog.getSong(SongRequest(userID: userID, songID: songID), options: Self.options)
            guard let song = detail.summary?.song else { return }
            hub.change { $0.learn(song, userID: userID, nowMs: $1) }
        case .playlistNames(let userID):
            let playlists = try await catalog.listPlaylists(UserRequest(userID: userID), options: Self.options)
                .playlists
            let names = Dictionary(playlists.map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
            hub.change { $0.learn(playlistNames: names, userID: userID, nowMs: $1) }
        case .backlog(let userID):
            let coverage = try await catalog.getCoverage(CoverageRequest(userID: userID), options: Self.options)
            let backlog = coverage.total - min(coverage.analysed, coverage.total)
            hub.change { $0.learn(backlog: backlog, of: userID, nowMs: $1) }
        case .pause(let pauses):
            let pause = try await queue.getStatus(QueueStatusRequest(), options: Self.options).pause
            hub.change { $0.learn(pause, pauses: pauses, nowMs: $1) }
        case .job(let jobID, let lane):
            let job = try await found { try await queue.getJob(JobRequest(jobID: jobID), options: Self.options) }
            hub.change { $0.learn(job, jobID: jobID, lane: lane, nowMs: $1) }
        }
    }

    private func learnCoverage(_ key: ContextKey, ticket: UInt64) async throws {
        let request = CoverageRequest(userID: key.userID ?? "", playlistID: key.playlistID)
        let coverage = try await catalog.getCoverage(request, options: Self.options)
        hub.change { $0.learn(coverage, of: key, ticket: ticket, nowMs: $1) }
    }

    private func learnMembers(_ key: ContextKey, asOf libraryChanges: UInt64) async throws {
        var request = PlaylistRequest(userID: key.userID ?? "", playlistID: key.playlistID)
        var members: Set<String> = []
        repeat {
            let page = try await catalog.getPlaylist(request, options: Self.options)
            members.formUnion(page.songs.compactMap { $0.song?.id })
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
        hub.change { $0.learn(members: members, of: key, asOf: libraryChanges, nowMs: $1) }
    }

    private func found<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value? {
        do {
            return try await body()
        } catch let error as RPCError where error.code == .notFound {
            return nil
        }
    }
}
