// Every format, rate and number of channels gives the same right answer, and a damaged file a reason.
import AnalysisAPI
import Foundation
import Testing

@testable import AudioAnalyzer

@Suite struct FormatTests {
    @Test(arguments: [
        ("song.flac", "flac", [String]()),
        ("song.mp3", "mp3", []),
        ("song.ogg", "vorbis", ["-c:a", "libvorbis"]),
        ("song.opus", "opus", []),
        ("song.m4a", "aac", []),
        ("song.aac", "aac", []),
        ("song.wav", "pcm_s16le", []),
        ("song.wav", "pcm_s24le", ["-c:a", "pcm_s24le"]),
        ("song.wav", "pcm_f32le", ["-c:a", "pcm_f32le"]),
        ("song.wav", "pcm_u8", ["-c:a", "pcm_u8"]),
        ("song.aiff", "pcm_s16be", []),
        ("song.mka", "vorbis", ["-c:a", "libvorbis"]),
    ])
    func everyFormatIsAnalyzed(name: String, codec: String, arguments: [String]) throws {
        let files = try AudioFiles()
        let result = try analyze(files.make(name, arguments: arguments), in: files)
        #expect(result.codec == codec)
        #expect(abs(result.durationSeconds - 4) < 0.1)
        #expect(result.channels == 2)
        #expect(abs(try #require(result.loudness.integratedLufs) - -11.2) < 0.5)
        #expect(abs(try #require(result.loudness.truePeakDbtp) - -9.8) < 1.5)
    }

    @Test(arguments: [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
    func everySampleRateIsAnalyzed(rate: Int) throws {
        let files = try AudioFiles()
        let result = try analyze(files.make("song.flac", arguments: ["-ar", "\(rate)"]), in: files)
        #expect(result.sampleRate == rate)
        #expect(abs(result.durationSeconds - 4) < 0.01)
        #expect(abs(try #require(result.loudness.integratedLufs) - -11.2) < 0.5)
    }

    @Test(arguments: [(1, "mono"), (2, "stereo"), (6, "5.1"), (8, "7.1")])
    func everyChannelLayoutIsAnalyzed(count: Int, layout: String) throws {
        let files = try AudioFiles()
        let result = try analyze(
            files.make("song.wav", arguments: ["-af", "aformat=channel_layouts=\(layout)"]), in: files)
        #expect(result.channels == count)
        #expect(result.loudness.integratedLufs != nil)
        #expect(result.key != nil)
    }

    @Test(arguments: ["song.mp3", "song.m4a", "song.flac"])
    func aCoverPictureIsNoHindrance(name: String) throws {
        let files = try AudioFiles()
        try AudioFiles.ffmpeg([
            "-f", "lavfi", "-i", "sine=frequency=440:duration=3", "-f", "lavfi", "-i",
            "color=red:size=600x600:duration=1",
            "-map", "0", "-map", "1", "-frames:v", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic",
            files.path(name),
        ])
        #expect(abs(try analyze(files.path(name), in: files).durationSeconds - 3) < 0.1)
    }

    @Test func clicksInAFileHaveTheirTempoAndBeats() throws {
        let files = try AudioFiles()
        // 20 ms of a tone every 0.5 s: 120 beats per minute.
        try AudioFiles.ffmpeg([
            "-f", "lavfi", "-i", "aevalsrc=0.8*sin(2*PI*1000*t)*lt(mod(t\\,0.5)\\,0.02):d=20:s=48000",
            files.path("a.flac"),
        ])
        let result = try analyze(files.path("a.flac"), in: files)
        #expect(abs(try #require(result.tempo.bpm) - 120) < 1.2)
        #expect(result.tempo.confidence > 0.5)
        #expect(result.tempo.beats.allSatisfy { abs(($0 * 2).rounded() / 2 - $0) < 0.03 })
    }

    @Test func silenceIsAnalyzedWithNullsWhereNothingCanBeKnown() throws {
        let files = try AudioFiles()
        try AudioFiles.ffmpeg(["-f", "lavfi", "-i", "anullsrc=d=3", files.path("silence.flac")])
        let result = try analyze(files.path("silence.flac"), in: files)
        let json = String(decoding: try result.json(), as: UTF8.self)
        for null in ["\"integrated_lufs\":null", "\"true_peak_dbtp\":null", "\"bpm\":null", "\"key\":null"] {
            #expect(json.contains(null), "\(json)")
        }
    }

    @Test(arguments: ["song.flac", "song.mp3", "song.ogg", "song.opus", "song.m4a", "song.wav"])
    func aTruncatedFileIsRejectedAsDamaged(name: String) throws {
        let files = try AudioFiles()
        try files.make(name, seconds: 8, arguments: name.hasSuffix("m4a") ? ["-movflags", "+faststart"] : [])
        let path = try files.truncate(name, to: 0.6)
        let rejection = try #require(throws: Rejection.self) { try analyze(path, in: files) }
        #expect(rejection.kind == .unreadable)
        #expect(rejection.reason.hasPrefix("the file is damaged: "))
        #expect(rejection.reason.contains(" 0:0"), "\(rejection.reason)")
    }

    @Test func aFileWhoseHeaderIsMissingIsRejectedAsDamaged() throws {
        let files = try AudioFiles()
        try files.make("song.m4a")
        let path = try files.truncate("song.m4a", to: 0.6)
        #expect(
            try #require(throws: Rejection.self) { try analyze(path, in: files) }.reason.hasPrefix(
                "the file is damaged"))
    }

    @Test func bytesChangedInTheMiddleAreNoticed() throws {
        let files = try AudioFiles()
        try files.make("song.flac", seconds: 8)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: files.path("song.flac")))
        for index in stride(from: bytes.count / 3, to: bytes.count, by: 3000) { bytes[index] ^= 0xff }
        try bytes.write(to: URL(fileURLWithPath: files.path("song.flac")))
        let rejection = try #require(throws: Rejection.self) { try analyze(files.path("song.flac"), in: files) }
        #expect(rejection.reason.hasPrefix("the file is damaged"))
    }

    @Test func samplesThatAreNotNumbersAreRejected() throws {
        let files = try AudioFiles()
        try files.make("song.wav", arguments: ["-c:a", "pcm_f32le"])
        var bytes = try Data(contentsOf: URL(fileURLWithPath: files.path("song.wav")))
        let data = try #require(bytes.range(of: Data("data".utf8))).upperBound + 4
        bytes.replaceSubrange(data + 400_000..<data + 400_004, with: [0, 0, 0xc0, 0x7f])
        try bytes.write(to: URL(fileURLWithPath: files.path("song.wav")))
        let rejection = try #require(throws: Rejection.self) { try analyze(files.path("song.wav"), in: files) }
        #expect(rejection.reason.contains("0:01"), "\(rejection.reason)")
    }

    @Test func aPlaylistOpensNothingElse() throws {
        let files = try AudioFiles()
        let song = try files.make("song.mp3")
        let playlists = [
            "ffconcat version 1.0\nfile '\(song)'\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nsong.mp3\n#EXT-X-ENDLIST\n",
        ]
        for playlist in playlists {
            let path = try files.write("playlist.mp3", playlist)
            #expect(throws: Rejection.self) { try analyze(path, in: files) }
        }
    }

    private func analyze(_ path: String, in files: AudioFiles) throws -> AudioResult {
        let decoder = try AudioDecoder(MusicFolders([files.folder.path]).openFile(path))
        let analysis = try AudioAnalysis(decoder)
        while try analysis.step() {}
        return try analysis.result()
    }
}
