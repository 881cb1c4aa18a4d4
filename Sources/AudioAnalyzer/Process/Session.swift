// Answers one request after another.
import AnalysisAPI

struct Session {
    let replies: ReplyWriter

    static let analyzer = AnalyzerVersion(name: "audio", version: "1")

    func start() { replies.send(.ready(Ready(analyzer: Self.analyzer))) }

    func perform(_ work: RequestReader.Work) {
        switch work {
        case .analyze(let request): replies.send(analyze(request))
        case .probe(let request): replies.send(.probeEnded(probe(request)))
        }
    }

    private func analyze(_ request: Analyze) -> AnalyzerReply.Reply {
        do {
            guard !request.path.isEmpty else { throw Rejection.missing("the song has no file") }
            let decoder = try AudioDecoder(MusicFolders(request.roots).openFile(request.path))
            var pace = ProgressPace()
            // The first samples are decoded: whoever waits for this song learns it before anything else is done.
            report(decoder.fraction, &pace)
            let analysis = try AudioAnalysis(decoder)
            while try analysis.step() { report(decoder.fraction, &pace) }
            return .analyzed(Analyzed(json: try analysis.result().json()))
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
            try FolderProbe(roots: request.roots, folder: request.folder).run { files in
                replies.send(.probed(Probed(files: files)))
            }
            return ProbeEnded()
        } catch {
            return ProbeEnded(failure: error.reason)
        }
    }
}
