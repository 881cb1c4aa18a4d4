// What is measured of a worker's analyzer processes and of what they do.

import AnalysisAPI
import Daemon
import Glibc
import Metrics

extension ChildPool {
    /// - Parameter processes: all that run.
    func recordMetrics(_ processes: [AnalyzerProcess]) {
        for analyzer in analyzerNames {
            for activity in AnalyzerProcess.Reported.allCases {
                let count = processes.count { $0.analyzer == analyzer && AnalyzerProcess.Reported($0) == activity }
                Gauge(
                    label: "analysis_worker_analyzer_processes",
                    dimensions: [("analyzer", analyzer), ("activity", activity.rawValue)]
                ).record(count)
            }
        }
        Gauge(label: "analysis_worker_children_memory_bytes").record(processes.reduce(0) { $0 + $1.memoryBytes })
        let running = processes.filter { $0.pid != 0 }.compactMap {
            ProcessFigures(pid: Int32(clamping: $0.pid))?.cpuSeconds
        }
        recordCPU(seconds: Self.cpuSecondsOfEnded() + running.reduce(0, +))
    }

    /// Of all children that have ended and been waited for.
    private static func cpuSecondsOfEnded() -> Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage) == 0 else { return 0 }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    }
}

extension AnalyzerProcess {
    /// What a process is at, as metrics tell it.
    fileprivate enum Reported: String, CaseIterable {
        case starting, idle, analyzing, probing, frozen

        init?(_ process: AnalyzerProcess) {
            if process.frozen {
                self = .frozen
                return
            }
            switch process.activity {
            case .starting: self = .starting
            case .idle: self = .idle
            case .analyzing: self = .analyzing
            case .probing: self = .probing
            case .unspecified, .unrecognized: return nil
            }
        }
    }
}

extension ItemReport {
    /// Measures what an item's analyzers did.
    func recordMetrics() {
        let results: [AnalysisResult]
        switch outcome {
        case .analysed(let analysed): results = analysed.results
        case .failed(let failed):
            results = failed.results
            let dimensions = [("analyzer", failed.analyzer), ("reason", "\(failed.kind)")]
            Counter(label: "analysis_worker_song_failures_total", dimensions: dimensions).increment()
        case .suspended, .released, nil: return
        }
        for result in results {
            // Those that were credited were not made here.
            guard let analyzer = result.analyzer?.name, !credited.contains(analyzer) else { continue }
            Timer(label: "analysis_worker_song_duration_seconds", dimensions: [("analyzer", analyzer)])
                .recordMilliseconds(result.tookMs)
        }
    }
}
