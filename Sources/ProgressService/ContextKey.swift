// What progress is asked about: a job, a playlist of a user, a user's whole library.

import AnalysisAPI
import RPC

enum ContextKey: Hashable, Sendable {
    case job(String)
    case playlist(userID: String, playlistID: String)
    case library(userID: String)

    /// - Throws: `.invalidArgument` where the context is missing or lacks its user.
    init(_ context: ProgressContext?, userID: String) throws(RPCError) {
        switch context?.context {
        case .jobID(let jobID) where !jobID.isEmpty:
            self = .job(jobID)
        case .playlistID(let playlistID) where !playlistID.isEmpty:
            guard !userID.isEmpty else { throw Self.missingUser("playlist") }
            self = .playlist(userID: userID, playlistID: playlistID)
        case .library(true):
            guard !userID.isEmpty else { throw Self.missingUser("library") }
            self = .library(userID: userID)
        default:
            throw RPCError(
                .invalidArgument, "The context is empty; it must name a job_id, a playlist_id, or library = true.")
        }
    }

    /// The context as it goes over the wire.
    var message: ProgressContext {
        switch self {
        case .job(let jobID): ProgressContext(context: .jobID(jobID))
        case .playlist(_, let playlistID): ProgressContext(context: .playlistID(playlistID))
        case .library: ProgressContext(context: .library(true))
        }
    }

    /// Whose playlist or library it is; none for a job, which tells itself.
    var userID: String? {
        switch self {
        case .job: nil
        case .playlist(let userID, _), .library(let userID): userID
        }
    }

    /// The playlist, or empty where the context is a library, as `Catalog.GetCoverage` wants it.
    var playlistID: String {
        if case .playlist(_, let playlistID) = self { playlistID } else { "" }
    }

    private static func missingUser(_ kind: String) -> RPCError {
        RPCError(.invalidArgument, "user_id is empty; the progress of a \(kind) needs the user whose \(kind) it is.")
    }
}
