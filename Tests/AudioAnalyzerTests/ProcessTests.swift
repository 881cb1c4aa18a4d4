// The executable itself, over pipes.
import AnalysisAPI
import Foundation
import Testing

@testable import AudioAnalyzer

@Suite struct ProcessTests {
    @Test func aSongIsAnalyzedWithProgressThatRises() throws {
        let files = try AudioFiles()
        let path = try files.make("song.flac", seconds: 60)
        let child = try AnalyzerChild()
        let (fractions, end) = try child.analyze(path, roots: [files.folder.path])
        #expect(try #require(fractions.first) > 0)
        #expect(fractions == fractions.sorted())
        #expect(fractions.allSatisfy { $0 <= 1 })
        let json = try #require(try object(end))
        #expect((json["duration_seconds"] as? Double).map { abs($0 - 60) < 0.1 } == true)
        for key in [
            "sample_rate", "channels", "codec", "loudness", "tempo", "key", "fingerprint", "spectrum", "waveform",
        ] { #expect(json[key] != nil, "\(key)") }
    }

    @Test func beingStoppedAndContinuedChangesNothing() throws {
        let files = try AudioFiles()
        let path = try files.make("song.flac", seconds: 240)
        let undisturbed = try AnalyzerChild().analyze(path, roots: [files.folder.path]).end
        let child = try AnalyzerChild()
        try child.send(.analyze(Analyze(path: path, roots: [files.folder.path])))
        guard case .progress(let progress) = try child.receive() else { throw AnalyzerChild.Ended() }
        try child.stop()
        #expect(progress.fraction < 0.5)
        try child.continueAfterPing()
        #expect(try child.rest().end == undisturbed)
    }

    @Test func aLeaseDoesNotRunOutWhileStopped() throws {
        let files = try AudioFiles()
        let stopped = try AnalyzerChild()
        try stopped.send(.ping(Ping(leaseMs: 2000)))
        // The reply shows that the ping before it was heard.
        _ = try probe(stopped, files)
        try stopped.stop()
        // Another one's lease of the same length passes meanwhile.
        let other = try AnalyzerChild()
        try other.send(.ping(Ping(leaseMs: 2000)))
        #expect(try other.exitCode() == EXIT_FAILURE)
        try stopped.continueAfterPing()
        _ = try probe(stopped, files)
    }

    @Test func theEndOfItsInputEndsIt() throws {
        let files = try AudioFiles()
        let path = try files.make("song.flac", seconds: 240)
        let child = try AnalyzerChild()
        try child.send(.analyze(Analyze(path: path, roots: [files.folder.path])))
        _ = try child.receive()
        try child.closeInput()
        #expect(try child.exitCode() == EXIT_SUCCESS)
    }

    @Test func itDoesNotOutliveItsParentEvenWhenStopped() throws {
        // The shell starts the analyzer; the pipes stay open here, so that nothing but the shell's death can tell it. What a
        // shell starts with & reads /dev/null, of which <&0 would be a copy. Once the analyzer is there, so is its pid.
        let command =
            "exec 3<&0; sh -c 'echo $$ > \"$1\"; exec \"$0\"' \"$0\" \"$1\" <&3 & exec sleep 600"
        let shell = try AnalyzerChild(
            launcher: ("/bin/sh", ["-c", command, AnalyzerChild.executable.path, pidFile]))
        defer { try? FileManager.default.removeItem(atPath: pidFile) }
        let text = try String(contentsOfFile: pidFile, encoding: .utf8)
        let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        kill(pid, SIGSTOP)
        kill(shell.pid, SIGKILL)
        // Its output ends only when the stopped analyzer is gone too.
        #expect(throws: AnalyzerChild.Ended.self) { try shell.receive() }
    }

    private let pidFile = FileManager.default.temporaryDirectory.appendingPathComponent("pid-\(UUID().uuidString)").path

    @Test func aBadFileIsRejectedAndTheNextOneAnalyzed() throws {
        let files = try AudioFiles()
        let child = try AnalyzerChild()
        let reasons: [(String, RejectionKind, String)] = [
            (try files.write("text.mp3", "These are words."), .unreadable, "the file is not an audio file"),
            (try files.write("empty.mp3", ""), .unreadable, "the file is empty"),
            (files.path("nothing.mp3"), .missing, "the file does not exist"),
            (files.path("../secret.mp3"), .refused, "outside the music folders"),
            ("/etc/passwd", .refused, "outside the music folders"),
            ("", .missing, "the song has no file"),
        ]
        for (path, kind, reason) in reasons {
            guard case .rejected(let rejected) = try child.analyze(path, roots: [files.folder.path]).end else {
                Issue.record("\(path) was not rejected")
                continue
            }
            #expect(rejected.kind == kind, "\(path)")
            #expect(rejected.reason.contains(reason), "\(path): \(rejected.reason)")
        }
        let good = try files.make("song.ogg", arguments: ["-c:a", "libvorbis"])
        #expect(try object(child.analyze(good, roots: [files.folder.path]).end) != nil)
    }

    @Test func aProbeIsStreamedAndEnds() throws {
        let files = try AudioFiles()
        try files.make("song.wav", seconds: 1)
        for index in 0..<70 {
            try FileManager.default.copyItem(atPath: files.path("song.wav"), toPath: files.path("copy \(index).wav"))
        }
        let child = try AnalyzerChild()
        #expect(try probe(child, files).count == 71)
        try child.send(.probe(Probe(roots: [files.folder.path], folder: "nothing")))
        #expect(try child.receive() == .probeEnded(ProbeEnded(failure: "the file does not exist")))
    }

    @Test func aFileThatIsKnownIsListedAndNotOpenedUntilItIsWrittenTo() throws {
        let files = try AudioFiles()
        for name in ["a.flac", "b.flac"] {
            try files.make(name, seconds: 1, arguments: ["-metadata", "title=\(name)"])
        }
        let child = try AnalyzerChild()
        let first = try probe(child, files)
        #expect(first.map(\.title) == ["a.flac", "b.flac"] && first.allSatisfy { !$0.isKnown })
        let known = FileMark.packed(first.map(\.mark))
        let second = try probe(child, files, known: known)
        #expect(second.map(\.isKnown) == [true, true] && second.map(\.title) == ["", ""])
        #expect(second.map(\.mark) == first.map(\.mark))
        try files.make("a.flac", seconds: 2, arguments: ["-metadata", "title=c"])
        let third = try probe(child, files, known: known)
        #expect(third.map(\.isKnown) == [false, true] && third.map(\.title) == ["c", ""])
    }

    @Test func whatIsNoRequestEndsIt() throws {
        let child = try AnalyzerChild()
        try child.send(bytes: [0, 0, 0, 2, 0xff, 0xff])
        #expect(try child.exitCode() == EXIT_FAILURE)
    }

    private func probe(_ child: AnalyzerChild, _ files: AudioFiles, known: [UInt8] = []) throws -> [ProbedFile] {
        try child.send(.probe(Probe(roots: [files.folder.path], known: known)))
        var found: [ProbedFile] = []
        while true {
            switch try child.receive() {
            case .probed(let probed): found += probed.files
            case .probeEnded(let ended):
                #expect(ended.failure == nil)
                return found
            default: throw AnalyzerChild.Ended()
            }
        }
    }

    /// The JSON object of a result; nil for a rejection.
    private func object(_ end: AnalyzerReply.Reply) throws -> [String: Any]? {
        guard case .analyzed(let analyzed) = end else { return nil }
        return try JSONSerialization.jsonObject(with: Data(analyzed.json)) as? [String: Any]
    }
}
