// Loudness against the test signals of EBU Tech 3341 (programme loudness) and EBU Tech 3342 (loudness range).
import Testing

@testable import AudioAnalyzer

@Suite struct LoudnessTests {
    /// Tech 3341, table 1, cases 1 to 5: level in dBFS and seconds of each passage of a stereo sine of 1 kHz.
    @Test(
        arguments: [
            (passages: [(-23.0, 20.0)], lufs: -23.0),
            (passages: [(-33, 20)], lufs: -33),
            (passages: [(-36, 10), (-23, 60), (-36, 10)], lufs: -23),
            (passages: [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], lufs: -23),
            (passages: [(-26, 20), (-20, 20.1), (-26, 20)], lufs: -23),
        ] as [(passages: [(Double, Double)], lufs: Double)])
    func integratedLoudnessIsThatOfEBUTech3341(passages: [(Double, Double)], lufs: Double) throws {
        let signal = Signal.tone(passages: passages.map { (dBFS: $0.0, seconds: $0.1) })
        let meter = try meter(of: signal, positions: [.left, .right])
        #expect(abs(try #require(meter.integratedLUFS) - lufs) <= 0.1)
    }

    /// Tech 3341, case 6: five channels at different levels.
    @Test func surroundChannelsWeighAsInEBUTech3341() throws {
        var signal = Signal(sampleRate: 48_000, channels: [])
        for level in [-28.0, -28, -24, -30, -30] {
            signal.channels += Signal.tone(passages: [(dBFS: level, seconds: 20)], channelCount: 1).channels
        }
        let meter = try meter(of: signal, positions: [.left, .right, .center, .surroundLeft, .surroundRight])
        #expect(abs(try #require(meter.integratedLUFS) - -23) <= 0.1)
    }

    @Test func lowFrequencyEffectsAreNotMeasured() throws {
        let quiet = Signal.tone(passages: [(dBFS: -33, seconds: 5)], channelCount: 1)
        let loud = Signal.tone(passages: [(dBFS: -3, seconds: 5)], channelCount: 1)
        let signal = Signal(sampleRate: 48_000, channels: quiet.channels + quiet.channels + loud.channels)
        let meter = try meter(of: signal, positions: [.left, .right, .unmeasured])
        #expect(abs(try #require(meter.integratedLUFS) - -33) <= 0.1)
    }

    /// Tech 3342, table 1, cases 1 to 4.
    @Test(
        arguments: [
            (levels: [-20.0, -30], rangeLU: 10.0),
            (levels: [-20, -15], rangeLU: 5),
            (levels: [-40, -20], rangeLU: 20),
            (levels: [-50, -35, -20, -35, -50], rangeLU: 15),
        ] as [(levels: [Double], rangeLU: Double)])
    func loudnessRangeIsThatOfEBUTech3342(levels: [Double], rangeLU: Double) throws {
        let signal = Signal.tone(passages: levels.map { (dBFS: $0, seconds: 20) })
        #expect(abs(try meter(of: signal, positions: [.left, .right]).rangeLU - rangeLU) <= 1)
    }

    @Test func silenceHasNoLoudness() throws {
        let silence = Signal(sampleRate: 48_000, channels: [[Float](repeating: 0, count: 96_000)])
        #expect(try meter(of: silence, positions: [.left]).integratedLUFS == nil)
    }

    private func meter(of signal: Signal, positions: [SpeakerPosition]) throws -> LoudnessMeter {
        let meter = try LoudnessMeter(sampleRate: signal.sampleRate, positions: positions)
        try signal.forEachBlock { try meter.measure($0) }
        return meter
    }
}
