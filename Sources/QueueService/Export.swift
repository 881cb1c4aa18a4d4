// Everything that is stored of a user, as JSON Lines: an object a line, whose `kind` says what it is.

import AnalysisAPI
import Foundation
import Jobs
import RPC
import Redis

struct Export: Sendable {
    let user: User
    let analyzers: Analyzers
    let lanes: Lanes
    let store: Store
    let preferences: PreferenceStore
    let audit: AuditLog

    /// How many songs or events are read in one step.
    private static let page = 500
    /// A part is written when it has so many bytes; a line is never divided.
    private static let partBytes = 256 * 1024

    /// - Throws: what the writer throws when the caller has gone.
    func run(to writer: RPCWriter<ExportPart>) async throws {
        var lines = Lines(writer: writer)
        try await writeAccount(to: &lines)
        try await writeLibrary(to: &lines)
        try await writeJobs(to: &lines)
        for lane in lanes.ids { try await writeEvents(of: lane, to: &lines) }
        try await writeAudit(to: &lines)
        try await lines.write("end", ["lines": lines.count, "exported_at": time(.now)])
        try await lines.flush()
    }

    private func writeAccount(to lines: inout Lines) async throws {
        try await lines.write(
            "account",
            [
                "id": user.id, "name": user.name, "role": user.role == .administrator ? "administrator" : "listener",
                "created_at": time(user.createdAtMs), "last_analysis_at": time(user.lastAnalysisAtMs),
            ])
        let set = try await preferences.preferences(of: user.id, lane: user.lane)
        try await lines.write(
            "preferences",
            [
                "background_analysis": set.backgroundAnalysis, "time_zone": set.timeZone, "quiet_hours": set.quietHours,
                "off_peak": set.offPeak, "songs_per_hour": set.songsPerHour,
                "muted_notifications": set.muted.map { "\($0)" },
                "theme": "\(set.theme)",
            ])
    }

    private func writeLibrary(to lines: inout Lines) async throws {
        let library = Library(userID: user.id, lane: user.lane, analyzers: analyzers, store: store)
        for playlist in try await library.playlists() {
            let songs = try await store.send(
                "LRANGE", store.keys.lane(user.lane, .playlistSongs, user.id, playlist.id), 0, -1)
            try await lines.write(
                "playlist",
                [
                    "id": playlist.id, "name": playlist.name, "description": playlist.description,
                    "added_at": time(playlist.addedAtMs), "song_ids": songs.elements?.compactMap(\.text) ?? [],
                ])
        }
        var ids =
            try await store.send("HKEYS", store.keys.lane(user.lane, .userSongs, user.id)).elements?
            .compactMap(\.text) ?? []
        ids.sort()
        for id in ids {
            guard let detail = try await found({ try await library.song(id) }), let summary = detail.summary,
                let song = summary.song
            else { continue }
            try await lines.write(
                "song",
                [
                    "id": song.id, "title": song.title, "artist": song.artist, "album": song.album,
                    "duration_ms": song.durationMs.map { $0 as Any } ?? NSNull(), "location": song.location,
                    "added_at": time(song.addedAtMs),
                    "attributes": Dictionary(song.attributes.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
                    "failure": summary.failure, "analysed_at": time(summary.analysedAtMs),
                    "twins": detail.twins.compactMap { $0.song?.id },
                ])
            for result in detail.results {
                try await lines.write(
                    "result",
                    [
                        "song_id": song.id, "analyzer": result.analyzer?.name ?? "",
                        "version": result.analyzer?.version ?? "", "took_ms": result.tookMs,
                        "created_at": time(result.createdAtMs),
                        "result": (try? JSONSerialization.jsonObject(with: Data(result.json))) ?? NSNull(),
                        "file_sha256": result.identity?.fileHash.hexadecimal ?? "",
                        "audio_sha256": result.identity?.audioHash.hexadecimal ?? "",
                        "fingerprint": Data(result.identity?.fingerprint ?? []).base64EncodedString(),
                    ])
            }
        }
    }

    private func writeJobs(to lines: inout Lines) async throws {
        for ended in [false, true] {
            var request = ListJobsRequest(userID: user.id, ended: ended, limit: UInt32(Self.page))
            repeat {
                let page = try await JobList(request: request, lanes: [user.lane], store: store).page()
                for job in page.jobs {
                    let whole = try await found {
                        try await JobReader(lane: user.lane, store: store).job(job.id, userID: user.id)
                    }
                    try await lines.write("job", fields(of: whole ?? job))
                }
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
        }
    }

    private func fields(of job: Job) -> [String: Any] {
        [
            "id": job.id, "type": job.type.name, "priority": job.priority.name, "state": job.state.name,
            "target_id": job.targetID, "force": job.force, "total": job.total, "analysed": job.analysed,
            "skipped": job.skipped, "failed": job.failed, "created_at": time(job.createdAtMs),
            "started_at": time(job.startedAtMs), "ended_at": time(job.endedAtMs), "error": job.error,
            "rating": job.rating.map { ["thumb": $0.thumb.name ?? "", "comment": $0.comment] } ?? [:],
            "failures": job.failures.map { ["song_id": $0.songID, "reason": $0.reason] },
        ]
    }

    /// What the log still tells of what became of their work, of which users are notified.
    private func writeEvents(of lane: String, to lines: inout Lines) async throws {
        let key = RedisArgument(store.keys.lane(lane, .log))
        var after = "-"
        while true {
            let entries =
                try await store.send(["XRANGE", key, RedisArgument(after), "+", "COUNT", RedisArgument(Self.page)])
                .elements ?? []
            let events = try entries.map { try Event(lane: lane, entry: $0) }
            for event in events where event.userID == user.id {
                try await lines.write(
                    "event",
                    [
                        "at": time(event.atMs), "event": "\(event.kind)", "job_id": event.job?.id ?? "",
                        "song_id": event.songID, "reason": event.reason,
                    ])
            }
            guard entries.count == Self.page, let last = events.last?.cursor else { return }
            after = "(\(last)"
        }
    }

    private func writeAudit(to lines: inout Lines) async throws {
        var request = ListAuditEntriesRequest(limit: UInt32(Self.page), userID: user.id)
        repeat {
            let page = try await audit.list(request)
            for entry in page.entries {
                try await lines.write(
                    "audit",
                    [
                        "at": time(entry.atMs), "actor": entry.actor, "action": entry.action, "user_id": entry.userID,
                        "target": entry.target, "detail": entry.detail, "outcome": entry.outcome,
                    ])
            }
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
    }

    private func found<Value>(_ body: () async throws -> Value) async throws -> Value? {
        do {
            return try await body()
        } catch QueueError.notFound {
            // It was removed meanwhile.
            return nil
        }
    }

    /// ISO 8601; null for never.
    private func time(_ milliseconds: Int64) -> Any {
        guard milliseconds != 0 else { return NSNull() }
        return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// Lines on their way out, in parts.
    private struct Lines {
        let writer: RPCWriter<ExportPart>
        var count = 0
        private var part: [UInt8] = []

        init(writer: RPCWriter<ExportPart>) {
            self.writer = writer
        }

        mutating func write(_ kind: String, _ fields: [String: Any]) async throws {
            let line = fields.merging(["kind": kind]) { $1 }
            part += try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys, .withoutEscapingSlashes])
            part.append(UInt8(ascii: "\n"))
            count += 1
            if part.count >= Export.partBytes { try await flush() }
        }

        mutating func flush() async throws {
            guard !part.isEmpty else { return }
            try await writer.write(ExportPart(jsonLines: part))
            part.removeAll(keepingCapacity: true)
        }
    }
}
