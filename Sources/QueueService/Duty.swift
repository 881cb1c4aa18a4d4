// Which of the replicas does what one alone should do.

import Redis

/// A duty that one replica has at a time, for a term that it prolongs. Where it dies, another has it once the term is over.
struct Duty: Sendable {
    /// Where it stands who has the duty.
    let key: String
    let term: Duration
    let store: Store
    /// What tells this replica from the others.
    var token = randomBytes(16).hexadecimal

    /// Takes the duty where nobody has it, or prolongs its term.
    ///
    /// - Returns: whether this replica has it.
    func take() async throws -> Bool {
        try await store.run(\.takeLease, key: key, [RedisArgument(token), RedisArgument(term.milliseconds)]).int == 1
    }

    /// Lets another replica have it at once.
    func resign() async throws {
        guard try await store.send("GET", key).text == token else { return }
        try await store.send("DEL", key)
    }
}
