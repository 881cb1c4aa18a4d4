// Keys of scales and cadences in all 24 keys.
import Testing

@testable import AudioAnalyzer

@Suite struct KeyTests {
    /// Both modes of every tonic.
    private static let keys = (0..<12).flatMap { tonic in [(tonic, KeyEstimate.Mode.major), (tonic, .minor)] }

    @Test func scalesAreInTheirKeys() throws {
        #expect(try rightKeys(of: Self.scale) >= 22)
    }

    @Test func cadencesAreInTheirKeys() throws {
        #expect(try rightKeys(of: Self.cadence) >= 22)
    }

    @Test(arguments: [428.0, 435, 446, 450])
    func tuningDoesNotChangeTheKey(concertPitch: Double) throws {
        #expect(try rightKeys(of: Self.cadence, concertPitch: concertPitch) >= 22)
    }

    @Test func noiseDoesNotChangeTheKey() throws {
        let right = try Self.keys.filter { tonic, mode in
            var signal = Signal.chords(Self.cadence(tonic, mode))
            let noise = Signal.noise(seconds: 10, sampleRate: signal.sampleRate).channels[0]
            for index in signal.channels[0].indices { signal.channels[0][index] += 0.1 * noise[index % noise.count] }
            let key = try key(of: signal)
            return key?.tonic == tonic && key?.mode == mode
        }
        #expect(right.count >= 22)
    }

    @Test func keysAreNamedAsMusiciansDo() throws {
        let aMinor = try #require(try key(of: Self.cadence(9, .minor)))
        #expect(aMinor.name == "A minor")
        #expect(aMinor.camelot == "8A")
        let eFlat = try #require(try key(of: Self.cadence(3, .major)))
        #expect(eFlat.name == "Eb major")
        #expect(eFlat.camelot == "5B")
    }

    @Test func aChromaticScaleHasNoSureKey() throws {
        let notes = (0..<48).map { [60 + $0 % 12] }
        #expect((try key(of: notes)?.confidence ?? 0) < 0.1)
    }

    @Test func silenceHasNoKey() throws {
        let profile = try PitchProfile()
        let silence = Signal(sampleRate: PitchProfile.sampleRate, channels: [[Float](repeating: 0, count: 50_000)])
        silence.forEachBlock { profile.measure($0.samples(ofChannel: 0)) }
        #expect(profile.classes == nil)
    }

    private func rightKeys(
        of music: (Int, KeyEstimate.Mode) -> [[Int]], concertPitch: Double = 440
    ) throws -> Int {
        try Self.keys.filter { tonic, mode in
            let key = try key(of: music(tonic, mode), concertPitch: concertPitch)
            return key?.tonic == tonic && key?.mode == mode
        }.count
    }

    private func key(of chords: [[Int]], concertPitch: Double = 440) throws -> KeyEstimate? {
        try key(of: Signal.chords(chords, concertPitch: concertPitch))
    }

    private func key(of signal: Signal) throws -> KeyEstimate? {
        let profile = try PitchProfile()
        signal.forEachBlock { profile.measure($0.samples(ofChannel: 0)) }
        return profile.classes.flatMap { KeyEstimate(classes: $0) }
    }

    /// Up and down, with the tonic at both ends and in the middle; harmonic minor upwards.
    private static func scale(_ tonic: Int, _ mode: KeyEstimate.Mode) -> [[Int]] {
        let up = mode == .major ? [0, 2, 4, 5, 7, 9, 11, 12] : [0, 2, 3, 5, 7, 8, 11, 12]
        let down = mode == .major ? [12, 11, 9, 7, 5, 4, 2, 0] : [12, 10, 8, 7, 5, 3, 2, 0]
        return (up + down).map { [60 + tonic + $0] }
    }

    /// I IV V I, or i iv V i, with the root in the bass.
    private static func cadence(_ tonic: Int, _ mode: KeyEstimate.Mode) -> [[Int]] {
        let third = mode == .major ? 4 : 3
        let first = [-12, 0, third, 7]
        let fourth = [-7, 5, 5 + third, 12]
        let fifth = [-5, 7, 11, 14]
        return [first, fourth, fifth, first, first, fourth, fifth, first].map { $0.map { 60 + tonic + $0 } }
    }
}
