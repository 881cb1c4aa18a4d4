// Which of the replicas does what one alone should do.

import Redis
import ServiceLifecycle

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
    func take() async throws -> Bool { try await lease(isOnlyProlonged: false) }

    /// Prolongs its term.
    ///
    /// - Returns: false where it was over, so that another replica may have had it meanwhile.
    func prolong() async throws -> Bool { try await lease(isOnlyProlonged: true) }

    private func lease(isOnlyProlonged: Bool) async throws -> Bool {
        let arguments = [
            RedisArgument(token), RedisArgument(term.milliseconds), RedisArgument(isOnlyProlonged ? 1 : 0),
        ]
        return try await store.run(\.takeLease, key: key, arguments).int == 1
    }

    /// Works while this replica has the duty and is willing, whenever that is, until the service stops.
    ///
    /// - Parameters:
    ///   - interval: how often the duty is asked for, or prolonged.
    ///   - work: is cancelled when the duty is lost, also where Redis is away: another replica may have it before Redis answers again.
    func serve(
        every interval: Duration, while isWilling: @autoclosure @escaping @Sendable () -> Bool = true,
        _ work: @escaping @Sendable () async -> Void
    ) async {
        @Sendable func isOn() async -> Bool {
            guard !Task.isCancelled, isWilling() else { return false }
            return (try? await take()) == true
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if await isOn() {
                    await withDiscardingTaskGroup { group in
                        group.addTask { await work() }
                        repeat { try? await Task.sleep(for: interval) } while await isOn()
                        group.cancelAll()
                    }
                    try? await resign()
                }
                try? await Task.sleep(for: interval)
            }
        }
        // The next one need not wait until the term is over.
        try? await resign()
    }

    /// Lets another replica have it at once.
    func resign() async throws {
        guard try await store.send("GET", key).text == token else { return }
        try await store.send("DEL", key)
    }
}
