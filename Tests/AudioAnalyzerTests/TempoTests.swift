// Tempo and beats of click tracks, whose truth is known.
import Testing

@testable import AudioAnalyzer

@Suite struct TempoTests {
    @Test(arguments: Array(stride(from: 60.0, through: 180, by: 5)))
    func tempoOfClicksIsRightOrAnOctaveOffWithLowConfidence(perMinute: Double) throws {
        let tempo = try #require(try tempo(of: Signal.clicks(perMinute: perMinute, seconds: 20)))
        func matches(_ other: Double) -> Bool { abs(tempo.beatsPerMinute / other - 1) <= 0.01 }
        #expect(
            matches(perMinute) || ((matches(perMinute / 2) || matches(perMinute * 2)) && tempo.confidence < 0.2),
            "\(tempo)")
    }

    @Test(arguments: Array(stride(from: 60.0, through: 130, by: 10)))
    func tempoThatNoOctaveRivalsIsSure(perMinute: Double) throws {
        let tempo = try #require(try tempo(of: Signal.clicks(perMinute: perMinute, seconds: 20)))
        #expect(abs(tempo.beatsPerMinute / perMinute - 1) <= 0.01)
        #expect(tempo.confidence > 0.5)
    }

    @Test func noiseHasATempoThatIsNotSure() throws {
        let noise = Signal.noise(seconds: 20, sampleRate: Resampler.lowRate)
        #expect((try tempo(of: noise)?.confidence ?? 0) < 0.3)
    }

    @Test func silenceHasNoTempo() throws {
        let silence = Signal(sampleRate: Resampler.lowRate, channels: [[Float](repeating: 0, count: 200_000)])
        #expect(try tempo(of: silence) == nil)
    }

    @Test(arguments: [70.0, 100, 128, 150])
    func beatsAreWhereTheClicksAre(perMinute: Double) throws {
        let envelope = try envelope(of: Signal.clicks(perMinute: perMinute, seconds: 20))
        let period = 60 * OnsetStrength.framesPerSecond / perMinute
        let beats = BeatTracker.beats(envelope: envelope, period: period).map {
            Double($0) / OnsetStrength.framesPerSecond + OnsetStrength.attackSeconds
        }
        let clicks = Array(stride(from: 0.5, to: 19.97, by: 60 / perMinute))
        #expect(beats.count == clicks.count)
        for (beat, click) in zip(beats, clicks) { #expect(abs(beat - click) < 0.025) }
    }

    @Test func beatsFollowATempoThatDrifts() throws {
        // Steps that shrink from 0.55 s to 0.45 s.
        var times: [Double] = [0.5]
        while let last = times.last, last < 30 { times.append(last + 0.55 - 0.1 * last / 30) }
        var envelope = [Float](repeating: 0, count: Int(31 * OnsetStrength.framesPerSecond))
        for time in times { envelope[Int((time * OnsetStrength.framesPerSecond).rounded())] = 1 }
        let beats = BeatTracker.beats(envelope: envelope, period: 0.5 * OnsetStrength.framesPerSecond)
        #expect(beats == times.map { Int(($0 * OnsetStrength.framesPerSecond).rounded()) })
    }

    private func tempo(of signal: Signal) throws -> TempoEstimate? {
        try TempoEstimate(envelope: envelope(of: signal), framesPerSecond: OnsetStrength.framesPerSecond)
    }

    private func envelope(of signal: Signal) throws -> [Float] {
        let onsets = try OnsetStrength()
        signal.forEachBlock { onsets.measure($0.samples(ofChannel: 0)) }
        return onsets.envelope
    }
}
