// What may be opened, and the listing of what there is.
import AnalysisAPI
import Foundation
import Testing

@testable import AudioAnalyzer

@Suite struct MusicFoldersTests {
    @Test func onlyRegularFilesBeneathTheFoldersAreOpened() throws {
        let files = try AudioFiles()
        let manager = FileManager.default
        try manager.createDirectory(atPath: files.path("music/inner"), withIntermediateDirectories: true)
        let song = try files.write("music/inner/song.mp3", "x")
        let secret = try files.write("secret.mp3", "x")
        _ = try files.write("music/empty.mp3", "")
        try manager.createSymbolicLink(atPath: files.path("music/link.mp3"), withDestinationPath: secret)
        try manager.createSymbolicLink(atPath: files.path("music/out"), withDestinationPath: files.folder.path)
        #expect(mkfifo(files.path("music/pipe.mp3"), 0o600) == 0)
        let folders = MusicFolders([files.path("music") + "/"])

        _ = try folders.openFile(song)
        let refusals: [(String, RejectionKind, String)] = [
            (secret, .refused, "outside the music folders"),
            ("/etc/passwd", .refused, "outside the music folders"),
            ("song.mp3", .refused, "outside the music folders"),
            ("file://" + song, .refused, "outside the music folders"),
            (files.path("music") + "-other/song.mp3", .refused, "outside the music folders"),
            (files.path("music") + "/../secret.mp3", .refused, "'..'"),
            (files.path("music") + "/inner/../../secret.mp3", .refused, "'..'"),
            (files.path("music/link.mp3"), .refused, "symbolic link"),
            (files.path("music/out/secret.mp3"), .refused, "symbolic link"),
            (files.path("music/pipe.mp3"), .refused, "not a regular file"),
            (files.path("music/inner"), .refused, "not a regular file"),
            (files.path("music") + "/", .refused, "folder"),
            (files.path("music/nothing.mp3"), .missing, "does not exist"),
            (files.path("music/nothing/song.mp3"), .missing, "does not exist"),
            (files.path("music/empty.mp3"), .unreadable, "empty"),
        ]
        for (path, kind, reason) in refusals {
            let rejection = try #require(throws: Rejection.self) { try folders.openFile(path) }
            #expect(rejection.kind == kind, "\(path)")
            #expect(rejection.reason.contains(reason), "\(path): \(rejection.reason)")
        }
    }

    @Test func aProbeListsAudioFilesInOrderWithTheirTags() throws {
        let files = try AudioFiles()
        try FileManager.default.createDirectory(atPath: files.path("b"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: files.path(".hidden"), withIntermediateDirectories: true)
        let tags = ["title=Morning", "artist=Grieg", "album=Peer Gynt", "track=3/8"].flatMap { ["-metadata", $0] }
        try files.make("b/two.ogg", seconds: 2, arguments: ["-c:a", "libvorbis"] + tags)
        try files.make("b/one.mp3", seconds: 3, arguments: tags)
        try files.make("untagged.WAV", seconds: 1)
        _ = try files.write("text.mp3", "not audio")
        for other in ["cover.jpg", ".secret.mp3", ".hidden/song.mp3"] { _ = try files.write(other, "x") }
        try FileManager.default.createSymbolicLink(atPath: files.path("c"), withDestinationPath: files.path("b"))

        let found = try probe(files, folder: "")
        #expect(found.map(\.location) == ["b/one.mp3", "b/two.ogg", "text.mp3", "untagged.WAV"])
        for (file, seconds) in zip(found, [3.0, 2]) {
            #expect(file.title == "Morning")
            #expect(file.artist == "Grieg")
            #expect(file.album == "Peer Gynt")
            #expect(file.track == 3)
            #expect(abs(Double(file.durationMs) - 1000 * seconds) < 100)
            #expect(file.bytes > 1000)
            #expect(abs(Double(file.modifiedAtMs) / 1000 - Date().timeIntervalSince1970) < 600)
        }
        #expect(found[2].title.isEmpty && found[2].durationMs == 0)
        #expect(found[3].title.isEmpty && found[3].durationMs == 1000)
        #expect(try probe(files, folder: "b").map(\.location) == ["b/one.mp3", "b/two.ogg"])
    }

    @Test func aProbeOfAFolderThatLeadsOutFails() throws {
        let files = try AudioFiles()
        #expect(try #require(throws: Rejection.self) { try probe(files, folder: "../..") }.kind == .refused)
        #expect(try #require(throws: Rejection.self) { try probe(files, folder: "nothing") }.kind == .missing)
    }

    @Test func aFolderThatOnlyOneOfTheRootsHasIsListed() throws {
        let (files, others) = (try AudioFiles(), try AudioFiles())
        let folder = files.folder.appending(path: "here")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try Data("no audio".utf8).write(to: folder.appending(path: "one.mp3"))
        var found: [ProbedFile] = []
        try FolderProbe(roots: [others.folder.path, files.folder.path], folder: "here").run { found += $0 }
        #expect(found.map(\.location) == ["here/one.mp3"])
    }

    @Test func aFileMaySayOfItsLengthWhatItWants() throws {
        let files = try AudioFiles()
        try Data(Self.endlessWave64).write(to: files.folder.appending(path: "endless.w64"))
        #expect(try probe(files, folder: "").map(\.durationMs) == [2_592_000_000])
    }

    /// A Wave64 file of 2^62 samples, one a second (Sonic Foundry's format: chunks named by GUIDs, with lengths of 64 bits).
    private static var endlessWave64: [UInt8] {
        func number<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
            let tail: [UInt8] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A]
            return Array(name.utf8) + tail + number(UInt64(24 + content.count)) + content
        }
        let riff: [UInt8] = [
            0x72, 0x69, 0x66, 0x66, 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00,
        ]
        var format = number(UInt16(1)) + number(UInt16(1))
        format += number(UInt32(1)) + number(UInt32(1))
        format += number(UInt16(1)) + number(UInt16(8))
        var content = Array(chunk("wave", []).prefix(16))
        content += chunk("fmt ", format)
        content += chunk("fact", number(UInt64(1) << 62))
        content += chunk("data", [128, 128, 128, 128])
        return riff + number(UInt64(24 + content.count)) + content
    }

    private func probe(_ files: AudioFiles, folder: String) throws -> [ProbedFile] {
        var found: [ProbedFile] = []
        try FolderProbe(roots: [files.folder.path], folder: folder).run { found += $0 }
        return found
    }
}
