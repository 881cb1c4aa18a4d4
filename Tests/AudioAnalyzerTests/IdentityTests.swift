// What is promised about songs that sound the same: which hashes and fingerprints tell it.
import AnalysisAPI
import Crypto
import Foundation
import Testing

@testable import AudioAnalyzer

@Suite struct IdentityTests {
    @Test func aSongIsIdentifiedByTheHashOfItsFileAndSkippedOrAnalysed() throws {
        let files = try AudioFiles()
        let path = try files.make("song.flac")
        let child = try AnalyzerChild()
        let hash = Array(SHA256.hash(data: try Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(try child.identify(path, roots: [files.folder.path]) == hash)
        try child.send(.skip(Skip()))
        #expect(try child.receive() == .skipped(Skipped()))

        #expect(try child.identify(path, roots: [files.folder.path]) == hash)
        try child.send(.proceed(Proceed()))
        let identity = try #require(try identity(child.rest().end))
        #expect(identity.fileHash == hash)
        #expect(identity.durationMs == 4000)
        #expect(!identity.fingerprint.isEmpty && identity.fingerprint.count % 4 == 0)
    }

    @Test func aFileThatChangesWhileItIsAnalysedIsNotTakenForWhatItWas() throws {
        let files = try AudioFiles()
        let path = try files.make("song.wav")
        let child = try AnalyzerChild()
        _ = try child.identify(path, roots: [files.folder.path])
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data([0]))
        try file.close()
        try child.send(.proceed(Proceed()))
        let identity = try #require(try identity(child.rest().end))
        #expect(identity.fileHash.isEmpty && !identity.audioHash.isEmpty)
    }

    @Test func filesThatDecodeToTheSameSamplesHaveTheSameAudioHash() throws {
        let files = try AudioFiles()
        let original = try files.make("song.flac", arguments: ["-sample_fmt", "s16"])
        let copies = [
            ("song.wav", [String]()), ("tagged.flac", ["-metadata", "title=Another"]), ("song.mka", ["-c:a", "flac"]),
        ]
        let others = [
            ("quiet.flac", ["-af", "volume=-3dB"]), ("slow.flac", ["-ar", "22050"]), ("mono.flac", ["-ac", "1"]),
            ("short.flac", ["-t", "3.9"]), ("song.opus", []),
        ]
        for (name, arguments) in copies + others {
            try AudioFiles.ffmpeg(["-i", original, "-bitexact"] + arguments + [files.path(name)])
        }
        let child = try AnalyzerChild()
        func hash(_ name: String) throws -> [UInt8] {
            let end = try child.analyze(files.path(name), roots: [files.folder.path]).end
            return try #require(try identity(end), "\(name)").audioHash
        }
        let wanted = try hash("song.flac")
        for (name, _) in copies { #expect(try hash(name) == wanted, "\(name)") }
        for (name, _) in others { #expect(try hash(name) != wanted, "\(name)") }
    }

    @Test func theFingerprintIsTheOneOfTheResult() throws {
        let files = try AudioFiles()
        let decoder = try AudioDecoder(MusicFolders([files.folder.path]).openFile(files.make("song.flac", seconds: 20)))
        let analysis = try AudioAnalysis(decoder)
        while try analysis.step() {}
        #expect(try analysis.result().fingerprint.count > 20)
        #expect(analysis.identity.fingerprint.count / 4 > 100)
    }

    private func identity(_ end: AnalyzerReply.Reply) throws -> AudioIdentity? {
        guard case .analyzed(let analyzed) = end else { return nil }
        return analyzed.identity
    }
}
