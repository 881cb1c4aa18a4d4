// One import of a folder: takes the files that a probe finds, batch by batch, and stores what is new or changed.

import AnalysisAPI

actor LibraryImport {
    private let writer: LibraryWriter
    private let report: @Sendable (ImportProgress) async throws -> Void

    private var progress = ImportProgress()
    private var folders: [String: [(track: UInt32, location: String, song: Song)]] = [:]
    /// What the lane's worker should be told; nil: nothing was written.
    private(set) var hint: Hint?

    /// - Parameter report: told how far the import is.
    init(writer: LibraryWriter, report: @escaping @Sendable (ImportProgress) async throws -> Void) {
        self.writer = writer
        self.report = report
    }

    /// Stores those files that are new or have changed.
    func take(_ files: [ProbedFile]) async throws {
        let written = try await writer.write(files.map(MusicFolder.song))
        for (file, song) in zip(files, written.songs) {
            folders[MusicFolder.folder(of: file.location), default: []].append((file.track, file.location, song))
        }
        hint = written.hint ?? hint
        progress.files += UInt32(clamping: files.count)
        progress.added += UInt32(clamping: written.added)
        progress.changed += UInt32(clamping: written.changed)
        try await report(progress)
    }

    /// Stores the playlists, when all files have been taken.
    func finish() async throws {
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
