// Songs and playlists as the web app brings them.

import AnalysisAPI

/// An identifier that a client gives: a text, or a whole number where it is all digits.
struct GivenIdentifier: Decodable, Sendable, Described {
    let text: String

    /// JavaScript represents no larger ones exactly (2⁵³ − 1).
    private static let largestNumber: Int64 = 9_007_199_254_740_991

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            guard (0...Self.largestNumber).contains(number) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "0 to \(Self.largestNumber) are right, or a text.")
            }
            text = String(number)
        } else {
            text = try container.decode(String.self)
            // Of its length and its signs, the catalog says more.
            if text.isEmpty {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "an identifier is not empty.")
            }
        }
    }

    static func schema(in schemas: inout Schemas) -> JSONValue {
        [
            "anyOf": [
                ["type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[^\\u0000-\\u001f\\u007f]*$"],
                ["type": "integer", "minimum": 0, "maximum": .integer(largestNumber)],
            ]
        ]
    }
}

struct SongsBody: Decodable, Sendable, Limited {
    let songs: [GivenSong]
    static let limits: [String: JSONValue] = ["songs": ["description": "at most 10,000", "uniqueItems": true]]
}

/// A song; what is left out is not known.
struct GivenSong: Decodable, Sendable, Limited {
    let id: GivenIdentifier
    let name: String?
    let artist: String?
    let album: String?
    let durationMs: UInt64?
    /// A path beneath the music folders.
    let location: String?
    let attributes: [String: String]?

    static let limits: [String: JSONValue] = [
        "name": ["maxLength": 1000], "artist": ["maxLength": 1000], "album": ["maxLength": 1000],
        "duration_ms": ["maximum": 2_592_000_000],
        "location": ["pattern": "^$|^(?!\\.{1,2}(/|$))[^/\\u0000]+(/(?!\\.{1,2}(/|$))[^/\\u0000]+)*$"],
        "attributes": ["propertyNames": ["minLength": 1, "maxLength": 64, "pattern": "^[^\\u0000]*$"]],
    ]

    var song: Song {
        Song(
            id: id.text, title: name ?? "", artist: artist ?? "", album: album ?? "", durationMs: durationMs,
            location: location ?? "",
            attributes: (attributes ?? [:]).sorted { $0.key < $1.key }
                .map { Attribute(name: $0.key, value: $0.value) })
    }
}

struct PlaylistsBody: Decodable, Sendable, Limited {
    let playlists: [GivenPlaylist]
    static let limits: [String: JSONValue] = ["playlists": ["description": "at most 10,000", "uniqueItems": true]]
}

/// A playlist with its id beside its content.
struct GivenPlaylist: Decodable, Sendable, Limited {
    let id: GivenIdentifier
    let content: PlaylistContentBody
    static let limits = PlaylistContentBody.limits

    private enum Key: CodingKey { case id }

    init(from decoder: any Decoder) throws {
        id = try decoder.container(keyedBy: Key.self).decode(GivenIdentifier.self, forKey: .id)
        content = try PlaylistContentBody(from: decoder)
    }
}

/// A playlist as a whole.
struct PlaylistContentBody: Decodable, Sendable, Limited {
    let name: String
    let description: String?
    /// In order; of songs of the library.
    let songIds: [GivenIdentifier]

    static let limits: [String: JSONValue] = [
        "name": ["minLength": 1, "maxLength": 1000], "description": ["maxLength": 4000],
        "song_ids": ["description": "at most 10,000"],
    ]

    func content(id: String) -> PlaylistContent {
        PlaylistContent(id: id, name: name, description: description ?? "", songIds: songIds.map(\.text))
    }
}

struct SongIDsBody: Decodable, Sendable, Limited {
    let songIds: [GivenIdentifier]
    static let limits: [String: JSONValue] = ["song_ids": ["description": "at most 10,000"]]
}

struct PlaylistIDsBody: Decodable, Sendable, Limited {
    let playlistIds: [GivenIdentifier]
    static let limits: [String: JSONValue] = ["playlist_ids": ["description": "at most 10,000"]]
}

struct LibraryChangedAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let songsAdded: UInt32
    let songsChanged: UInt32
    /// Those that are new included.
    let playlistsChanged: UInt32
}

struct RemovedAnswer: Answer {
    var success = true
    var status = "success"
    let message: String
    let removed: UInt32
    let cancelledJobs: UInt32

    init(_ reply: RemovedReply) {
        message = "Removed"
        removed = reply.removed
        cancelledJobs = reply.cancelledJobs
    }
}
