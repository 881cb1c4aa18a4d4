// The order of jobs: strictly by class, then first come first served, whatever the age.

package import AnalysisAPI

extension JobType {
    /// The types that a request can have.
    package static let known: [JobType] = [.song, .playlist, .background]

    /// The class in which jobs of the type wait.
    package var priority: Priority {
        switch self {
        case .song: .high
        case .playlist: .medium
        case .background: .low
        case .unspecified, .unrecognized: .unspecified
        }
    }

    /// The name under which the type is stored.
    package var name: String {
        switch self {
        case .song: "song"
        case .playlist: "playlist"
        case .background: "background"
        case .unspecified, .unrecognized: "unspecified"
        }
    }

    /// The type that is stored as `name`; nil where no type is.
    package init?(name: String) {
        guard let type = Self.known.first(where: { $0.name == name }) else { return nil }
        self = type
    }
}

extension Priority {
    /// The priorities that a job can have, the first to run first.
    package static let known: [Priority] = [.high, .medium, .low]

    /// The class as a number, 0 for what runs first; nil where the priority is none.
    package var rank: Int? { Self.known.firstIndex(of: self) }

    package init?(rank: Int) {
        guard Self.known.indices.contains(rank) else { return nil }
        self = Self.known[rank]
    }

    /// The name under which the class is stored.
    package var name: String {
        switch self {
        case .high: "high"
        case .medium: "medium"
        case .low: "low"
        case .unspecified, .unrecognized: "unspecified"
        }
    }
}

/// A job's place among those that wait; the lowest is the first.
///
/// A score of a Redis sorted set is a double, exact up to 2^53: three classes above sequence numbers below 2^50.
package enum JobOrder {
    /// What lies between the scores of two classes.
    package static let classWidth: UInt64 = 1 << 50

    package static func score(rank: Int, sequence: UInt64) -> Double {
        Double(UInt64(rank) * classWidth + sequence)
    }
}
