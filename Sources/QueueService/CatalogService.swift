// The service of users, their libraries and what is known about their songs.

import AnalysisAPI
import Foundation
import Jobs
import Metrics
import RPC
import Redis

struct CatalogService: CatalogProvider {
    let analyzers: Analyzers
    let store: Store
    let accounts: Accounts
    let background: BackgroundWork
    let preferences: PreferenceStore
    let dispatcher: Dispatcher
    let imports: Imports
    let lanes: Lanes
    let erasure: Erasure
    let audit: AuditLog

    /// How many songs a search finds where the caller does not say, and at most.
    private static let searchLimits = (standard: 20, maximum: 200)
    /// How many songs, and how many playlists, are named at once.
    private static let targetsLimit = 1000

    // MARK: Users

    func createUser(_ request: CreateUserRequest, context: CallContext) async throws -> User {
        try await audit.noting(context, request) {
            if request.role == .administrator { try context.require(actingFor: "") }
            return try await accounts.create(request)
        }
    }

    func setPassword(_ request: SetPasswordRequest, context: CallContext) async throws -> User {
        try await audit.noting(context, request) {
            try await accounts.setPassword(request)
        }
    }

    func setRole(_ request: SetRoleRequest, context: CallContext) async throws -> User {
        try await audit.noting(context, request) {
            // Who may act for one user alone must not make that user an administrator.
            try context.require(actingFor: "")
            return try await accounts.setRole(request)
        }
    }

    func listUsers(_ request: ListUsersRequest, context: CallContext) async throws -> ListUsersReply {
        try context.require(actingFor: "")
        return try await accounts.list(request)
    }

    func removeUser(_ request: UserRequest, context: CallContext) async throws -> RemoveUserReply {
        let alias = Erasure.alias()
        do {
            var reply = try await erasure.run(request.userID, alias: alias)
            reply.erasedAs = alias
            await audit.noteErasure(context, of: request.userID, as: alias)
            return reply
        } catch {
            // While they are still there, they are called by their name.
            return try await audit.noting(context, request) { throw error }
        }
    }

    func exportUser(_ request: UserRequest, to writer: RPCWriter<ExportPart>, context: CallContext) async throws {
        try await audit.noting(context, request) {
            let user = try await accounts.user(request.userID)
            let export = Export(
                user: user, analyzers: analyzers, lanes: lanes, store: store, preferences: preferences, audit: audit)
            try await export.run(to: writer)
        }
    }

    func getUser(_ request: UserRequest, context: CallContext) async throws -> User {
        try await accounts.user(request.userID)
    }

    func login(_ request: LoginRequest, context: CallContext) async throws -> LoginReply {
        try await accounts.login(request)
    }

    func checkSession(_ request: SessionRequest, context: CallContext) async throws -> User {
        try await accounts.user(session: request.session)
    }

    func logout(_ request: SessionRequest, context: CallContext) async throws -> LogoutReply {
        try await accounts.logout(session: request.session)
        return LogoutReply()
    }

    func loggedIn(_ request: UserRequest, context: CallContext) async throws -> LoggedInReply {
        try await accounts.inLane(of: request.userID) { _ in try await beginBackground(of: request.userID) }
    }

    private func beginBackground(of userID: String) async throws -> LoggedInReply {
        let user = try await accounts.user(userID)
        guard user.autoAnalysis,
            try await store.send("ZCARD", store.keys.lane(user.lane, .userJobs, user.id)).int == 0
        else { return LoggedInReply() }
        let songs = try await background.songs(of: user.id, lane: user.lane, force: false)
        let enqueued = try await LaneQueue(lane: user.lane, store: store)
            .enqueue(EnqueueRequest(userID: user.id, type: .background), songs: songs)
        dispatcher.deliver(enqueued.hint)
        if enqueued.job != nil { try await accounts.noteAnalysis(of: user.id) }
        return LoggedInReply(job: enqueued.job, queued: UInt32(clamping: songs.count))
    }

    func getPreferences(_ request: UserRequest, context: CallContext) async throws -> Preferences {
        try await preferences.preferences(of: request.userID, lane: try await accounts.lane(of: request.userID))
    }

    func setPreferences(_ request: SetPreferencesRequest, context: CallContext) async throws -> Preferences {
        try await audit.noting(context, request) {
            guard let message = request.preferences else {
                throw RPCError(.invalidArgument, "preferences is missing; a message of what the user wants is right")
            }
            let checked = try UserPreferences(message, timeZone: preferences.timeZone, at: .now)
            try await accounts.inLane(of: request.userID) { lane in
                dispatcher.deliver(try await preferences.set(checked, of: request.userID, lane: lane))
                guard !message.backgroundAnalysis else { return }
                try await LaneQueue(lane: lane, store: store)
                    .changeAll(userID: request.userID, type: .background, event: .cancelled) { jobs, hint in
                        dispatcher.deliver(hint, cancelled: jobs)
                    }
            }
            return checked.message
        }
    }

