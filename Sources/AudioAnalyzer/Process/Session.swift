// Answers one request after another.
import AnalysisAPI

struct Session {
    let replies: ReplyWriter
    /// The song that waits to be told whether its result is known.
    private var identified: OpenedSong?

    /// A song whose first samples are decoded.
    private struct OpenedSong {
        let input: FileDescriptor
        let decoder: AudioDecoder
        /// Nil: it cannot be read from start to end.
        let file: HashedFile?
        var pace: ProgressPace
    }

    init(replies: ReplyWriter) { self.replies = replies }

    static let analyzer = AnalyzerVersion(name: "audio", version: "1")

    func start() { replies.send(.ready(Ready(analyzer: Self.analyzer))) }

    mutating func perform(_ work: RequestReader.Work) {
        switch work {
        case .analyze(let request): replies.send(Self.answer { try identify(request) })
        case .proceed:
            guard let song = identified else { return }
            identified = nil
            replies.send(Self.answer { try analyze(song) })
        case .skip:
            guard identified != nil else { return }
            identified = nil
            replies.send(.skipped(Skipped()))
        case .probe(let request): replies.send(.probeEnded(probe(request)))
        }
    }

    private mutating func identify(_ request: Analyze) throws -> AnalyzerReply.Reply {
        guard !request.path.isEmpty else { throw Rejection.missing("the song has no file") }
        let input = try MusicFolders(request.roots).openFile(request.path)
        let decoder = try AudioDecoder(input)
        var pace = ProgressPace()
        // The first samples are decoded: whoever waits for this song learns it before anything else is done.
        report(decoder.fraction, &pace)
        let song = OpenedSong(input: input, decoder: decoder, file: HashedFile(input), pace: pace)
        guard let file = song.file else { return try analyze(song) }
        identified = song
        return .identified(Identified(fileHash: file.hash))
    }

    private func analyze(_ song: OpenedSong) throws -> AnalyzerReply.Reply {
        var pace = song.pace
        let analysis = try AudioAnalysis(song.decoder)
        while try analysis.step() { report(song.decoder.fraction, &pace) }
        var identity = analysis.identity
        // What was written to meanwhile is neither what was hashed nor what is there now.
        if let file = song.file, file.isStill(song.input) { identity.fileHash = file.hash }
        return .analyzed(Analyzed(json: try analysis.result().json(), identity: identity))
    }

    private static func answer(_ body: () throws -> AnalyzerReply.Reply) -> AnalyzerReply.Reply {
        do {
            return try body()
        } catch let rejection as Rejection {
            return .rejected(Rejected(reason: rejection.reason, kind: rejection.kind))
        } catch is OutOfMemory {
            return .rejected(Rejected(reason: "there is not enough memory to analyse the file", kind: .limit))
        } catch {
            return .rejected(Rejected(reason: "the analysis failed: \(error)", kind: .unreadable))
        }
    }

    private func report(_ fraction: Double, _ pace: inout ProgressPace) {
        guard let fraction = pace.report(fraction, at: .now) else { return }
        replies.send(.progress(AnalyzeProgress(fraction: fraction, stage: "listening")))
    }

    private func probe(_ request: Probe) -> ProbeEnded {
        do {
            let known = FileMark.unpacked(request.known)
            try FolderProbe(roots: request.roots, folder: request.folder, known: known).run { files in
                replies.send(.probed(Probed(files: files)))
            }
            return ProbeEnded()
        } catch {
            return ProbeEnded(failure: error.reason)
        }
    }
}
