// What becomes of jobs, in this process's own log: each change of state or class once, whichever replica of the service writes it.

import AnalysisAPI
import Jobs
import Logging
import RPC
import Redis
import ServiceLifecycle

/// Tells what the lanes' logs say, while no other replica does so. What happens while none of them runs is told when one comes back;
/// after one has died, what it told last may be told again. A replica that does not log at `info` leaves it to the others.
struct TransitionLog: Service {
    let lanes: Lanes
    let store: Store
    let logger: Logger

    /// How long another replica waits for one that died.
    private static let term = Duration.seconds(6)
    private static let interval = Duration.seconds(2)

    func run() async throws {
        let duty = Duty(key: store.keys.transitions, term: Self.term, store: store)
        await duty.serve(every: Self.interval, while: logger.logLevel <= .info) {
            await lanes.followLogs(or: "cannot tell what becomes of jobs", logger) { try await tell($0) }
        }
    }

    private func tell(_ log: LaneLog) async throws {
        var told = try await store.send("HGET", store.keys.told, log.lane).text.flatMap { LogCursor($0) }
        while true {
            guard let place = told, let entries = try await log.entries(after: place) else {
                // The log is new, was put back from a backup, or does not reach back to what was told last.
                let end = try await log.end()
                try await store.put(end.description, as: log.lane, in: store.keys.told)
                told = end
                continue
            }
            for entry in entries { logger.log(entry) }
            guard let last = entries.last?.cursor else { continue }
            try await store.put(last.description, as: log.lane, in: store.keys.told)
            told = last
            if entries.count < LaneLog.batch { try await Task.sleep(for: LaneLog.pause) }
        }
    }
}

extension Logger {
    fileprivate func log(_ entry: LogEntry) {
        let event = entry.event
        guard let job = event.job else { return }
        let isChange = (entry.from != nil && event.kind != .rated) || event.kind == .enqueued
        guard logLevel <= (isChange ? .info : .debug) else { return }
        var metadata: Logger.Metadata = [
            "job_id": "\(job.id)", "user_id": "\(job.userID)", "lane": "\(event.lane)", "event": "\(entry.name)",
            "to": "\(event.kind == .reprioritised ? job.priority.name : job.state.name)",
            "cause": "\(event.cause)",
        ]
        if let state = entry.from { metadata["from"] = "\(state)" }
        if !event.songID.isEmpty { metadata["song_id"] = "\(event.songID)" }
        if let trace = TraceContext(traceparent: job.traceparent) { metadata["trace_id"] = "\(trace.traceID)" }
        log(level: isChange ? .info : .debug, "job \(entry.name)", metadata: metadata)
    }
}

extension Event {
    /// Why it happened, for people.
    fileprivate var cause: String {
        if !reason.isEmpty { return reason }
        switch kind {
        case .enqueued: return "asked for"
        case .started: return "first in line"
        case .interrupted: return byJobID.isEmpty ? "given back by its worker" : "job \(byJobID) goes first"
        case .workerLost: return "its worker was lost"
        case .completed: return "all songs have ended"
        case .failed: return job?.error ?? ""
        case .scheduled: return job?.waitsFor ?? ""
        case .due: return "its time has come"
        case .moved: return "its user was moved to this lane"
        default: return "asked for"
        }
    }
}
