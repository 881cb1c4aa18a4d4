// What a folder of audio files is as a library: each file a song, each folder a playlist.

import AnalysisAPI
import Crypto
import Foundation
import Jobs

enum MusicFolder {
    /// The playlist of files that lie in no folder.
    static let rootName = "Music"

    /// The song that a file is. It came into the library at the file's own time.
    static func song(_ file: ProbedFile) -> Song {
        Song(
            id: songID(file.location), title: file.title.isEmpty ? title(ofFile: file.location) : file.title,
            artist: file.artist, album: file.album,
            durationMs: (1...Song.longestMs).contains(file.durationMs) ? file.durationMs : nil,
            location: file.location, addedAtMs: max(0, file.modifiedAtMs),
            attributes: [
                Attribute(name: bytesName, value: "\(file.bytes)"),
                Attribute(name: modifiedName, value: "\(file.modifiedAtMs)"),
            ], track: file.track)
    }

    private static let bytesName = "file_bytes"
    private static let modifiedName = "file_modified_at_ms"

    /// The mark of the file that an imported song was made of; nil where not all is known that its file says.
    static func mark(_ song: Song) -> FileMark? {
        let attributes = Dictionary(song.attributes.map { ($0.name, $0.value) }) { _, last in last }
        guard song.track != nil, song.id == songID(song.location),
            let bytes = attributes[bytesName].flatMap(UInt64.init),
            let modifiedAtMs = attributes[modifiedName].flatMap(Int64.init)
        else { return nil }
        return FileMark(location: song.location, bytes: bytes, modifiedAtMs: modifiedAtMs)
    }

    private static func songID(_ location: String) -> String { "s" + identity(location) }

    /// The folder that a file lies in; empty for one that lies in none.
    static func folder(of location: String) -> String {
        location.lastIndex(of: "/").map { String(location[..<$0]) } ?? ""
    }

    static func playlistID(folder: String) -> String { "p" + identity(folder) }

    static func playlistName(folder: String) -> String {
        let name = folder.split(separator: "/").last.map { cleaned(String($0)) } ?? ""
        return name.isEmpty ? rootName : name
    }

    /// The order of the songs of a playlist: by track, songs without one after those with one, then by file name as people
    /// sort them (2 before 10).
    static func precedes(_ first: (track: UInt32, location: String), _ second: (track: UInt32, location: String))
        -> Bool
    {
        let tracks = (first.track == 0 ? UInt32.max : first.track, second.track == 0 ? UInt32.max : second.track)
        guard tracks.0 == tracks.1 else { return tracks.0 < tracks.1 }
        let order = first.location.compare(second.location, options: [.numeric, .caseInsensitive])
        return order == .orderedSame ? first.location < second.location : order == .orderedAscending
    }

    /// A file's name as a title: without its ending and a leading track number, underscores as spaces.
    static func title(ofFile location: String) -> String {
        var name = location.split(separator: "/").last.map(String.init) ?? location
        if let dot = name.lastIndex(of: "."), dot != name.startIndex { name = String(name[..<dot]) }
        let title = cleaned(name)
        let untracked = title.replacing(/^\d{1,3}\s*[.\-)]?\s+/, with: "")
        return untracked.isEmpty ? title : untracked
    }

    private static func cleaned(_ name: String) -> String {
        name.replacing("_", with: " ").split(separator: " ").joined(separator: " ")
    }

    /// 48 bits of SHA-256: among a million songs, the chance that two share one is below one in 500.
    private static func identity(_ path: String) -> String {
        String(SHA256.hash(data: Data(path.utf8)).hexadecimal.prefix(12))
    }
}
