// Finds the songs of a user that sound like one that was just analysed. An index of a few sub-fingerprints of each song leads to those
// that may; only they are compared, so that it does not matter how large the library is.

import AnalysisAPI
import Jobs
import Redis

/// By what a song is found, and which songs of the user sound like it.
struct SongSound: Sendable {
    /// Sub-fingerprints in hexadecimal, with spaces between them; empty: there is too little sound.
    var landmarks = ""
    var twins: [(songID: String, bitErrorRate: Double)] = []
}

struct AcousticTwins: Sendable {
    /// How many songs are compared: those that share the most.
    private static let candidates = 10

    let userID: String
    let lane: String
    let store: Store

    /// What the results of a song say of how it sounds; nil where they say nothing.
    func sound(of songID: String, results: [AnalysisResult]) async throws -> SongSound? {
        guard let heard = results.first(where: { $0.identity != nil }), let identity = heard.identity else {
            return nil
        }
        guard let fingerprint = AcousticFingerprint(identity) else { return SongSound() }
        let candidates = try await candidates(for: fingerprint, except: songID)
        let stored = try await store.pipeline(
            candidates.map { ["HGET", key(.songResults, $0), RedisArgument(heard.analyzer?.name ?? "")] })
        // A millisecond's work that others on the event loop need not wait for.
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            var sound = SongSound(landmarks: fingerprint.landmarks.map(Self.hexadecimal).joined(separator: " "))
            for (candidate, value) in zip(candidates, stored) {
                // One that cannot be read is nothing to the song at hand.
                guard let bytes = value.bytes, let other = (try? AnalysisResult(stored: bytes))?.identity,
                    let rate = AcousticFingerprint(other)?.bitErrorRate(to: fingerprint),
                    rate <= AcousticFingerprint.threshold
                else { continue }
                sound.twins.append((candidate, rate))
            }
            return sound
        }
    }

    /// The songs that share the most with a fingerprint.
    private func candidates(for fingerprint: AcousticFingerprint, except songID: String) async throws -> [String] {
        let values = Set(fingerprint.subFingerprints).map { RedisArgument(Self.hexadecimal($0)) }
        let found = try await store.send([["HMGET", key(.userLandmarkSongs)], values].flatMap { $0 })
        var votes: [String: Int] = [:]
        for songs in found.elements ?? [] {
            for song in (songs.text ?? "").split(separator: "\n") { votes[String(song), default: 0] += 1 }
        }
        votes[songID] = nil
        return votes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.candidates).map(\.key)
    }

    /// The twins of a song, the most similar first.
    ///
    /// - Parameter analyzers: by what they report, songs are told to be identical.
    func linked(to songID: String, analyzers: Analyzers) async throws -> [SongTwin] {
        let reply = try await store.send(["ZRANGE", key(.songTwins, songID), 0, -1, "WITHSCORES"])
        let pairs = reply.elements?.compactMap(\.text) ?? []
        let ids = stride(from: 0, to: pairs.count - 1, by: 2).map { pairs[$0] }
        guard !ids.isEmpty else { return [] }
        let songs = try await store.send([["HMGET", key(.userSongs)], ids.map { RedisArgument($0) }].flatMap { $0 })
        let hashes = try await hashes(of: [songID] + ids, analyzers: analyzers)
        return try zip(ids, songs.elements ?? []).enumerated().compactMap { index, found in
            guard let bytes = found.1.bytes else { return nil }
            return SongTwin(
                song: try Song(listed: bytes), bitErrorRate: Double(pairs[2 * index + 1]) ?? 0,
                identical: !hashes[0].isDisjoint(with: hashes[index + 1]))
        }
    }

    /// The hashes of the file and the decoded audio of each song, as far as they are known.
    private func hashes(of songIDs: [String], analyzers: Analyzers) async throws -> [Set<Substring>] {
        let names = analyzers.enabled.map(\.name)
        let fields = songIDs.flatMap { id in names.map { RedisArgument("\($0) \(id)") } }
        let contents = try await store.send([["HMGET", key(.userContents)], fields].flatMap { $0 }).elements ?? []
        return contents.batches(of: names.count).map { contents in
            contents.reduce(into: []) { $0.formUnion(($1.text ?? "").split(separator: " ").dropFirst()) }
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func key(_ key: LaneKey, _ ids: String...) -> RedisArgument {
        RedisArgument(store.keys.lane(lane, key, [userID] + ids))
    }
}
