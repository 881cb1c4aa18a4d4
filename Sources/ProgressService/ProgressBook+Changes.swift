// What follows from a change of the book: whom to tell, what to ask others, what to save.

import AnalysisAPI

extension ProgressBook {
    /// What there is to do after a change.
    struct Changes: Sendable {
        var keys: Set<ContextKey> = []
        var queries: Set<Query> = []
        /// Of jobs that completed.
        var scores: [ScoredEstimate] = []
    }

    /// What only another service knows.
    enum Query: Hashable, Sendable {
        case coverage(ContextKey, ticket: UInt64)
        /// - Parameter asOf: how often the library has changed.
        case members(ContextKey, asOf: UInt64)
        case song(userID: String, songID: String)
        case playlistNames(userID: String)
        /// How many of a user's songs have no fresh result.
        case backlog(userID: String)
        /// A job that ended while nobody followed.
        case job(String, lane: String)
        /// What holds back the whole queue.
        case pause(UInt64)
    }

    /// What is to be written to the store.
    struct Unsaved: Hashable, Sendable {
        var keys: Set<ContextKey> = []
        var lanes: Set<String> = []
        var costs = false
        /// Jobs of which there are other estimates than before.
        var estimates: Set<String> = []
        /// Lanes of which there are other delays than before.
        var delays: Set<String> = []
        var accuracy = false
        /// SHA-256 of the ids of users of whom nothing is to be kept.
        var removedUsers: Set<[UInt8]> = []

        var isEmpty: Bool { self == Unsaved() }

        mutating func formUnion(_ other: Unsaved) {
            keys.formUnion(other.keys)
            lanes.formUnion(other.lanes)
            costs = costs || other.costs
            estimates.formUnion(other.estimates)
            delays.formUnion(other.delays)
            accuracy = accuracy || other.accuracy
            removedUsers.formUnion(other.removedUsers)
        }
    }
}
