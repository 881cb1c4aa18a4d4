// The queue-service in a test's hand: it serves a log that the test writes, jobs and a library, over a real socket.

import AnalysisAPI
import RPC
import Synchronization

final class QueueDriver: Sendable {
    private struct State {
        var events: [Event] = []
        /// What a snapshot tells.
        var jobs: [String: Job] = [:]
        /// What `GetJob` tells; no more than that, so that a test knows where an answer comes from.
        var asked: [String: Job] = [:]
        /// Events up to this one are no longer in the log.
        var trimmed = 0
        var followers: [Int: AsyncStream<Void>.Continuation] = [:]
        var followed: [[LaneCursor]] = []
        var coverage: [String: Coverage] = [:]
        var songs: [String: Song] = [:]
        var playlists: [String: (name: String, songIDs: [String])] = [:]
    }

    private let state = Mutex(State())

    var services: [any RPCService] { [DrivenQueue(driver: self), DrivenCatalog(driver: self)] }

    /// What followers asked to go on from, in order.
    var followed: [[LaneCursor]] { state.withLock { $0.followed } }

    /// Appends to the log.
    func publish(_ event: Event) {
        let followers = state.withLock { state in
            var event = event
            event.cursor = "\(state.events.count + 1)"
            state.events.append(event)
            if let job = event.job { state.jobs[job.id] = job }
            return Array(state.followers.values)
        }
        for follower in followers { follower.yield() }
    }

    /// What `GetJob` answers.
    func answer(_ job: Job) { state.withLock { $0.asked[job.id] = job } }

    /// Loses the log; nothing is live any more.
    func trimLog() {
        state.withLock { state in
            state.trimmed = state.events.count
            state.jobs = [:]
        }
    }

    /// - Parameter playlistID: empty for the library.
    func cover(_ userID: String, playlistID: String = "", _ coverage: Coverage) {
        state.withLock { $0.coverage["\(userID) \(playlistID)"] = coverage }
    }

    func add(playlist id: String, name: String, songIDs: [String], of userID: String) {
        state.withLock { state in
            state.playlists["\(userID) \(id)"] = (name, songIDs)
            for songID in songIDs { state.songs["\(userID) \(songID)"] = Song(id: songID, title: "Song \(songID)") }
        }
    }

    fileprivate func coverage(_ userID: String, _ playlistID: String) throws -> Coverage {
        try found(state.withLock { $0.coverage["\(userID) \(playlistID)"] })
    }

    fileprivate func song(_ userID: String, _ songID: String) throws -> Song {
        try found(state.withLock { $0.songs["\(userID) \(songID)"] })
    }

    fileprivate func playlist(_ userID: String, _ id: String) throws -> (name: String, songIDs: [String]) {
        try found(state.withLock { $0.playlists["\(userID) \(id)"] })
    }

    fileprivate func playlists(_ userID: String) -> [Playlist] {
        state.withLock { state in
            state.playlists.filter { $0.key.hasPrefix("\(userID) ") }
                .map { Playlist(id: String($0.key.dropFirst(userID.count + 1)), name: $0.value.name) }
        }
    }

    fileprivate func job(_ id: String, userID: String) throws -> Job {
        let job = try found(state.withLock { $0.asked[id] })
        guard userID.isEmpty || job.userID == userID else { throw RPCError(.notFound, "not there") }
        return job
    }

    fileprivate func follow(_ cursors: [LaneCursor], _ writer: RPCWriter<Event>) async throws {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (id, live, trimmed) = state.withLock { state in
            state.followed.append(cursors)
            state.followers[state.followed.count] = signal
            let live = state.jobs.values.filter { $0.endedAtMs == 0 }
            return (state.followed.count, live, state.trimmed)
        }
        defer { state.withLock { _ = $0.followers.removeValue(forKey: id) } }
        var next = cursors.first.flatMap { Int($0.cursor) } ?? -1
        if next < trimmed {
            next = state.withLock { $0.events.count }
            for job in live { try await writer.write(Event(lane: "0", kind: .snapshot, job: job)) }
            try await writer.write(Event(lane: "0", cursor: "\(next)", kind: .snapshotEnd))
        }
        signal.yield()
        for await _ in signals {
            for event in state.withLock({ $0.events[min(next, $0.events.count)...] }) {
                try await writer.write(event)
                next += 1
            }
        }
    }

    private func found<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw RPCError(.notFound, "not there") }
        return value
    }
}

/// The part of the Queue service that the progress-service calls.
private struct DrivenQueue: RPCService {
    let driver: QueueDriver

    var methods: [MethodHandler] {
        [
            .unary(Method<JobRequest, Job>("analysis.v1.Queue/GetJob")) { request, _ in
                try driver.job(request.jobID, userID: request.userID)
            },
            .unary(Method<QueueStatusRequest, QueueStatus>("analysis.v1.Queue/GetStatus")) { _, _ in QueueStatus() },
            .serverStream(Method<FollowRequest, Event>("analysis.v1.Queue/Follow")) { request, writer, context in
                context.endsOnDrain()
                try await driver.follow(request.cursors, writer)
            },
        ]
    }
}

/// The part of the Catalog service that the progress-service calls.
private struct DrivenCatalog: RPCService {
    let driver: QueueDriver

    var methods: [MethodHandler] {
        [
            .unary(Method<CoverageRequest, Coverage>("analysis.v1.Catalog/GetCoverage")) { request, _ in
                try driver.coverage(request.userID, request.playlistID)
            },
            .unary(Method<SongRequest, SongDetail>("analysis.v1.Catalog/GetSong")) { request, _ in
                SongDetail(summary: SongSummary(song: try driver.song(request.userID, request.songID)))
            },
            .unary(Method<PlaylistRequest, PlaylistDetail>("analysis.v1.Catalog/GetPlaylist")) { request, _ in
                let playlist = try driver.playlist(request.userID, request.playlistID)
                return PlaylistDetail(songs: playlist.songIDs.map { SongSummary(song: Song(id: $0)) })
            },
            .unary(Method<UserRequest, ListPlaylistsReply>("analysis.v1.Catalog/ListPlaylists")) { request, _ in
                ListPlaylistsReply(playlists: driver.playlists(request.userID))
            },
        ]
    }
}
