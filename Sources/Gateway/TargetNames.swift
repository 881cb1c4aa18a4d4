// What jobs are about, by name. Each user's library is asked once.

import AnalysisAPI
import RPC

/// The names of songs and playlists of one user or, for administrators, of several.
struct TargetNames: Sendable {
    /// As many ids as one call takes.
    private static let batch = 1000

    private struct Key: Hashable {
        let user: String
        let id: String
    }

    private var songs: [Key: Song] = [:]
    private var playlists: [Key: String] = [:]

    /// Nothing has a name.
    init() {}

    /// - Parameters:
    ///   - jobs: whose targets, current songs and failed songs get a name.
    ///   - others: songs besides, by user.
    /// - Throws: `RPCError`. What is not there any more, or whose user is not, has no name.
    init(of jobs: [Job], songs others: [String: Set<String>] = [:], backend: Backend, call: CallOptions) async throws {
        var wanted: [String: (songs: Set<String>, playlists: Set<String>)] = [:]
        for (user, ids) in others { wanted[user, default: ([], [])].songs.formUnion(ids) }
        for job in jobs {
            wanted[job.userID, default: ([], [])].songs.formUnion([job.songID] + job.failures.map(\.songID))
            if job.type == .song { wanted[job.userID]?.songs.insert(job.targetID) }
            if job.type == .playlist { wanted[job.userID]?.playlists.insert(job.targetID) }
        }
        for (user, targets) in wanted {
            var songIDs = targets.songs.subtracting([""]).sorted()[...]
            var playlistIDs = targets.playlists.subtracting([""]).sorted()[...]
            while !songIDs.isEmpty || !playlistIDs.isEmpty {
                let request = TargetsRequest(
                    userID: user, songIds: Array(songIDs.prefix(Self.batch)),
                    playlistIds: Array(playlistIDs.prefix(Self.batch)))
                (songIDs, playlistIDs) = (songIDs.dropFirst(Self.batch), playlistIDs.dropFirst(Self.batch))
                do {
                    let found = try await backend.catalog.getTargets(request, options: call)
                    for song in found.songs { songs[Key(user: user, id: song.id)] = song }
                    for playlist in found.playlists { playlists[Key(user: user, id: playlist.id)] = playlist.name }
                } catch let error as RPCError where error.code == .notFound {
                    break
                }
            }
        }
    }

    /// Nil for background work, and for what has left the library.
    func target(of job: Job) -> String? {
        let key = Key(user: job.userID, id: job.targetID)
        return job.type == .song ? songs[key]?.title : playlists[key]
    }

    func song(_ id: String, of user: String) -> SongName? {
        songs[Key(user: user, id: id)].map(SongName.init)
    }
}
