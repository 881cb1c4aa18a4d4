// What is promised about changing a library from outside: by whole calls, while jobs wait and run.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct LibraryTests {
    private static func song(_ id: String, _ location: String? = nil, title: String = "") -> Song {
        Song(id: id, title: title, durationMs: 1000, location: location ?? "\(id).ogg")
    }

    private static func upsert(_ songs: [Song], _ playlists: [PlaylistContent] = []) -> UpsertLibraryRequest {
        UpsertLibraryRequest(userID: "u", songs: songs, playlists: playlists)
    }

    /// A service with a worker that holds the lane, and songs a to d with a result and a playlist of them.
    private func withLibrary(
        _ body: @escaping @Sendable (RunningQueue, ScriptedWorker) async throws -> Void
    ) async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.catalog.upsertLibrary(
                    Self.upsert(
                        ["a", "b", "c", "d"].map { Self.song($0) },
                        [PlaylistContent(id: "all", name: "All", songIds: ["a", "b", "c", "d"])]))
                try await body(queue, worker)
            }
        }
    }

    private func damage(in queue: RunningQueue) async throws -> [Damage] {
        try await queue.withStore { store in try await TestLane(queue: LaneQueue(lane: "0", store: store)).verify() }
    }

    private func state(of song: String, in queue: RunningQueue) async throws -> SongState? {
        try await queue.catalog.getSong(SongRequest(userID: "u", songID: song)).summary?.state
    }

    @Test func aPlaylistOfWhichNoMessageHasRoomComesInPages() async throws {
        try await withServingQueue { queue in
            let ids = (0..<3000).map { "long-\($0)" }
            let songs = ids.map { Song(id: $0, title: String(repeating: "x", count: 1000)) }
            let playlist = PlaylistContent(id: "long", name: "Long", songIds: ids)
            _ = try await queue.catalog.upsertLibrary(Self.upsert(songs, [playlist]))
            var request = PlaylistRequest(userID: "u", playlistID: "long")
            let first = try await queue.catalog.getPlaylist(request)
            #expect(first.playlist?.songCount == 3000 && first.songs.count > 1000)
            request.pageToken = first.nextPageToken
            let second = try await queue.catalog.getPlaylist(request)
            #expect(second.nextPageToken.isEmpty)
            #expect((first.songs + second.songs).map { $0.song?.id } == ids)
            request.pageToken = "x"
            let error = await Result { _ = try await queue.catalog.getPlaylist(request) }.failure as? RPCError
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func tenThousandSongsComeInOneCallAndAgainChangeNothing() async throws {
        try await withServingQueue { queue in
            let songs = (0..<10_000).map { Song(id: "n\($0)", title: "Song \($0)", location: "m/\($0).ogg") }
            let playlists = (0..<100).map { index in
                PlaylistContent(
                    id: "p\(index)", name: "P \(index)", songIds: songs[(index * 100)..<(index * 100 + 100)].map(\.id))
            }
            let request = Self.upsert(songs, playlists)
            let first = try await queue.catalog.upsertLibrary(request)
            #expect(first == UpsertLibraryReply(songsAdded: 10_000, playlistsChanged: 100))
            let before = try await queue.withStore { try await $0.send("XLEN", $0.keys.lane("0", .log)).int }
            #expect(try await queue.catalog.upsertLibrary(request) == UpsertLibraryReply())
            let after = try await queue.withStore { try await $0.send("XLEN", $0.keys.lane("0", .log)).int }
            #expect(before == after)
            let playlist = try await queue.catalog.getPlaylist(PlaylistRequest(userID: "u", playlistID: "p42"))
            #expect(playlist.songs.compactMap(\.song?.id) == request.playlists[42].songIds)
        }
    }

    @Test func aSongKeepsItsResultWhereOnlyItsTagsChangeAndLosesItWhereItsFileDoes() async throws {
        try await withLibrary { queue, worker in
            _ = try await queue.enqueue(.song, "a")
            #expect(try await worker.analysed(try await worker.work()) == nil)
            #expect(try await self.state(of: "a", in: queue) == .analysed)

            let tags = try await queue.catalog.upsertLibrary(Self.upsert([Self.song("a", title: "Another")]))
            #expect(tags == UpsertLibraryReply(songsChanged: 1))
            #expect(try await self.state(of: "a", in: queue) == .analysed)
            let file = try await queue.catalog.upsertLibrary(Self.upsert([Self.song("a", "other.ogg")]))
            #expect(file == UpsertLibraryReply(songsChanged: 1))
            #expect(try await self.state(of: "a", in: queue) == .notAnalysed)
        }
    }

    @Test func whatIsFoundOutAboutAFileThatChangedMeanwhileCountsForNothing() async throws {
        try await withLibrary { queue, worker in
            let job = try #require(try await queue.enqueue(.song, "a").job)
            let item = try await worker.work()
            _ = try await queue.catalog.upsertLibrary(Self.upsert([Self.song("a", "other.ogg")]))
            let discard = try await worker.discarded()
            #expect(discard.jobID == job.id && discard.epoch == item.epoch)
            let error = await #expect(throws: RPCError.self) { try await worker.analysed(item) }
            #expect(error?.code == .failedPrecondition)
            let again = try #require(try await worker.exchange())
            #expect(again.jobID == job.id && again.song?.location == "other.ogg" && again.epoch > item.epoch)
            #expect(try await self.state(of: "a", in: queue) == .notAnalysed)
            #expect(try await worker.analysed(again) == nil)
            #expect(try await self.state(of: "a", in: queue) == .analysed)
            #expect(try await self.damage(in: queue) == [])
        }
    }

    @Test func aRemovedSongLeavesWaitingAndRunningJobs() async throws {
        try await withLibrary { queue, worker in
            let list = try #require(try await queue.enqueue(.playlist, "all").job)
            let item = try await worker.work()
            #expect(item.song?.id == "a")
            let click = try #require(try await queue.enqueue(.song, "c").job)
            _ = try await worker.preempted()

            let removed = try await queue.catalog.removeSongs(
                RemoveSongsRequest(userID: "u", songIds: ["c", "a", "x"]))
            #expect(removed == RemovedReply(removed: 2, cancelledJobs: 1))
            #expect(try await queue.job(click.id).state == .cancelled)
            _ = try await worker.discarded()
            let error = await #expect(throws: RPCError.self) { try await worker.analysed(item) }
            #expect(error?.code == .failedPrecondition)

            let done = try await worker.drain(from: try await worker.exchange())
            #expect(done == ["\(list.id) b", "\(list.id) d"])
            let ended = try await queue.job(list.id)
            #expect(ended.state == .completed && ended.analysed == 2 && ended.skipped == 2 && ended.failed == 0)
            let playlist = try await queue.catalog.getPlaylist(PlaylistRequest(userID: "u", playlistID: "all"))
            #expect(playlist.songs.compactMap(\.song?.id) == ["b", "d"])
            #expect(try await queue.catalog.removeSongs(RemoveSongsRequest(userID: "u", songIds: ["a"])).removed == 0)
            #expect(try await self.damage(in: queue) == [])
        }
    }

    @Test func aSongThatIsRemovedTakesItsResultsAlong() async throws {
        try await withLibrary { queue, worker in
            _ = try await queue.enqueue(.song, "a")
            #expect(try await worker.analysed(try await worker.work()) == nil)
            _ = try await queue.catalog.removeSongs(RemoveSongsRequest(userID: "u", songIds: ["a"]))
            let error = await #expect(throws: RPCError.self) { try await self.state(of: "a", in: queue) }
            #expect(error?.code == .notFound)
            _ = try await queue.catalog.upsertLibrary(Self.upsert([Self.song("a")]))
            let song = try await queue.catalog.getSong(SongRequest(userID: "u", songID: "a"))
            #expect(song.results.isEmpty && song.summary?.state == .notAnalysed && song.summary?.highlightsJson == [])
        }
    }

    @Test func aRemovedPlaylistIsCancelledAndLeavesItsSongs() async throws {
        try await withLibrary { queue, worker in
            let list = try #require(try await queue.enqueue(.playlist, "all").job)
            let item = try await worker.work()
            let removed = try await queue.catalog.removePlaylists(
                RemovePlaylistsRequest(userID: "u", playlistIds: ["all", "none"]))
            #expect(removed == RemovedReply(removed: 1, cancelledJobs: 1))
            #expect(try await worker.discarded().epoch == item.epoch)
            #expect(try await worker.exchange(item, .released(Released())) == nil)
            #expect(try await queue.job(list.id).state == .cancelled)
            #expect(try await self.state(of: "a", in: queue) == .notAnalysed)
            let playlists = try await queue.catalog.listPlaylists(UserRequest(userID: "u")).playlists
            #expect(playlists.map(\.id) == ["p"])
            #expect(try await self.damage(in: queue) == [])
        }
    }

    @Test(arguments: [
        (upsert([song("")]), "songs[0].id"),
        (upsert([song("a"), song("b\n")]), "songs[1].id"),
        (upsert([song("a"), song("a")]), "songs[1].id"),
        (upsert([song("a", "/etc/passwd")]), "songs[0].location"),
        (upsert([song("a", "m/../../x")]), "songs[0].location"),
        (upsert([song("a", title: String(repeating: "x", count: 1001))]), "songs[0].title"),
        (upsert([Song(id: "a", durationMs: .max)]), "songs[0].duration_ms"),
        (upsert([Song(id: "a", addedAtMs: -1)]), "songs[0].added_at_ms"),
        (upsert([Song(id: "a", attributes: [Attribute(name: "")])]), "songs[0].attributes[0].name"),
        (
            upsert([Song(id: "a", attributes: [Attribute(name: "x"), Attribute(name: "x")])]),
            "songs[0].attributes[1].name"
        ),
        (
            upsert([Song(id: "a", attributes: [Attribute(name: "x", value: String(repeating: "x", count: 300_000))])]),
            "songs[0]"
        ),
        (upsert((0...10_000).map { song("\($0)") }), "songs"),
        (upsert([song("a")], [PlaylistContent(id: "q", name: "")]), "playlists[0].name"),
        (upsert([song("a")], [PlaylistContent(id: "q", name: "Q", songIds: ["a", "z"])]), "playlists[0].song_ids[1]"),
    ])
    func whatIsWrongIsNamedAndNothingIsWritten(_ request: UpsertLibraryRequest, _ place: String) async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) { try await queue.catalog.upsertLibrary(request) }
            #expect(error?.code == (place.contains("song_ids") ? .notFound : .invalidArgument))
            #expect(error?.detail.hasPrefix(place + " ") == true || error?.detail.hasPrefix(place + ":") == true)
            let coverage = try await queue.catalog.getCoverage(CoverageRequest(userID: "u"))
            #expect(coverage.total == 10 && coverage.playlists == 1)
        }
    }
}
