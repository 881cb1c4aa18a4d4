// What `analysisctl top` shows, as lines of text: a pure value, drawn as it is.

import AnalysisAPI
import Foundation
import Jobs

struct TopScreen {
    var status = QueueStatus()
    /// How far the running jobs are, by their ids.
    var views: [String: ProgressView] = [:]
    /// Since when something of it cannot be asked, and why; nil: it can.
    var problem: String?
    /// In milliseconds since 1970.
    var now: Int64 = 0

    /// - Parameters:
    ///   - width: what does not fit into so many columns is cut off.
    ///   - height: nor what does not fit into so many lines; nil: everything is told.
    func lines(width: Int, height: Int? = nil) -> [String] {
        var lines = ["analysis queue  \(time(now))" + (problem.map { "  \($0)" } ?? ""), ""]
        let classes = [
            ("high", status.waitingHigh), ("medium", status.waitingMedium), ("low", status.waitingLow),
        ]
        let most = max(classes.map(\.1).max() ?? 0, 1)
        let room = max(10, min(60, width - 28))
        for (name, count) in classes {
            let share = Double(count) / Double(most)
            // What there is of a class is always seen.
            let filled = count == 0 ? 0 : max(1, Int(share * Double(room)))
            lines.append("\(padded(name, 8)) \(padded("\(count)", 8)) \(String(repeating: "#", count: filled))")
        }
        lines += [
            "",
            "running \(status.inProgress)  waiting \(status.pending)  scheduled \(status.scheduled)  paused \(status.paused)"
                + "  completed \(status.completed)  failed \(status.failed)  cancelled \(status.cancelled)",
        ]
        if let pause = status.pause { lines.append("held back: \(line(pause))") }
        for breaker in status.breakers { lines.append("held back: \(line(breaker))") }
        if let hold = status.hold { lines.append("background held back: \(line(hold))") }
        lines += ["", "RUNNING"] + (status.running.isEmpty ? ["nothing"] : status.running.map { running($0, width) })
        lines += ["", "WORKERS"] + (status.workers.isEmpty ? ["none is connected"] : status.workers.map(worker))
        return lines.prefix(height ?? .max).map { String($0.printable.prefix(width)) }
    }

    private func running(_ job: Job, _ width: Int) -> String {
        let view = views[job.id]
        let fraction = view?.fraction ?? (job.total == 0 ? 0 : Double(job.cursor) / Double(job.total))
        let ended = job.analysed + job.skipped + job.failed
        var words = [
            padded(job.id, 10), padded(job.priority.name, 6),
            "[\(ProgressLine.bar(fraction, width: max(10, min(30, width - 70))))]",
            padded("\(Int(min(1, max(0, fraction)) * 100))%", 4), padded("\(ended)/\(job.total)", 9), job.userID,
        ]
        if let etaMs = view?.etaMs { words.append("ETA \(clock(ms: etaMs))") }
        if let song = view?.song {
            words.append("\(song.title)\(view.map { $0.stage.isEmpty ? "" : ": \($0.stage)" } ?? "")")
        }
        return words.joined(separator: " ")
    }

    private func worker(_ worker: WorkerStatus) -> String {
        let load = worker.machine.map { "load \(($0.loadPerCore * 100).rounded() / 100)" } ?? ""
        let silent = max(0, now - worker.heartbeatAtMs) / 1000
        return [
            padded(String(worker.id.prefix(8)), 9), "lanes \(worker.lanes.joined(separator: ","))",
            "analysed \(worker.songsAnalysed)", "failed \(worker.songsFailed)", "frozen \(worker.suspended)", load,
            worker.draining ? "out of service" : "", silent > 3 ? "silent for \(silent) s" : "",
        ].filter { !$0.isEmpty }.joined(separator: "  ")
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
