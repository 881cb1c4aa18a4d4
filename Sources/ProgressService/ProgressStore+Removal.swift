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

    /// - Parameter hashes: SHA-256 of their ids.
    func remove(users hashes: Set<[UInt8]>) async throws {
        try await redis.scan(keys.pattern, at: try await redis.masters(), count: Self.scanCount) { names in
            for name in names.map({ String(decoding: $0, as: UTF8.self) }) where try await isOf(hashes, name) {
                try await redis.send("UNLINK", name)
            }
        }
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
