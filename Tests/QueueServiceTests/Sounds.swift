// Songs that sound like something, without any audio: fingerprints made of random numbers, and what encoding does to them.

import AnalysisAPI
import Jobs
import Redis

@testable import QueueService

/// Always the same numbers from the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

/// Two minutes of music; another seed is other music.
struct Melody {
    var subFingerprints: [UInt32]
    var durationMs: UInt64 = 200_000

    init(seed: UInt64, count: Int = 948) {
        var numbers = SeededNumbers(seed: seed)
        subFingerprints = (0..<count).map { _ in UInt32.random(in: 0 ... .max, using: &numbers) }
    }

    /// As another encoding has it: some bits differ, and it begins so many sub-fingerprints later.
    func encoded(errors: Double, beginning shift: Int = 0) -> Melody {
        var numbers = SeededNumbers(seed: 99)
        var other = self
        other.subFingerprints =
            Melody(seed: 77, count: shift).subFingerprints
            + subFingerprints.dropLast(shift).map { value in
                (0..<32).reduce(value) { value, bit in
                    Double.random(in: 0..<1, using: &numbers) < errors ? value ^ 1 << UInt32(bit) : value
                }
            }
        return other
    }

    /// - Parameters:
    ///   - file: what the file is; 0: that is not known.
    ///   - audio: what it decodes to; 0: that is not known.
    func identity(file: UInt8 = 0, audio: UInt8 = 0) -> AudioIdentity {
        AudioIdentity(
            fileHash: file == 0 ? [] : Array(repeating: file, count: 32),
            audioHash: audio == 0 ? [] : Array(repeating: audio, count: 32), durationMs: durationMs,
            fingerprint: subFingerprints.flatMap { value in
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
            })
    }
}

extension AnalysisResult {
    /// What the analyzer `audio` says of a song.
    static func heard(_ identity: AudioIdentity, version: String = "1", createdAtMs: Int64 = 1000) -> AnalysisResult {
        AnalysisResult(
            analyzer: AnalyzerVersion(name: "audio", version: version), json: Array("{}".utf8),
            createdAtMs: createdAtMs,
            identity: identity)
    }
}

extension TestLane {
    /// Has the worker analyse a song of user `u`.
    func analyse(_ song: String, _ identity: AudioIdentity, version: String = "1") async throws {
        _ = try await enqueue(.song, song, force: true)
        let results = [AnalysisResult.heard(identity, version: version)]
        let sound = try await AcousticTwins(userID: "u", lane: "0", store: store).sound(of: song, results: results)
        _ = try await exchange(try await exchange(), .analysed(Analysed(results: results)), sound: sound)
    }

    /// "<song> <whether it is identical>" of each twin, the most similar first.
    func twins(of song: String) async throws -> [String] {
        let library = Library(userID: "u", lane: "0", analyzers: .builtIn, store: store)
        return try await library.song(song).twins.map { "\($0.song?.id ?? "") \($0.identical)" }
    }

    /// What stands of user `u` in the lane about how songs sound.
    func sounds() async throws -> [String] {
        let names = try await store.run(\.scan, lane: "0", [0, 10_000_000, "user:u:*"]).elements?.last?.elements ?? []
        return names.compactMap(\.text).filter { name in
            ["contents", "identical", "landmark", "twins"].contains { name.dropFirst("user:u:".count).hasPrefix($0) }
        }
    }
}
