// Which sessions were found valid a moment ago, and which were ended here.

import AnalysisAPI

/// Spares a poller a round trip to the catalog per request.
///
///     unknown ──remember──▶ known ──a second──▶ unknown
///        └────revoke──┐        └──revoke──┐
///                     ▼                   ▼
///                  revoked ──a minute──▶ unknown
///
/// A revoked session is not remembered again: the answer to a check that began before it ended may arrive after.
struct SessionCacheState {
    enum Lookup: Equatable {
        case known(User)
        case revoked
        case unknown
    }

    private enum Entry {
        case known(User, until: ContinuousClock.Instant)
        case revoked(until: ContinuousClock.Instant)
    }

    static let knownFor: Duration = .seconds(1)
    /// Longer than any check takes.
    static let revokedFor: Duration = .seconds(60)
    private static let sweepAt = 4096

    private var entries: [SessionToken: Entry] = [:]

    var count: Int { entries.count }

    func lookup(_ token: SessionToken, now: ContinuousClock.Instant) -> Lookup {
        switch entries[token] {
        case .known(let user, let until) where now < until: .known(user)
        case .revoked(let until) where now < until: .revoked
        case .known, .revoked, nil: .unknown
        }
    }

    mutating func remember(_ user: User, for token: SessionToken, now: ContinuousClock.Instant) {
        if lookup(token, now: now) == .revoked { return }
        set(token, .known(user, until: now + Self.knownFor), now: now)
    }

    mutating func revoke(_ token: SessionToken, now: ContinuousClock.Instant) {
        set(token, .revoked(until: now + Self.revokedFor), now: now)
    }

    private mutating func set(_ token: SessionToken, _ entry: Entry, now: ContinuousClock.Instant) {
        entries[token] = entry
        guard entries.count > Self.sweepAt else { return }
        entries = entries.filter { _, entry in
            switch entry {
            case .known(_, let until), .revoked(let until): now < until
            }
        }
    }
}
