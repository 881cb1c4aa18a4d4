// Whose requests were found to be what a moment ago, and which sessions were ended here.

import AnalysisAPI

/// Spares a poller a round trip to the catalog per request, and tells who a caller was while the catalog is away.
///
///     unknown ──remember──▶ known ──a second──▶ former ──five minutes──▶ unknown
///        │                    ▲────remember───────┘ │
///        └──────revoke───────┐└───revoke──┐         │revoke
///                            ▼            ▼         ▼
///                          revoked ──a minute──▶ unknown
///
/// What is revoked is not remembered again: the answer to a check that began before it ended may arrive after.
struct SessionCacheState<Caller: Sendable> {
    enum Lookup {
        case known(Caller)
        /// Was known, and is to be checked again.
        case former(Caller)
        case revoked
        case unknown
    }

    private enum Entry {
        case known(Caller, until: ContinuousClock.Instant)
        case revoked(until: ContinuousClock.Instant)
    }

    static var knownFor: Duration { .seconds(1) }
    /// As long somebody whom nobody can check may read what was known before.
    static var rememberedFor: Duration { .seconds(300) }
    /// Longer than any check takes.
    static var revokedFor: Duration { .seconds(60) }
    private static var firstSweep: Int { 4096 }

    private var entries: [Credential: Entry] = [:]
    private var sweepAt = firstSweep

    var count: Int { entries.count }

    func lookup(_ credential: Credential, now: ContinuousClock.Instant) -> Lookup {
        switch entries[credential] {
        case .known(let caller, let until) where now < until: .known(caller)
        case .known(let caller, let until) where now < until + Self.rememberedFor: .former(caller)
        case .revoked(let until) where now < until: .revoked
        case .known, .revoked, nil: .unknown
        }
    }

    /// - Returns: whether it counts: false where it was revoked meanwhile.
    @discardableResult
    mutating func remember(
        _ caller: Caller, for credential: Credential, now: ContinuousClock.Instant
    ) -> Bool {
        if case .revoked = lookup(credential, now: now) { return false }
        set(credential, .known(caller, until: now + Self.knownFor), now: now)
        return true
    }

    mutating func revoke(_ credential: Credential, now: ContinuousClock.Instant) {
        set(credential, .revoked(until: now + Self.revokedFor), now: now)
    }

    /// The catalog does not know it.
    mutating func forget(_ credential: Credential, now: ContinuousClock.Instant) {
        if case .revoked = lookup(credential, now: now) { return }
        entries[credential] = nil
    }

    private mutating func set(_ credential: Credential, _ entry: Entry, now: ContinuousClock.Instant) {
        entries[credential] = entry
        guard entries.count > sweepAt else { return }
        entries = entries.filter { _, entry in
            switch entry {
            case .known(_, let until): now < until + Self.rememberedFor
            case .revoked(let until): now < until
            }
        }
        // Twice of what is in use, so that it is looked through rarely.
        sweepAt = max(Self.firstSweep, 2 * entries.count)
    }
}
