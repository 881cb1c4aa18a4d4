// Users, sessions, imports and what is known about a library, over real connections.

import AnalysisAPI
import RPC
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct CatalogTests {
    @Test func aLoginOpensASessionUntilTheLogout() async throws {
        try await withServingQueue { queue in
            let login = try await queue.catalog.login(LoginRequest(name: "u", password: "password"))
            #expect(login.session.count == 32 && login.user?.id == "u")
            let session = SessionRequest(session: login.session)
            #expect(try await queue.catalog.checkSession(session).id == "u")
            _ = try await queue.catalog.logout(session)
            for bad in [login.session, [], [1, 2, 3]] {
                let error = await #expect(throws: RPCError.self) {
                    try await queue.catalog.checkSession(SessionRequest(session: bad))
                }
                #expect(error?.code == .unauthenticated)
            }
        }
    }

    @Test func wrongNamesAndPasswordsAreRefusedAlike() async throws {
        try await withServingQueue { queue in
            var details: Set<String> = []
            for (name, password) in [("u", "wrong password"), ("nobody", "password"), ("a:b", "password"), ("u", "")] {
                let error = await #expect(throws: RPCError.self) {
                    try await queue.catalog.login(LoginRequest(name: name, password: password))
                }
                #expect(error?.code == .unauthenticated)
                details.insert(error?.detail ?? "")
            }
            #expect(details.count == 1)
            _ = try await queue.catalog.setPassword(SetPasswordRequest(userID: "u", password: "another password"))
            _ = try await queue.catalog.login(LoginRequest(name: "u", password: "another password"))
        }
    }

    @Test func aUserIsMadeOnce() async throws {
        try await withServingQueue { queue in
            let again = await #expect(throws: RPCError.self) {
                try await queue.catalog.createUser(CreateUserRequest(id: "u", password: "password"))
            }
            #expect(again?.code == .alreadyExists)
            for (id, password) in [("", "password"), ("a:b", "password"), ("a b", "password"), ("x", "short")] {
                let error = await #expect(throws: RPCError.self) {
                    try await queue.catalog.createUser(CreateUserRequest(id: id, password: password))
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test func importingAgainChangesNothing() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                var files = [
                    ProbedFile(location: "rock/02 - Two.ogg", track: 2, durationMs: 2000, modifiedAtMs: 5, bytes: 20),
                    ProbedFile(
                        location: "rock/one.ogg", title: "One", artist: "A", track: 1, durationMs: 1000,
                        modifiedAtMs: 7, bytes: 10),
                    ProbedFile(location: "jazz/10_blue_in_green.flac", durationMs: 3000, modifiedAtMs: 9, bytes: 30),
                    ProbedFile(location: "loose.mp3", modifiedAtMs: 1, bytes: 5),
                ]
                let first = try await worker.answersImport(of: files, in: queue)
                #expect(first == ImportProgress(files: 4, added: 4, playlists: 3, done: true))
                let playlists = try await queue.catalog.listPlaylists(UserRequest(userID: "u")).playlists
                #expect(playlists.map(\.name) == ["Music", "P", "jazz", "rock"])
                let rock = try #require(playlists.last)
                #expect(rock.songCount == 2 && rock.addedAtMs == 7)
                let songs = try await queue.catalog.getPlaylist(PlaylistRequest(userID: "u", playlistID: rock.id)).songs
                #expect(songs.map { $0.song?.title } == ["One", "Two"])

                let cursor = try await queue.end()
                let second = try await worker.answersImport(of: files, in: queue)
                #expect(second == ImportProgress(files: 4, playlists: 3, done: true))
                #expect(try await queue.end() == cursor)

                files[0].modifiedAtMs = 99
                let third = try await worker.answersImport(of: files, in: queue)
                #expect(third.added == 0 && third.changed == 1)
                #expect(try await queue.catalog.listPlaylists(UserRequest(userID: "u")).playlists.last?.addedAtMs == 7)
            }
        }
    }

    @Test func filesThatAreKnownAreNotOpenedAgainAndKeepTheirPlaces() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let one = ProbedFile(location: "rock/z.ogg", title: "One", track: 1, modifiedAtMs: 5, bytes: 20)
                let two = ProbedFile(location: "rock/a.ogg", title: "Two", track: 2, modifiedAtMs: 7, bytes: 10)
                _ = try await worker.answersImport(of: [one, two], in: queue)
                // Not of an import: somebody else's song of the same file.
                let other = Song(
                    id: "other", location: "rock/z.ogg",
                    attributes: [
                        Attribute(name: "file_bytes", value: "1"), Attribute(name: "file_modified_at_ms", value: "1"),
                    ], track: 1)
                _ = try await queue.catalog.upsertLibrary(UpsertLibraryRequest(userID: "u", songs: [other]))

                let bare = [one, two].map { file in
                    ProbedFile(
                        location: file.location, modifiedAtMs: file.modifiedAtMs, bytes: file.bytes, isKnown: true)
                }
                let new = ProbedFile(location: "rock/b.ogg", title: "Three", track: 3, modifiedAtMs: 9, bytes: 30)
                let progress = try await worker.answersImport(of: bare + [new], in: queue) { known in
                    #expect(FileMark.unpacked(known) == [one.mark, two.mark])
                }
                #expect(progress == ImportProgress(files: 3, added: 1, playlists: 1, done: true))
                let rock = try #require(try await queue.catalog.listPlaylists(UserRequest(userID: "u")).playlists.last)
                let songs = try await queue.catalog.getPlaylist(PlaylistRequest(userID: "u", playlistID: rock.id)).songs
                #expect(songs.map { $0.song?.title } == ["One", "Two", "Three"])
            }
        }
    }

    @Test func whatOnlyAnalyzersReadMakesNoListLong() async throws {
        try await withServingQueue { queue in
            let lyrics = [Attribute(name: "lyrics", value: String(repeating: "la ", count: 60_000))]
            let ids = (0..<30).map { "s\($0)" }
            for id in ids {
                _ = try await queue.catalog.upsertLibrary(
                    UpsertLibraryRequest(userID: "u", songs: [Song(id: id, title: "Long", attributes: lyrics)]))
            }
            let playlist = PlaylistContent(id: "p", name: "P", songIds: ids)
            _ = try await queue.catalog.upsertLibrary(UpsertLibraryRequest(userID: "u", playlists: [playlist]))

            let listed = try await queue.catalog.getPlaylist(PlaylistRequest(userID: "u", playlistID: "p")).songs
            let targets = try await queue.catalog.getTargets(TargetsRequest(userID: "u", songIds: ids)).songs
            let found = try await queue.catalog.searchSongs(
                SearchSongsRequest(userID: "u", query: "long", limit: 30)
            ).songs
            for songs in [listed.compactMap(\.song), targets, found.compactMap(\.song)] {
                #expect(songs.count == 30 && songs.allSatisfy { $0.title == "Long" && $0.attributes.isEmpty })
            }
            let song = try await queue.catalog.getSong(SongRequest(userID: "u", songID: "s0")).summary?.song
            #expect(song?.attributes == lyrics)
        }
    }

    @Test func backgroundWorkBeginsWithThePlaylistThatWasAddedLast() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let files = [
                    ProbedFile(location: "old/a.ogg", title: "Old", modifiedAtMs: 10),
                    ProbedFile(location: "new/b.ogg", title: "B", modifiedAtMs: 20),
                    ProbedFile(location: "new/a.ogg", title: "A", modifiedAtMs: 5),
                ]
                _ = try await worker.answersImport(of: files, in: queue)
                _ = try await queue.enqueue(.background)
                var titles: [String] = []
                var next: Assignment? = try await worker.work()
                while let item = next {
                    titles.append(item.song?.title ?? "")
                    next = try await worker.analysed(item)
                }
                #expect(titles == ["A", "B", "Old"] + TestLane.songs)
            }
        }
    }

    @Test func aFailedProbeEndsTheImportWithItsReason() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                let error = await #expect(throws: RPCError.self) {
                    try await worker.answersImport(of: [], failure: "no such folder", in: queue)
                }
                #expect(error?.code == .failedPrecondition && error?.detail.contains("no such folder") == true)
            }
            for folder in ["..", "a/../b", "/etc", "a//b"] {
                let error = await #expect(throws: RPCError.self) {
                    for try await _ in queue.catalog.importFolder(ImportFolderRequest(userID: "u", folder: folder)) {}
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test func anImportWaitsForAWorkerAsLongAsItsDeadlineAllows() async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) {
                let options = CallOptions(timeout: .milliseconds(50))
                for try await _ in queue.catalog.importFolder(ImportFolderRequest(userID: "u"), options: options) {}
            }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test func coverageAndStatesFollowTheResults() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.song, "s0")
                let json =
                    #"{"tempo":{"bpm":120.5},"key":{"name":"A minor"},"loudness":{"integrated_lufs":-9},"score":7}"#
                let result = AnalysisResult(
                    analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array(json.utf8))
                try await worker.exchange(try await worker.work(), .analysed(Analysed(results: [result])))
                _ = try await queue.enqueue(.song, "s5")
                try await worker.exchange(try await worker.work(), .failed(Failed(reason: "damaged")))

                let all = try await queue.catalog.getCoverage(CoverageRequest(userID: "u"))
                #expect(
                    all == Coverage(total: 10, analysed: 1, failed: 1, audioMs: 10_000, audioDoneMs: 2000, playlists: 1)
                )
                let some = try await queue.catalog.getCoverage(CoverageRequest(userID: "u", playlistID: "p"))
                #expect(some.total == 5 && some.analysed == 1 && some.failed == 0)

                let song = try await queue.catalog.getSong(SongRequest(userID: "u", songID: "s0"))
                #expect(song.results == [result] && song.summary?.state == .analysed)
                #expect(
                    song.summary.map { String(decoding: $0.highlightsJson, as: UTF8.self) }
                        == #"{"bpm":120.5,"key":"A minor","loudness":-9,"score":7}"#)
                let failed = try await queue.catalog.searchSongs(SearchSongsRequest(userID: "u", query: "S5")).songs
                #expect(failed.map(\.state) == [.failed] && failed.first?.failure == "damaged")
            }
        }
    }

    @Test func loggingInAnalysesWhatIsMissingOnceAndLeavesOutWhatFailed() async throws {
        try await withServingQueue(limits: QueueLimits(backgroundBatch: 4)) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.song, "s5")
                try await worker.exchange(try await worker.work(), .failed(Failed(reason: "damaged")))
                let start = try await queue.catalog.loggedIn(UserRequest(userID: "u"))
                #expect(start.queued == 9 && start.job?.total == 4)
                #expect(try await queue.catalog.loggedIn(UserRequest(userID: "u")).job == nil)
                let done = try await worker.drain(from: try await worker.work())
                #expect(
                    done.map { $0.split(separator: " ")[1] } == ["s0", "s1", "s2", "s3", "s4", "s6", "s7", "s8", "s9"])
                #expect(try await queue.catalog.loggedIn(UserRequest(userID: "u")).queued == 0)
                #expect(try await queue.catalog.getUser(UserRequest(userID: "u")).lastAnalysisAtMs > 0)
            }
        }
    }

    @Test func strangersAreUnknown() async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) {
                try await queue.queue.enqueue(EnqueueRequest(userID: "nobody", type: .song, targetID: "s0"))
            }
            #expect(error?.code == .notFound)
        }
    }
}

extension ScriptedWorker {
    /// Asks for an import, and brings the files that the probe is said to have found.
    ///
    /// - Parameter knowing: is given the marks of files that need not be opened.
    /// - Returns: the last that the import said.
    func answersImport(
        of files: [ProbedFile], failure: String? = nil, in queue: RunningQueue, knowing: ([UInt8]) -> Void = { _ in }
    ) async throws -> ImportProgress {
        async let last = {
            var last = ImportProgress()
            for try await progress in queue.catalog.importFolder(ImportFolderRequest(userID: "u")) { last = progress }
            return last
        }()
        let probe = try await next { if case .probe(let probe) = $0 { probe } else { nil } }
        knowing(probe.known)
        do {
            _ = try await queue.workers.reportProbe { writer in
                for file in files { try await writer.write(ProbeReport(probeID: probe.probeID, files: [file])) }
                if let failure { try await writer.write(ProbeReport(probeID: probe.probeID, failure: failure)) }
            }
        } catch is RPCError where failure != nil {
            // The worker is told, too.
        }
        return try await last
    }
}
