// How far a playlist, or a user's whole library, is: what the catalog says is analysed, and below which mark what is
// shown never falls while its songs stay the same.

import AnalysisAPI

struct ContextProgress: Sendable {
    /// What the catalog said last; `nil` until it has.
    private(set) var coverage: Coverage?
    /// The songs of a playlist, as the catalog told last; of a library, none: all are in it.
    private(set) var members: Set<String>?
    /// How often the library has changed, and how often it had when the songs were asked for that are known.
    private(set) var libraryChanges: UInt64 = 0
    private var membersAsOf: UInt64?
    /// Whether the catalog has told which songs a playlist has, and that may not have changed since.
    var hasMembers: Bool { membersAsOf == libraryChanges }
    /// Rises when the set of songs changes.
    private(set) var basis: UInt32 = 1
    /// The share that is shown.
    private(set) var fraction = 0.0
    var version: UInt64 = 0
    var updatedAtMs: Int64 = 0
    var countdown: Countdown?
    /// How many watch it: what is watched is asked anew at once when it may have changed.
    var watchers = 0
    var usedAtMs: Int64 = 0

    /// Coverage is asked with rising tickets, so that a late answer never replaces a later one.
    private var asked: UInt64 = 0
    private var answered: UInt64 = 0
    private var needed: UInt64 = 1
    private var libraryChanged = false
    /// The ticket of the refresh that is under way.
    private var refreshing: UInt64?

    init() {}

    /// The context as it was kept, `audioMs` being the length of its songs then.
    init(kept view: ProgressView, audioMs: UInt64) {
        coverage = Coverage(total: view.total, analysed: view.analysed, failed: view.failed, audioMs: audioMs)
        basis = view.basis
        fraction = view.fraction
        version = view.version
        updatedAtMs = view.updatedAtMs
    }

    /// Whether something happened since the catalog was asked for what it said last.
    var isStale: Bool { answered < needed }

    /// What the catalog said may have become wrong.
    mutating func invalidate(libraryChanged changed: Bool = false) {
        needed = asked + 1
        if changed {
            libraryChanged = true
            libraryChanges += 1
        }
    }

    /// A ticket to ask the catalog with.
    mutating func ask() -> UInt64 {
        asked += 1
        return asked
    }

    /// A ticket to refresh what is stale with; `nil` where nothing is, or a refresh is under way.
    mutating func refresh() -> UInt64? {
        guard isStale, refreshing == nil else { return nil }
        refreshing = ask()
        return refreshing
    }

    /// The refresh with this ticket, or an earlier one, is over.
    mutating func endRefresh(ticket: UInt64) {
        if let current = refreshing, current <= ticket { refreshing = nil }
    }

    /// - Parameter changes: how often the library had changed when the songs were asked for; a late answer never replaces a later one.
    /// - Returns: whether they are others than before.
    mutating func learn(members new: Set<String>, asOf changes: UInt64) -> Bool {
        // One of more changes than there were answers a context that has been closed.
        guard changes >= membersAsOf ?? 0, changes <= libraryChanges else { return false }
        defer { (members, membersAsOf) = (new, changes) }
        return members != new
    }

    mutating func learn(_ new: Coverage, ticket: UInt64) {
        endRefresh(ticket: ticket)
        guard ticket > answered else { return }
        answered = ticket
        if let old = coverage {
            let sameSongs = new.total == old.total && (!libraryChanged || new.audioMs == old.audioMs)
            // Results that went stale start the same songs anew.
            if !sameSongs || new.ended < old.ended {
                basis += 1
                fraction = 0
            }
        }
        libraryChanged = libraryChanged && isStale
        coverage = new
    }

    /// Raises what is shown to what is true, `inProgress` being the part of its songs' items.
    mutating func settle(inProgress: Double) {
        guard let coverage else { return }
        if coverage.total > 0, coverage.analysed >= coverage.total {
            fraction = 1
        } else {
            fraction = max(fraction, Share.of(coverage.total, ended: coverage.ended, inProgress: inProgress))
        }
    }

    /// Whether a song counts in it. While the songs of a playlist are unknown, none does.
    func contains(_ songID: String, in key: ContextKey) -> Bool {
        if case .library = key { true } else { members?.contains(songID) ?? false }
    }
}

extension Coverage {
    /// Songs that are analysed or failed.
    var ended: UInt32 { min(total, analysed &+ failed) }
}