    func reportWatching(_ request: WatchingReport, context: CallContext) async throws -> WatchingReply {
        guard (1...120).contains(request.seconds) else {
            throw RPCError(.invalidArgument, "seconds is \(request.seconds); 1 to 120 are right")
        }
        let lane = try await accounts.lane(of: request.userID)
        guard try await preferences.preferences(of: request.userID, lane: lane).countsWatching else {
            return WatchingReply(counted: false)
        }
        // A day's figure: nothing tells whose time it was.
        try await store.addToDay([("watched_ms", Int64(request.seconds) * 1000)], lane: lane)
        FloatingPointCounter(label: "analysis_watching_seconds_total").increment(by: Double(request.seconds))
        return WatchingReply(counted: true)
    }

    // MARK: Library

    func importFolder(
        _ request: ImportFolderRequest, to writer: RPCWriter<ImportProgress>, context: CallContext
    ) async throws {
        let lane = try await accounts.lane(of: request.userID)
        let parts = request.folder.split(separator: "/", omittingEmptySubsequences: false)
        guard request.folder.isEmpty || !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw RPCError(
                .invalidArgument,
                "'\(request.folder)' is no folder beneath the music folders: a relative path without . and .. is right")
        }
        let library = LibraryImport(writer: LibraryWriter(userID: request.userID, lane: lane, store: store)) {
            _ = try await accounts.user(request.userID)
        } report: {
            try await writer.write($0)
        }
        try await imports.run(library, folder: request.folder)
        if let hint = await library.hint { dispatcher.deliver(hint) }
    }

    func upsertLibrary(_ request: UpsertLibraryRequest, context: CallContext) async throws -> UpsertLibraryReply {
        try request.check()
        return try await accounts.inLane(of: request.userID) { try await write(request, in: $0) }
    }

    private func write(_ request: UpsertLibraryRequest, in lane: String) async throws -> UpsertLibraryReply {
        let writer = LibraryWriter(userID: request.userID, lane: lane, store: store)
        try await writer.check(request.playlists, with: request.songs)
        let written = try await writer.write(request.songs)
        if let hint = written.hint { dispatcher.deliver(hint) }
        let changed = try await writer.write(
            request.playlists.map { content in
                let playlist = Playlist(
                    id: content.id, name: content.name, description: content.description, addedAtMs: content.addedAtMs)
                return (playlist, content.songIds)
            })
        return UpsertLibraryReply(
            songsAdded: UInt32(clamping: written.added), songsChanged: UInt32(clamping: written.changed),
            playlistsChanged: UInt32(clamping: changed))
    }

    func removeSongs(_ request: RemoveSongsRequest, context: CallContext) async throws -> RemovedReply {
        try await audit.noting(context, request) {
            try request.check()
            return try await remove(from: request.userID) { try await $0.remove(songs: request.songIds) }
        }
    }

    func removePlaylists(_ request: RemovePlaylistsRequest, context: CallContext) async throws -> RemovedReply {
        try await audit.noting(context, request) {
            try request.check()
            return try await remove(from: request.userID) { try await $0.remove(playlists: request.playlistIds) }
        }
    }

    private func remove(
        from userID: String, _ body: (LibraryWriter) async throws -> LibraryWriter.Removed
    ) async throws -> RemovedReply {
        let removed = try await accounts.inLane(of: userID) { lane in
            try await body(LibraryWriter(userID: userID, lane: lane, store: store))
        }
        if let hint = removed.hint { dispatcher.deliver(hint, cancelled: removed.cancelled) }
        return RemovedReply(
            removed: UInt32(clamping: removed.count), cancelledJobs: UInt32(clamping: removed.cancelled.count))
    }

    func listPlaylists(_ request: UserRequest, context: CallContext) async throws -> ListPlaylistsReply {
        ListPlaylistsReply(playlists: try await library(of: request.userID).playlists())
    }

    func getPlaylist(_ request: PlaylistRequest, context: CallContext) async throws -> PlaylistDetail {
        try await library(of: request.userID).playlist(request.playlistID, pageToken: request.pageToken)
    }

    func getSong(_ request: SongRequest, context: CallContext) async throws -> SongDetail {
        try await library(of: request.userID).song(request.songID)
    }

    func searchSongs(_ request: SearchSongsRequest, context: CallContext) async throws -> SearchSongsReply {
        let limit = request.limit == 0 ? Self.searchLimits.standard : min(Int(request.limit), Self.searchLimits.maximum)
        return SearchSongsReply(songs: try await library(of: request.userID).search(request.query, limit: limit))
    }

    func getTargets(_ request: TargetsRequest, context: CallContext) async throws -> Targets {
        for (field, ids) in [("song_ids", request.songIds), ("playlist_ids", request.playlistIds)]
        where ids.count > Self.targetsLimit {
            throw RPCError(
                .invalidArgument, "\(field) has \(ids.count) entries; at most \(Self.targetsLimit) are right")
        }
        return try await library(of: request.userID).targets(songs: request.songIds, playlists: request.playlistIds)
    }

    func getInsights(_ request: UserRequest, context: CallContext) async throws -> Insights {
        try await library(of: request.userID).insights()
    }

    func getCoverage(_ request: CoverageRequest, context: CallContext) async throws -> Coverage {
        try await library(of: request.userID).coverage(
            playlistID: request.playlistID.isEmpty ? nil : request.playlistID)
    }

    private func library(of userID: String) async throws -> Library {
        Library(userID: userID, lane: try await accounts.lane(of: userID), analyzers: analyzers, store: store)
    }
}
