// Passwords are stored as scrypt hashes, computed off the event loops.

import Crypto
import CryptoExtras
import Foundation
import NIOPosix
import RPC
import Synchronization

/// Hashes passwords and checks them.
final class Passwords: Sendable {
    /// What one guess costs: 128 · rounds · blockSize bytes, and time that grows with all three.
    struct Cost: Sendable {
        /// scrypt's N.
        var rounds: Int
        /// scrypt's r.
        var blockSize: Int
        /// scrypt's p.
        var parallelism: Int

        /// OWASP names these as equal to its first choice of N = 2^17 with p = 1, at an eighth of the memory: 16 MiB.
        static let standard = Cost(rounds: 1 << 14, blockSize: 8, parallelism: 5)
    }

    /// More at a time would let a flood of logins take all memory and threads.
    private static let maximumAtATime = 32

    private let pool: NIOThreadPool
    private let running = Mutex(0)

    private let cost: Cost

    init(cost: Cost = .standard, pool: NIOThreadPool = .singleton) {
        self.cost = cost
        self.pool = pool
    }

    /// - Throws: `RPCError` with `.invalidArgument` where the password is too short or too long.
    func hash(_ password: String) async throws -> String {
        guard (8...1024).contains(password.utf8.count) else {
            throw RPCError(.invalidArgument, "a password must have 8 to 1024 bytes")
        }
        let salt = randomBytes(16)
        let key = try await derive(password, salt: salt, cost)
        let numbers = "\(cost.rounds)$\(cost.blockSize)$\(cost.parallelism)"
        return "scrypt$\(numbers)$\(Data(salt).base64EncodedString())$\(key.base64EncodedString())"
    }

    /// Whether `password` is the one that `hash` was made of.
    ///
    /// - Parameter hash: nil: there is none; takes as long as if there were.
    func check(_ password: String, against hash: String?) async throws -> Bool {
        let parts = hash?.split(separator: "$") ?? []
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Data(base64Encoded: String(parts[4])),
            let expected = Data(base64Encoded: String(parts[5]))
        else {
            _ = try await derive(password, salt: randomBytes(16), cost)
            return false
        }
        let key = try await derive(
            password, salt: Array(salt), Cost(rounds: rounds, blockSize: blockSize, parallelism: parallelism))
        guard key.count == expected.count else { return false }
        return zip(key, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func derive(
        _ password: String, salt: [UInt8], _ cost: Cost
    ) async throws -> Data {
        let isFree = running.withLock { running in
            guard running < Self.maximumAtATime else { return false }
            running += 1
            return true
        }
        guard isFree else { throw RPCError(.resourceExhausted, "too many logins at once; try again in a moment") }
        defer { running.withLock { $0 -= 1 } }
        return try await pool.runIfActive {
            let key = try KDF.Scrypt.deriveKey(
                from: Data(password.utf8), salt: salt, outputByteCount: 32, rounds: cost.rounds,
                blockSize: cost.blockSize,
                parallelism: cost.parallelism)
            return key.withUnsafeBytes { Data($0) }
        }
    }
}
