// What a worker tells operators about its analyzers.

import AnalysisAPI
import Foundation
import Synchronization

extension Child {
    /// What the process is at. It is stuck when a song or a probe has not come on for a tenth of the time that ends it.
    var diagnostics: AnalyzerProcess {
        let memoryBytes = residentBytes
        return state.withLock { state in
            var process = AnalyzerProcess(
                analyzer: analyzer.name, pid: UInt32(state.group ?? 0), activity: AnalyzerActivity(state.activity),
                frozen: state.isFrozen, sinceMs: state.since.milliseconds, memoryBytes: memoryBytes,
                songID: state.songID, fraction: state.activity == .analyzing ? state.lastProgress.fraction : 0)
            let silence = state.silence.elapsed(at: .now)
            let isAtWork = state.activity == .analyzing || state.activity == .probing
            if isAtWork, !state.isFrozen, silence > configuration.silence / 10 {
                process.stuckSinceMs = Date.now.milliseconds - Int64(silence.wholeMilliseconds)
            }
            return process
        }
    }
}

extension AnalyzerActivity {
    fileprivate init(_ activity: Child.Activity) {
        self =
            switch activity {
            case .starting: .starting
            case .idle: .idle
            case .analyzing: .analyzing
            case .probing: .probing
            }
    }
}

extension WorkerError {
    /// A process has just ended by itself.
    init(_ child: Child, _ ending: Child.Ending) {
        self.init(
            atMs: Date.now.milliseconds, analyzer: child.analyzer.name, songID: child.state.withLock(\.songID),
            reason: ending.reason)
    }

    /// How many a worker remembers.
    static let remembered = 10
}

extension Date {
    /// Since 1970.
    fileprivate var milliseconds: Int64 { Int64(timeIntervalSince1970 * 1000) }
}
