// Where the result of a file is known already, over all users: a cache of whose song has it, which is filled after a result was
// recorded and may be lost. It points to the result and holds none: what was removed or has changed is not found.

import AnalysisAPI
import Jobs
import Redis

struct KnownFiles: Sendable {
    let store: Store
    let accounts: Accounts
    /// How old a result may be; nil: any age.
    let resultAge: Duration?

    /// How long it is remembered who has a file that nobody analyses.
    private static let memory = Duration.seconds(90 * 24 * 3600)

    /// The result of a file with this hash; nil where it is not known.
    func result(of analyzer: AnalyzerVersion, fileHash: [UInt8]) async throws -> AnalysisResult? {
        let key = store.keys.result(of: analyzer, fileHash: fileHash.hexadecimal)
        guard let place = try await store.send("GET", key).text, let colon = place.firstIndex(of: ":") else {
            return nil
        }
        let (userID, songID) = (String(place[..<colon]), String(place[place.index(after: colon)...]))
        guard let lane = try? await accounts.lane(of: userID) else { return nil }
        let results = store.keys.lane(lane, .songResults, userID, songID)
        guard let bytes = try await store.send("HGET", results, analyzer.name).bytes else { return nil }
        let result = try AnalysisResult(stored: bytes)
        let oldest = resultAge.map { .now - $0.milliseconds } ?? Int64.min
        // What the result says that it is about counts, whatever has become of the song.
        guard result.analyzer == analyzer, result.identity?.fileHash == fileHash, result.createdAtMs >= oldest else {
            return nil
        }
        return result
    }

    /// Remembers whose song has results. Nobody waits for it.
    func note(_ results: [AnalysisResult], of song: SongName) {
        let commands = results.compactMap { result -> [RedisArgument]? in
            guard let analyzer = result.analyzer, let hash = result.identity?.fileHash, !hash.isEmpty else {
                return nil
            }
            let key = store.keys.result(of: analyzer, fileHash: hash.hexadecimal)
            return [
                "SET", RedisArgument(key), RedisArgument("\(song.userID):\(song.songID)"), "EX",
                RedisArgument(Self.memory.components.seconds),
            ]
        }
        guard !commands.isEmpty else { return }
        Task { for command in commands { _ = try await store.send(command) } }
    }
}
