// What is promised about acoustic twins: other encodings of a song are found and linked, other songs are not, and nothing of it
// outlives a song.

import AnalysisAPI
import Jobs
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite struct AcousticTwinsTests {
    @Test(arguments: [(0.0, 0), (0.061, 0), (0.061, 40), (0.02, 79)])
    func anotherEncodingIsATwin(errors: Double, shift: Int) throws {
        let original = try #require(AcousticFingerprint(Melody(seed: 1).identity()))
        let melody = Melody(seed: 1).encoded(errors: errors, beginning: shift)
        let encoded = try #require(AcousticFingerprint(melody.identity()))
        for (first, second) in [(original, encoded), (encoded, original)] {
            let rate = try #require(first.bitErrorRate(to: second))
            #expect(abs(rate - errors) < 0.005 && rate <= AcousticFingerprint.threshold)
            #expect(!Set(first.landmarks).isDisjoint(with: second.subFingerprints), "it is found")
        }
    }

    @Test func otherMusicIsNoTwin() throws {
        let original = try #require(AcousticFingerprint(Melody(seed: 1).identity()))
        for seed in 2...20 {
            let other = try #require(AcousticFingerprint(Melody(seed: UInt64(seed)).identity()))
            #expect(try #require(original.bitErrorRate(to: other)) > 0.4)
        }
    }

    @Test func anEditThatBeginsAlikeIsNoTwinAndTooLittleSoundIsNotCompared() throws {
        let original = try #require(AcousticFingerprint(Melody(seed: 1).identity()))
        var longer = Melody(seed: 1)
        longer.durationMs += 10_001
        #expect(try #require(AcousticFingerprint(longer.identity())).bitErrorRate(to: original) == nil)
        #expect(AcousticFingerprint(Melody(seed: 1, count: 39).identity()) == nil)
    }

    @Test(arguments: RedisKind.allCases) func twinsAreLinkedBothWays(on redis: RedisKind) async throws {
        try await withLane(on: redis) { lane in
            try await lane.hold()
            try await lane.analyse("s1", Melody(seed: 1).identity(file: 1, audio: 1))
            try await lane.analyse("s2", Melody(seed: 2).identity(file: 2, audio: 2))
            try await lane.analyse("s3", Melody(seed: 1).encoded(errors: 0.05).identity(file: 3, audio: 3))
            try await lane.analyse("s4", Melody(seed: 1).identity(file: 4, audio: 1))
            #expect(try await lane.twins(of: "s1") == ["s4 true", "s3 false"])
            #expect(try await lane.twins(of: "s3") == ["s1 false", "s4 false"])
            #expect(try await lane.twins(of: "s2") == [])
            #expect(try await lane.verify() == [])
            // Analysed again, it sounds different.
            try await lane.analyse("s3", Melody(seed: 3).identity())
            #expect(try await lane.twins(of: "s1") == ["s4 true"])
            #expect(try await lane.twins(of: "s3") == [])
            #expect(try await lane.verify() == [])
        }
    }

    @Test func aTwinIsFoundInALargeLibrary() async throws {
        try await withLane { lane in
            try await lane.hold()
            // A stretch of silence that all have in common leads to none of them.
            for seed in 0..<300 {
                var melody = Melody(seed: UInt64(1000 + seed), count: 300)
                melody.subFingerprints += Array(repeating: 627_964_279, count: 100)
                let index = seed < 10 ? "s\(seed)" : "x\(seed)"
                try await lane.store.send(
                    "HSET", lane.store.keys.lane("0", .userLengths, "u"), index, 1000)
                try await lane.store.send(
                    "HSET", lane.store.keys.lane("0", .userSongs, "u"), index, Song(id: index).stored)
                try await lane.analyse(index, melody.identity())
            }
            var melody = Melody(seed: 1007, count: 300)
            melody.subFingerprints += Array(repeating: 627_964_279, count: 100)
            try await lane.analyse("s1", melody.encoded(errors: 0.05).identity())
            #expect(try await lane.twins(of: "s1") == ["s7 false"])
        }
    }

    @Test(arguments: ["removed", "changed", "expired"]) func whatASongSoundsLikeGoesWithIt(how: String) async throws {
        try await withLane { lane in
            try await lane.hold()
            try await lane.analyse("s1", Melody(seed: 1).identity(file: 1, audio: 1))
            let alone = Set(try await lane.sounds())
            try await lane.analyse("s2", Melody(seed: 1).encoded(errors: 0.05).identity(file: 2, audio: 2))
            #expect(try await lane.twins(of: "s1") == ["s2 false"])
            let writer = LibraryWriter(userID: "u", lane: "0", store: lane.store)
            func end(_ song: String) async throws {
                switch how {
                case "removed": _ = try await writer.remove(songs: [song])
                case "changed": _ = try await writer.write([Song(id: song, location: "other.ogg")])
                default:
                    _ = try await lane.store.run(
                        \.expireResults, lane: "0", ["u", RedisArgument(Int64.now + 1000), RedisArgument(song)])
                }
            }
            try await end("s2")
            #expect(try await lane.twins(of: "s1") == [])
            #expect(Set(try await lane.sounds()) == alone)
            try await end("s1")
            #expect(try await lane.sounds() == [])
            #expect(try await lane.verify() == [])
        }
    }

    static let damages: [VerificationTests.Planted] = [
        .init(
            "HSET", .userContents, of: "u", with: ["audio s7", "1 aa bb"], is: "there is no result audio s7, but what"),
        .init("HSET", .userContents, of: "u", with: ["audio s1", "?"], is: "there is no result audio s1, but what"),
        .init("DEL", .userIdentical, of: "u", is: "song s1 is not found by its content"),
        .init(
            "ZADD", .userIdentical, of: "u", with: ["0", "audio@1 aa s1"], is: "no song has the content audio@1 aa s1"),
        .init("HSET", .userLandmarks, of: "u", with: ["s99", "00000001"], is: "there is no song s99 to be found by"),
        .init(
            "HSET", .userLandmarkSongs, of: "u", with: ["00000001", "s7\n"], is: "song s7 does not sound like 00000001"),
        .init("DEL", .songTwins, of: "u", "s1", is: "song s1 is not linked to its twin s3"),
        .init("ZADD", .songTwins, of: "u", "s1", with: ["0.1", "s7"], is: "songs s1 and s7 are no twins"),
    ]

    @Test(arguments: damages) func damageIsFoundAndMended(_ planted: VerificationTests.Planted) async throws {
        try await withLane { lane in
            try await lane.hold()
            try await lane.analyse("s1", Melody(seed: 1).identity(file: 1, audio: 1))
            try await lane.analyse("s3", Melody(seed: 1).encoded(errors: 0.05).identity(file: 3, audio: 3))
            #expect(try await lane.verify() == [])
            let key = lane.store.keys.lane("0", planted.key, planted.ids)
            _ = try await lane.store.send(
                [RedisArgument(planted.command), RedisArgument(key)] + planted.arguments.map { RedisArgument($0) })
            let found = try await lane.verify()
            #expect(found.contains { $0.what.hasPrefix(planted.finding) }, "\(found)")
            #expect(Set(found.map(\.repair)) == [""])
            _ = try await lane.verify(repairs: true)
            #expect(try await lane.verify() == [])
        }
    }
}
