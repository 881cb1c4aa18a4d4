// What the book learns from the other services: coverage of playlists and libraries, names, and jobs whose end it missed.

import AnalysisAPI

extension ProgressBook {
    /// How long a job counts as just enqueued.
    private static let newMs: Int64 = 2_000

    /// Makes room for a playlist or library, from what was kept of it.
    mutating func open(_ key: ContextKey, kept: (view: ProgressView, audioMs: UInt64)?, nowMs: Int64) {
        guard let userID = key.userID else { return }
        if contexts[key] == nil {
            contexts[key] = kept.map { ContextProgress(kept: $0.view, audioMs: $0.audioMs) } ?? ContextProgress()
            users[userID, default: User()].contexts.insert(key)
        }
        contexts[key]?.usedAtMs = nowMs
    }

    /// Whether there is room for a playlist or library; somebody looks at it now.
    mutating func use(_ key: ContextKey, nowMs: Int64) -> Bool {
        contexts[key]?.usedAtMs = nowMs
        return contexts[key] != nil
    }

    /// There is no such playlist or library, or no longer.
    mutating func close(_ key: ContextKey) {
        guard let userID = key.userID, contexts[key]?.watchers == 0 else { return }
        contexts[key] = nil
        users[userID]?.contexts.remove(key)
    }

    /// Everything of a user is gone. Who still watches hears of nothing more.
    mutating func remove(userHash: [UInt8]) {
        unsaved.removedUsers.insert(userHash)
        let gone = Set(jobs.values.map(\.job.userID) + users.keys + contexts.keys.compactMap(\.userID))
            .filter { UserHash.of($0) == userHash }
        for userID in gone {
            for (jobID, progress) in jobs where progress.job.userID == userID {
                jobs[jobID] = nil
                lanes[progress.job.lane]?.jobs.remove(jobID)
                lanes[progress.job.lane]?.order = nil
                // What was kept of it is removed by its name.
                unsaved.keys.insert(.job(jobID))
                unsaved.estimates.insert(jobID)
            }
            for key in contexts.keys where key.userID == userID {
                contexts[key] = nil
                unsaved.keys.remove(key)
            }
            users[userID] = nil
        }
    }

    /// Counts those who watch contexts: while there are any, one is asked anew whenever it may have changed.
    mutating func watch(_ keys: Set<ContextKey>) -> Changes {
        var changes = Changes()
        for key in keys {
            contexts[key]?.watchers += 1
            refresh(key, &changes)
        }
        return changes
    }

    mutating func unwatch(_ keys: Set<ContextKey>) {
        for key in keys { contexts[key]?.watchers -= 1 }
    }

    /// A ticket to ask the catalog with; `nil` where what is known is true.
    mutating func ask(_ key: ContextKey) -> UInt64? {
        contexts[key]?.isStale == true ? contexts[key]?.ask() : nil
    }

    /// How often the library has changed, where the songs of a playlist are still to be asked for; otherwise nil.
    func lacksMembers(_ key: ContextKey) -> UInt64? {
        guard case .playlist = key, let context = contexts[key], !context.hasMembers else { return nil }
        return context.libraryChanges
    }

    mutating func endRefresh(_ key: ContextKey, ticket: UInt64) {
        contexts[key]?.endRefresh(ticket: ticket)
    }

    mutating func learn(_ coverage: Coverage, of key: ContextKey, ticket: UInt64, nowMs: Int64) -> Changes {
        var changes = Changes()
        let before = contexts[key]?.coverage
        contexts[key]?.learn(coverage, ticket: ticket)
        if contexts[key]?.coverage != before {
            contexts[key]?.countdown = nil
            touch(key, nowMs: nowMs, &changes)
        }
        refresh(key, &changes)
        return changes
    }

    mutating func learn(members: Set<String>, of key: ContextKey, asOf libraryChanges: UInt64, nowMs: Int64) -> Changes
    {
        var changes = Changes()
        if contexts[key]?.learn(members: members, asOf: libraryChanges) == true { touch(key, nowMs: nowMs, &changes) }
        return changes
    }

    mutating func learn(_ song: Song, userID: String, nowMs: Int64) -> Changes {
        var changes = Changes()
        for jobID in users[userID]?.jobs ?? [] {
            guard let progress = jobs[jobID] else { continue }
            let isTarget = progress.job.type == .song && progress.job.targetID == song.id
            guard isTarget || progress.item?.songID == song.id else { continue }
            jobs[jobID]?.learn(song)
            if isTarget { jobs[jobID]?.targetName = song.title }
            named(jobID, nowMs: nowMs, &changes)
        }
        return changes
    }

