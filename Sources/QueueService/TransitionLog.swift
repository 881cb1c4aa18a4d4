// What becomes of jobs, in this process's own log: each change of state or class once, whichever replica of the service writes it.

import AnalysisAPI
import Jobs
import Logging
import RPC
import Redis
import ServiceLifecycle

/// Reads the lanes' event logs as a consumer group of Redis streams, which gives each event to one of the replicas. What happens
/// while none of them runs is told when one comes back; while this one does not log at `info`, it leaves all to the others.
struct TransitionLog: Service {
    let lanes: Lanes
    let store: Store
    let logger: Logger

    private static let group: RedisArgument = "transitions"
    private static let batch = 512
    private static let blockMs = 5_000

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                var known = 0
                while let ids = try? await lanes.more(than: known) {
                    for id in ids[known...] { group.addTask { await follow(id) } }
                    known = ids.count
                }
                group.cancelAll()
            }
        }
    }

    private func follow(_ lane: String) async {
        let key = RedisArgument(store.keys.lane(lane, .log))
        var lastError = ""
        while !Task.isCancelled {
            do {
                if logger.logLevel <= .info {
                    try await makeGroup(key)
                    try await read(lane, key)
                }
                lastError = ""
            } catch  where !Task.isCancelled && "\(error)" != lastError {
                lastError = "\(error)"
                logger.warning("cannot tell what becomes of jobs", metadata: ["lane": "\(lane)", "error": "\(error)"])
            } catch {
                // It is said already.
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// A log that is new, or was put back from a backup, has none; where there is one, it stays where it is.
    private func makeGroup(_ key: RedisArgument) async throws {
        do {
            _ = try await store.redis.send(["XGROUP", "CREATE", key, Self.group, "$", "MKSTREAM"])
        } catch RedisError.server(let reply) where reply.code == "BUSYGROUP" {}
    }

    private func read(_ lane: String, _ key: RedisArgument) async throws {
        let connection = store.redis.makeBlockingConnection()
        defer { connection.close() }
        while !Task.isCancelled, logger.logLevel <= .info {
            let reply = try await connection.send(
                [
                    "XREADGROUP", "GROUP", Self.group, Self.group, "COUNT", RedisArgument(Self.batch), "BLOCK",
                    RedisArgument(Self.blockMs), "NOACK", "STREAMS", key, ">",
                ],
                timeout: .milliseconds(Self.blockMs + 5_000))
            for entry in reply.elements?.first?.elements?.last?.elements ?? [] {
                let event = try Event(lane: lane, entry: entry)
                let fields = entry.elements?.last?.map
                logger.log(event, called: fields?["event"]?.text ?? "", from: fields?["event_from"]?.text)
            }
        }
    }
}

extension Logger {
    /// - Parameter state: what the job was in before, or its class where that changed; nil: it is new, or has not changed.
    fileprivate func log(_ event: Event, called name: String, from state: String?) {
        guard let job = event.job else { return }
        let isChange = state != nil || event.kind == .enqueued
        var metadata: Logger.Metadata = [
            "job_id": "\(job.id)", "user_id": "\(job.userID)", "lane": "\(event.lane)", "event": "\(name)",
            "to": "\(event.kind == .reprioritised ? job.priority.name : job.state.name)",
            "cause": "\(event.cause)",
        ]
        if let state { metadata["from"] = "\(state)" }
        if !event.songID.isEmpty { metadata["song_id"] = "\(event.songID)" }
        if let trace = TraceContext(traceparent: job.traceparent) { metadata["trace_id"] = "\(trace.traceID)" }
        log(level: isChange ? .info : .debug, "job \(name)", metadata: metadata)
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
