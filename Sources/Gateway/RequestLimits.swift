// How often somebody may do what costs more here than there.

import HTTPTypes
import Hummingbird
import NIOCore
import RPC
import Synchronization

/// A token bucket for each key.
final class RequestLimit: Sendable {
    private let fresh: RateLimit
    private let what: String
    private let buckets = Mutex<[String: RateLimit]>([:])
    private static let sweepAt = 4096

    /// - Parameters:
    ///   - perMinute: so many at once, and so many in every minute.
    ///   - what: what there are too many of, for people.
    init(perMinute: Int, of what: String) {
        fresh = RateLimit(burst: perMinute, perSecond: Double(perMinute) / 60)
        self.what = what
    }

    /// - Throws: 429 that says when to come back.
    func take(_ key: String) throws {
        let now = NIODeadline.now()
        let wait: TimeAmount? = buckets.withLock { buckets in
            if buckets.count > Self.sweepAt { buckets = buckets.filter { !$0.value.isFull(now: now) } }
            var bucket = buckets[key] ?? fresh
            let isWithin = bucket.take(now: now)
            buckets[key] = bucket
            return isWithin ? nil : bucket.wait(now: now)
        }
        guard let wait else { return }
        let seconds = Int((Double(wait.nanoseconds) / 1e9).rounded(.up))
        throw GatewayError(
            status: .tooManyRequests, message: "Too many \(what). Please try again in \(seconds) s.",
            retryAfterSeconds: max(1, seconds))
    }

    /// It did not count after all.
    func giveBack(_ key: String) {
        buckets.withLock { $0[key]?.giveBack() }
    }
}

/// How many of something one key has at a time.
final class ConcurrencyLimit: Sendable {
    private let limit: Int
    private let held = Mutex<[String: Int]>([:])

    init(_ limit: Int) {
        self.limit = limit
    }

    /// One of them; it ends with its last reference.
    final class Place: Sendable {
        private let end: @Sendable () -> Void
        fileprivate init(end: @escaping @Sendable () -> Void) { self.end = end }
        deinit { end() }
    }

    /// - Returns: nil where there are as many as there may be.
    func place(for key: String) -> Place? {
        let isFree = held.withLock { held in
            guard held[key, default: 0] < limit else { return false }
            held[key, default: 0] += 1
            return true
        }
        guard isFree else { return nil }
        return Place { [self] in
            held.withLock { held in
                let left = (held[key] ?? 1) - 1
                held[key] = left > 0 ? left : nil
            }
        }
    }
}

/// The limits of one gateway.
struct RequestLimits: Sendable {
    let loginsOfAccount: RequestLimit
    let loginsOfAddress: RequestLimit
    let asks: RequestLimit
    let streams: ConcurrencyLimit
    /// What is read for as long as it takes: each costs a call, and its end a cancellation, of which the services bear so many.
    let opens: RequestLimit

    init(_ settings: GatewaySettings) {
        loginsOfAccount = RequestLimit(perMinute: settings.loginsPerMinute, of: "failed logins")
        // Many people can share an address.
        loginsOfAddress = RequestLimit(perMinute: 5 * settings.loginsPerMinute, of: "failed logins from your network")
        asks = RequestLimit(perMinute: settings.asksPerMinute, of: "requests for analyses")
        streams = ConcurrencyLimit(settings.streamsPerUser)
        opens = RequestLimit(perMinute: 3 * settings.streamsPerUser, of: "event streams and exports")
    }

    /// Counts a try to sign in, until it is known to be right.
    ///
    /// - Throws: 429, where the address or the account had too many wrong ones.
    func login(_ account: String, from address: String, _ body: () async throws -> Void) async throws {
        try loginsOfAddress.take(address)
        do {
            try loginsOfAccount.take(account)
        } catch {
            loginsOfAddress.giveBack(address)
            throw error
        }
        do {
            try await body()
        } catch let error as RPCError where error.code == .unauthenticated {
            throw error
        } catch {
            // Nobody has guessed wrong.
            loginsOfAccount.giveBack(account)
            loginsOfAddress.giveBack(address)
            throw error
        }
        loginsOfAccount.giveBack(account)
        loginsOfAddress.giveBack(address)
    }
}