    mutating func learn(playlistNames names: [String: String], userID: String, nowMs: Int64) -> Changes {
        var changes = Changes()
        for jobID in users[userID]?.jobs ?? [] {
            guard let job = jobs[jobID]?.job, job.type == .playlist, let name = names[job.targetID] else { continue }
            jobs[jobID]?.targetName = name
            named(jobID, nowMs: nowMs, &changes)
        }
        return changes
    }

    mutating func learn(backlog: UInt32, of userID: String, nowMs: Int64) -> Changes {
        var changes = Changes()
        guard users[userID] != nil, users[userID]?.backlog != backlog else { return changes }
        users[userID]?.backlog = backlog
        for jobID in users[userID]?.jobs ?? [] {
            guard let job = jobs[jobID]?.job, job.type == .background else { continue }
            lanes[job.lane]?.order = nil
            // Of a job that was just enqueued, this belongs to its first estimate.
            if nowMs - job.createdAtMs < Self.newMs { jobs[jobID]?.countdown = nil }
            touch(jobID, nowMs: nowMs)
            changes.keys.insert(.job(jobID))
        }
        return changes
    }

    /// Whether there is background work of a user, part of which other jobs may do.
    func hasBackgroundWork(_ userID: String) -> Bool {
        users[userID]?.jobs.contains { jobs[$0].map { $0.job.type == .background && !$0.job.force } ?? false } ?? false
    }

    /// A name shows in the job itself and in what its user's other jobs wait for.
    private mutating func named(_ jobID: String, nowMs: Int64, _ changes: inout Changes) {
        guard let job = jobs[jobID]?.job else { return }
        lanes[job.lane]?.order = nil
        for own in users[job.userID]?.jobs ?? [] where own == jobID || jobs[own]?.isRunning == false {
            touch(own, nowMs: nowMs)
            changes.keys.insert(.job(own))
        }
        for key in users[job.userID]?.contexts ?? [] { touch(key, nowMs: nowMs, &changes) }
    }

    /// A job that ended while nobody followed, as the queue knows it; `nil` where it does not.
    mutating func learn(_ job: Job?, jobID: String, lane: String, nowMs: Int64) -> Changes {
        var changes = Changes()
        if let job {
            update(job, after: Event(lane: lane, kind: .unspecified), nowMs: nowMs, &changes)
        } else if let forgotten = jobs.removeValue(forKey: jobID)?.job {
            lanes[lane]?.jobs.remove(jobID)
            lanes[lane]?.order = nil
            users[forgotten.userID]?.jobs.remove(jobID)
            unsaved.keys.insert(.job(jobID))
            changes.keys.insert(.job(jobID))
        }
        return changes
    }

    /// A user's songs changed, or what is known about one of them.
    mutating func invalidateContexts(
        of userID: String, songID: String = "", libraryChanged: Bool = false, _ changes: inout Changes
    ) {
        for key in users[userID]?.contexts ?? [] {
            if !songID.isEmpty, let context = contexts[key], context.hasMembers, !context.contains(songID, in: key) {
                continue
            }
            contexts[key]?.invalidate(libraryChanged: libraryChanged)
            refresh(key, &changes)
        }
    }

    private mutating func refresh(_ key: ContextKey, _ changes: inout Changes) {
        guard (contexts[key]?.watchers ?? 0) > 0, let ticket = contexts[key]?.refresh() else { return }
        changes.queries.insert(.coverage(key, ticket: ticket))
        if let libraryChanges = lacksMembers(key) { changes.queries.insert(.members(key, asOf: libraryChanges)) }
    }

    /// Marks a change of a playlist or library and raises what is shown of it.
    mutating func touch(_ key: ContextKey, nowMs: Int64, _ changes: inout Changes) {
        guard contexts[key]?.coverage != nil else { return }
        let (inProgress, version) = (songsInProgress(key), nextVersion(nowMs))
        contexts[key]?.settle(inProgress: inProgress)
        contexts[key]?.version = version
        contexts[key]?.updatedAtMs = nowMs
        unsaved.keys.insert(key)
        changes.keys.insert(key)
    }

    /// The parts of songs that the context's items, running or suspended, have behind them. A song that is analysed again
    /// counts already.
    private func songsInProgress(_ key: ContextKey) -> Double {
        guard let userID = key.userID else { return 0 }
        var fractions: [String: Double] = [:]
        for jobID in users[userID]?.jobs ?? [] {
            guard let progress = jobs[jobID], let item = progress.item, !progress.job.force,
                contexts[key]?.contains(item.songID, in: key) == true
            else { continue }
            fractions[item.songID] = max(fractions[item.songID] ?? 0, progress.songFraction)
        }
        return fractions.values.reduce(0, +)
    }
}
