// The progress-service behind the real queue-service, with a worker that the test plays.

import AnalysisAPI
import RPC
import Redis
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(2))) struct RealQueueTests {
    @Test func clicksDisplaceAndEverythingEndsAtOneWithoutEverFalling() async throws {
        let surroundings = try await Surroundings()
        defer { surroundings.remove() }
        try await surroundings.withRealQueue { queue, catalog, worker in
            try await surroundings.withService { progress in
                try await worker.connected {
                    try await catalog.makeLibrary()
                    let playlists = try await catalog.listPlaylists(UserRequest(userID: "ann")).playlists
                    let trip = try #require(playlists.first { $0.name == "Road trip" })
                    try await watching(progress, trip: trip.id) {
                        try await listen(queue, catalog, worker, progress, trip: trip.id)
                    }
                }
            }
        }
    }

    /// Background work, displaced by a playlist, displaced by a song; then all goes on to its end.
    @Sendable private func listen(
        _ queue: QueueClient, _ catalog: CatalogClient, _ worker: PlayedWorker, _ progress: ProgressClient, trip: String
    ) async throws {
        let background = try await queue.enqueue(.background)
        let first = try await worker.work()
        try await worker.report(first, 0.5)
        let half = try await progress.job(background) { $0.fraction > 0 }
        #expect(half.fraction == 0.5 / 6 && half.song?.id == first.song?.id && half.etaMs != nil)
        let second = try #require(try await worker.analysed(first))
        try await worker.report(second, 0.25)

        let playlist = try await queue.enqueue(.playlist, trip)
        try await worker.preempted()
        let third = try #require(try await worker.exchange(second, .suspended(Suspended())))
        #expect(third.jobID == playlist)
        let behind = try await progress.job(background) { $0.position == 1 && $0.waitingFor.contains("Road trip") }
        #expect(behind.waitingFor == "behind your Road trip" && behind.job?.state == .interrupted)
        #expect(behind.fraction >= 1.25 / 6 && behind.inProgress == 0)

        let songs = try await catalog.getPlaylist(PlaylistRequest(userID: "ann", playlistID: trip)).songs
        let click = try #require(songs.compactMap(\.song).first { $0.id != third.song?.id })
        let song = try await queue.enqueue(.song, click.id)
        try await worker.preempted()
        let clicked = try #require(try await worker.exchange(third, .suspended(Suspended())))
        #expect(clicked.jobID == song)
        try await worker.report(clicked, 0.1)
        #expect(try await progress.job(song) { $0.fraction > 0 }.position == 0)

        var next = try await worker.analysed(clicked)
        while let item = next {
            try await worker.report(item, 0.5)
            next = try await worker.analysed(item)
        }
        for job in [background, playlist, song] {
            let end = try await progress.job(job) { $0.ended }
            #expect(end.fraction == 1 && end.job?.state == .completed)
        }
    }

    /// Watches all there is while `body` runs, and until the library is done. When one of them fails, so does the other.
    private func watching(
        _ progress: ProgressClient, trip: String, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { try await watch(progress, trip: trip) }
            try await group.waitForAll()
        }
    }

    private func watch(_ progress: ProgressClient, trip: String) async throws {
        let contexts = [ProgressContext(context: .library(true)), ProgressContext(context: .playlistID(trip))]
        let views = progress.watch(WatchRequest(userID: "ann", contexts: contexts, activeJobs: true))
        var last: [ProgressContext: ProgressView] = [:]
        while last[contexts[0]]?.ended != true || last[contexts[1]]?.ended != true, let view = try await views.next() {
            guard let context = view.context else { continue }
            if let before = last[context] {
                #expect(view.version > before.version && view.fraction >= before.fraction)
                #expect(view.basis == before.basis && view.analysed >= before.analysed)
            }
            last[context] = view
        }
        #expect(contexts.allSatisfy { last[$0]?.fraction == 1 })
        #expect(last[contexts[0]]?.analysed == 6 && last[contexts[1]]?.analysed == 3)
    }
}

extension Surroundings {
    /// Runs the real queue-service while `body` runs, with a worker that is not connected yet.
    fileprivate func withRealQueue(
        _ body: @Sendable (QueueClient, CatalogClient, PlayedWorker) async throws -> Void
    ) async throws {
        let redis = RedisClient(url: redis.url, eventLoopGroup: group, logger: Self.logger)
        let system = QueueSystem(
            configuration: QueueConfiguration(
                keys: QueueService.Keys(prefix: keyPrefix),
                passwordCost: Passwords.Cost(rounds: 16, blockSize: 1, parallelism: 1)),
            redis: redis, eventLoopGroup: group, logger: Self.logger, transitions: Self.logger)
        let server = RPCServer(
            addresses: [queueAddress], services: system.providers, eventLoopGroup: group, logger: Self.logger)
        let client = RPCClient(address: queueAddress, eventLoopGroup: group, logger: Self.logger)
        try await running([redis] + system.services + [server, client], gracefully: false) {
            _ = try await server.listening()
            let workers = WorkersClient(client)
            let worker = PlayedWorker(workers: workers, progress: progressAddress, group: group, logger: Self.logger)
            try await body(QueueClient(client), CatalogClient(client), worker)
        }
    }
}

extension QueueClient {
    fileprivate func enqueue(_ type: JobType, _ target: String = "") async throws -> String {
        let reply = try await enqueue(EnqueueRequest(userID: "ann", type: type, targetID: target))
        return try #require(reply.job?.id)
    }
}

extension CatalogClient {
    /// Makes a user with two playlists of three songs each, which the worker's probe finds.
    fileprivate func makeLibrary() async throws {
        _ = try await createUser(CreateUserRequest(id: "ann", password: "password"))
        for try await _ in importFolder(ImportFolderRequest(userID: "ann")) {}
    }
}
