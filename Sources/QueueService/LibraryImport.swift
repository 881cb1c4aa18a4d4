// One import of a folder: takes the files that a probe finds, batch by batch, and stores what is new or changed.

import AnalysisAPI

actor LibraryImport {
    private let writer: LibraryWriter
    private let check: @Sendable () async throws -> Void
    private let report: @Sendable (ImportProgress) async throws -> Void

    private var progress = ImportProgress()
    private var folders: [String: [(track: UInt32, location: String, song: Song)]] = [:]
    /// What the lane's worker should be told; nil: nothing was written.
    private(set) var hint: Hint?

    /// - Parameters:
    ///   - check: asked before each batch; throws where nothing more is to be stored, since the user was removed.
    ///   - report: told how far the import is.
    init(
        writer: LibraryWriter, check: @escaping @Sendable () async throws -> Void,
        report: @escaping @Sendable (ImportProgress) async throws -> Void
    ) {
        self.writer = writer
        self.check = check
        self.report = report
    }

    /// The marks of the files that need not be opened again.
    var known: [UInt8] {
        get async throws {
            let marks = try await writer.songs().compactMap(MusicFolder.mark)
            return FileMark.packed(Array(marks.prefix(Self.knownLimit)))
        }
    }

    /// As many marks as a message has room for; further files are opened.
    private static let knownLimit = 400_000

    /// Stores those files that are new or have changed.
    func take(_ files: [ProbedFile]) async throws {
        try await check()
        let stored = try await writer.songs(files.filter(\.isKnown).map { MusicFolder.song($0).id })
        // What was removed from the library meanwhile is no song any more.
        let songs = files.compactMap { file in
            file.isKnown ? stored[MusicFolder.song(file).id] : MusicFolder.song(file)
        }
        let written = try await writer.write(songs)
        for song in written.songs {
            folders[MusicFolder.folder(of: song.location), default: []].append((song.track ?? 0, song.location, song))
        }
        hint = written.hint ?? hint
        progress.files += UInt32(clamping: files.count)
        progress.added += UInt32(clamping: written.added)
        progress.changed += UInt32(clamping: written.changed)
        try await report(progress)
    }

    /// Stores the playlists, when all files have been taken.
    func finish() async throws {
        try await check()
        let playlists = folders.sorted { $0.key < $1.key }.map { folder, files in
            let files = files.sorted { MusicFolder.precedes(($0.track, $0.location), ($1.track, $1.location)) }
            let playlist = Playlist(
                id: MusicFolder.playlistID(folder: folder), name: MusicFolder.playlistName(folder: folder),
                description: folder, addedAtMs: files.map(\.song.addedAtMs).max() ?? .now)
            return (playlist, files.map(\.song.id))
        }
        _ = try await writer.write(playlists)
        progress.playlists = UInt32(clamping: playlists.count)
        progress.done = true
        try await report(progress)
    }
}
