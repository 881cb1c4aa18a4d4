// Removes what is kept of users who are gone. Nobody tells their ids any more: only hashes, against which all that is kept is held.

import AnalysisAPI
import Crypto
import Foundation
import NIOCore
import RPC
import Redis

extension ProgressStore {
    /// Keys looked at in one step.
    private static let scanCount = 500

    /// Of a Redis Cluster, what another node has stays until it expires, a day later.
    ///
    /// - Parameter hashes: SHA-256 of their ids.
    func remove(users hashes: Set<[UInt8]>) async throws {
        var cursor = "0"
        repeat {
            let page = try await redis.send("SCAN", cursor, "MATCH", keys.pattern, "COUNT", Self.scanCount)
            guard let parts = page.elements, parts.count == 2, let next = parts[0].text else { return }
            cursor = next
            for name in parts[1].elements?.compactMap(\.text) ?? [] where try await isOf(hashes, name) {
                try await redis.send("UNLINK", name)
            }
        } while cursor != "0"
    }

    private func isOf(_ hashes: Set<[UInt8]>, _ name: String) async throws -> Bool {
        switch keys.kind(of: name) {
        case .user(let userID): return hashes.contains(UserHash.of(userID))
        case .job:
            let bytes = try await redis.send("GET", name).bytes ?? []
            guard let view = try? ProgressView(decoding: ByteBuffer(bytes: bytes)), let job = view.job else {
                return false
            }
            return hashes.contains(UserHash.of(job.userID))
        case .other: return false
        }
    }
}

enum UserHash {
    /// As the event log tells who is gone.
    static func of(_ userID: String) -> [UInt8] { Array(SHA256.hash(data: Data(userID.utf8))) }
}
