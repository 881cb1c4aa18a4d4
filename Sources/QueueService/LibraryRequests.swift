// What requests that change a library have to be like; checked before anything is written.

import AnalysisAPI
import RPC

/// Where in a request something is wrong, and how it would be right, as INVALID_ARGUMENT.
private func refuse(_ place: String, _ wrong: String, right: String) -> RPCError {
    RPCError(.invalidArgument, "\(place) \(wrong); \(right)")
}

private enum Limit {
    static let items = 10_000
    static let idBytes = 128
    static let textBytes = 1000
    static let descriptionBytes = 4000
    static let attributeNameBytes = 64
    static let songBytes = 256 << 10
    /// The end of the year 9999.
    static let atMs: Int64 = 253_402_300_799_999
}

private func check(count: Int, of place: String) throws {
    guard count <= Limit.items else {
        throw refuse(place, "are \(count)", right: "at most \(Limit.items) come in one call, the others in the next")
    }
}

private func check(id: String, at place: String) throws {
    guard (1...Limit.idBytes).contains(id.utf8.count), !id.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
        throw refuse(place, "is no id", right: "1 to \(Limit.idBytes) bytes without control characters are right")
    }
}

private func check(text: String, at place: String, maximum: Int = Limit.textBytes) throws {
    guard text.utf8.count <= maximum else {
        throw refuse(place, "has \(text.utf8.count) bytes", right: "at most \(maximum) are right")
    }
}

private func check(addedAtMs: Int64, at place: String) throws {
    guard (0...Limit.atMs).contains(addedAtMs) else {
        throw refuse(place, "is \(addedAtMs)", right: "milliseconds since 1970, or 0, are right")
    }
}

private func checkDistinct(_ ids: [String], at place: (Int) -> String) throws {
    var first: [String: Int] = [:]
    for (index, id) in ids.enumerated() {
        if let other = first.updateValue(index, forKey: id) {
            throw refuse(place(index), "is \(id), as \(place(other)) is", right: "each may come once")
        }
    }
}

extension UpsertLibraryRequest {
    func check() throws {
        try QueueService.check(count: songs.count, of: "songs")
        try QueueService.check(count: playlists.count, of: "playlists")
        for (index, song) in songs.enumerated() { try song.check(at: "songs[\(index)]") }
        for (index, playlist) in playlists.enumerated() { try playlist.check(at: "playlists[\(index)]") }
        try checkDistinct(songs.map(\.id)) { "songs[\($0)].id" }
        try checkDistinct(playlists.map(\.id)) { "playlists[\($0)].id" }
    }
}

extension Song {
    static let longestMs: UInt64 = 30 * 24 * 3600 * 1000

    fileprivate func check(at place: String) throws {
        try QueueService.check(id: id, at: "\(place).id")
        try QueueService.check(text: title, at: "\(place).title")
        try QueueService.check(text: artist, at: "\(place).artist")
        try QueueService.check(text: album, at: "\(place).album")
        try QueueService.check(addedAtMs: addedAtMs, at: "\(place).added_at_ms")
        guard durationMs ?? 0 <= Song.longestMs else {
            throw refuse("\(place).duration_ms", "is longer than 30 days", right: "milliseconds are right")
        }
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard location.isEmpty || !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw refuse(
                "\(place).location", "is '\(location)'",
                right: "a relative path beneath the music folders, without . and .., is right")
        }
        for (index, attribute) in attributes.enumerated()
        where !(1...Limit.attributeNameBytes).contains(attribute.name.utf8.count) {
            throw refuse(
                "\(place).attributes[\(index)].name", "has \(attribute.name.utf8.count) bytes",
                right: "1 to \(Limit.attributeNameBytes) are right")
        }
        try checkDistinct(attributes.map(\.name)) { "\(place).attributes[\($0)].name" }
        let bytes = stored.count
        guard bytes <= Limit.songBytes else {
            throw refuse(place, "has \(bytes) bytes", right: "at most \(Limit.songBytes) are right")
        }
    }
}

extension PlaylistContent {
    fileprivate func check(at place: String) throws {
        try QueueService.check(id: id, at: "\(place).id")
        guard !name.isEmpty else { throw refuse("\(place).name", "is empty", right: "people need one") }
        try QueueService.check(text: name, at: "\(place).name")
        try QueueService.check(text: description, at: "\(place).description", maximum: Limit.descriptionBytes)
        try QueueService.check(addedAtMs: addedAtMs, at: "\(place).added_at_ms")
        try QueueService.check(count: songIds.count, of: "\(place).song_ids")
    }
}

extension RemoveSongsRequest {
    func check() throws {
        try QueueService.check(count: songIds.count, of: "song_ids")
        for (index, id) in songIds.enumerated() { try QueueService.check(id: id, at: "song_ids[\(index)]") }
    }
}

extension RemovePlaylistsRequest {
    func check() throws {
        try QueueService.check(count: playlistIds.count, of: "playlist_ids")
        for (index, id) in playlistIds.enumerated() { try QueueService.check(id: id, at: "playlist_ids[\(index)]") }
    }
}
