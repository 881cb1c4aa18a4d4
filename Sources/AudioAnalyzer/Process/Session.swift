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
            let analysis = try AudioAnalysis(MusicFolders(request.roots).openFile(request.path))
            var pace = ProgressPace()
            while try analysis.step() {
                if let fraction = pace.report(analysis.fraction, at: .now) {
                    replies.send(.progress(AnalyzeProgress(fraction: fraction, stage: "listening")))
                }
            }
            return .analyzed(Analyzed(json: try analysis.result().json()))
        } catch let rejection as Rejection {
            return .rejected(Rejected(reason: rejection.reason, kind: rejection.kind))
        } catch is OutOfMemory {
            return .rejected(Rejected(reason: "there is not enough memory to analyse the file", kind: .limit))
        } catch {
            return .rejected(Rejected(reason: "the analysis failed: \(error)", kind: .unreadable))
        }
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
