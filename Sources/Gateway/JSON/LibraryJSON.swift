// Playlists, songs and what is known about them.

import AnalysisAPI
import Foundation

struct PlaylistsAnswer: Answer {
    let playlists: [PlaylistJSON]
}

struct PlaylistJSON: Codable, Sendable {
    let id: Identifier
    let name: String
    @OrNull var description: String?
    let songCount: UInt32
    let analyzedCount: UInt32
    let analysisProgress: Double
    @OrNull var imageURL: String?
    @OrNull var score: Double?
    @OrNull var lastAnalyzed: Timestamp?
    @OrNull var addedAt: Timestamp?

    /// Folders of audio files have neither a picture nor a score of their own.
    init(_ playlist: Playlist) {
        id = Identifier(playlist.id)
        name = playlist.name
        description = playlist.description.isEmpty ? nil : playlist.description
        songCount = playlist.songCount
        analyzedCount = playlist.analysedCount
        analysisProgress = percentage(playlist.analysedCount, of: playlist.songCount)
        imageURL = nil
        score = nil
        lastAnalyzed = Timestamp(playlist.lastAnalysedAtMs)
        addedAt = Timestamp(playlist.addedAtMs)
    }
}

/// The share of `part` in percent with one decimal; 0 of nothing.
func percentage(_ part: some BinaryInteger, of whole: some BinaryInteger) -> Double {
    whole == 0 ? 0 : (Double(part) / Double(whole)).percentage
}

struct PlaylistSongsAnswer: Answer {
    let playlist: Head
    let songs: [PlaylistSongJSON]

    struct Head: Codable, Sendable {
        let id: Identifier
        let name: String
        @OrNull var description: String?
    }

    init(_ detail: PlaylistDetail) {
        let playlist = detail.playlist ?? Playlist()
        self.playlist = Head(
            id: Identifier(playlist.id), name: playlist.name,
            description: playlist.description.isEmpty ? nil : playlist.description)
        songs = detail.songs.enumerated().map { PlaylistSongJSON($0.element, position: $0.offset + 1) }
    }
}

struct PlaylistSongJSON: Codable, Sendable {
    let id: Identifier
    let name: String
    let artist: String
    let album: String
    @OrNull var durationMs: UInt64?
    /// From 1, in playlist order.
    let position: Int
    let analysisStatus: String
    @OrNull var analysisScore: JSONValue?
    @OrNull var concernLevel: JSONValue?
    let detectedThemes: [JSONValue]
    @OrNull var analysisDate: Timestamp?
    @OrNull var tempoBPM: JSONValue?
    @OrNull var key: JSONValue?
    @OrNull var loudnessLUFS: JSONValue?
    @OrNull var failure: String?

    init(_ summary: SongSummary, position: Int) {
        let song = summary.song ?? Song()
        let highlights = Highlights(summary.highlightsJson)
        id = Identifier(song.id)
        name = song.title
        artist = song.artist
        album = song.album
        durationMs = song.durationMs
        self.position = position
        analysisStatus = summary.state.contractName
        analysisScore = highlights.score
        concernLevel = highlights.concernLevel
        detectedThemes = highlights.themes?.elements ?? []
        analysisDate = Timestamp(summary.analysedAtMs)
        tempoBPM = highlights.bpm
        key = highlights.key
        loudnessLUFS = highlights.loudness
        failure = summary.failure.isEmpty ? nil : summary.failure
    }
}

/// The figures of a song's results that lists show. Absent are those that no analyzer returned.
struct Highlights: Decodable, Sendable {
    var score: JSONValue?
    var concernLevel: JSONValue?
    var themes: JSONValue?
    var bpm: JSONValue?
    var key: JSONValue?
    var loudness: JSONValue?

    init(_ json: [UInt8]) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        if let decoded = try? decoder.decode(Highlights.self, from: Data(json)) { self = decoded }
    }
}

struct SearchAnswer: Answer {
    let songs: [Hit]

    struct Hit: Codable, Sendable {
        let id: Identifier
        let name: String
        let artist: String
        let album: String
        let analysisStatus: String
        @OrNull var concernLevel: JSONValue?

        init(_ summary: SongSummary) {
            let song = summary.song ?? Song()
            id = Identifier(song.id)
            name = song.title
            artist = song.artist
            album = song.album
            analysisStatus = summary.state.contractName
            concernLevel = Highlights(summary.highlightsJson).concernLevel
        }
    }
}

struct StatisticsAnswer: Answer {
    let totalPlaylists: UInt32
    let totalSongs: UInt32
    let analyzedSongs: UInt32
    let failedSongs: UInt32
    let analysisProgress: Double
    let concernLevels: [String: Int]
    let flaggedSongs: Int

    /// - Parameter songs: the user's, each once.
    init(_ coverage: Coverage, songs: some Sequence<SongSummary>) {
        var levels = ["low": 0, "medium": 0, "high": 0]
        for song in songs {
            if case .string(let level) = Highlights(song.highlightsJson).concernLevel, let count = levels[level] {
                levels[level] = count + 1
            }
        }
        totalPlaylists = coverage.playlists
        totalSongs = coverage.total
        analyzedSongs = coverage.analysed
        failedSongs = coverage.failed
        analysisProgress = percentage(coverage.analysed, of: coverage.total)
        concernLevels = levels
        flaggedSongs = levels["medium", default: 0] + levels["high", default: 0]
    }
}

struct SyncStatusAnswer: Answer {
    var status = "success"
    let totalPlaylists: Int
    let syncActive: Bool
    @OrNull var lastSync: Timestamp?
    let timestamp: Timestamp
}
