// True peaks between the samples, against the test signals of EBU Tech 3341 (cases 15 to 23).
import Glibc
import Testing

@testable import AudioAnalyzer

@Suite struct TruePeakTests {
    /// Cases 15 to 19: sines whose highest points lie between the samples.
    @Test(arguments: [
        (partOfRate: 4.0, degrees: 0.0, amplitude: 0.5, dBTP: -6.0),
        (partOfRate: 4, degrees: 45, amplitude: 0.5, dBTP: -6),
        (partOfRate: 6, degrees: 60, amplitude: 0.5, dBTP: -6),
        (partOfRate: 8, degrees: 67.5, amplitude: 0.5, dBTP: -6),
        (partOfRate: 4, degrees: 45, amplitude: 1.41, dBTP: 3),
    ])
    func peaksOfSinesAreThoseOfEBUTech3341(partOfRate: Double, degrees: Double, amplitude: Double, dBTP: Double) {
        let samples = (0..<48_000).map { index in
            // Faded in and out, because a sudden start or end would have peaks of its own.
            let fade = min(1, Double(index) / 1000, Double(48_000 - index) / 1000)
            return Float(fade * amplitude * sin(2 * .pi * (Double(index) / partOfRate + degrees / 360)))
        }
        #expect(abs(peak(samples) - dBTP) <= 0.3)
    }

    /// Cases 20 to 23: a single peak of full scale in a sine of half of it, sampled at four places between two samples.
    @Test(arguments: [0.0, 0.25, 0.5, 0.75])
    func aSinglePeakBetweenSamplesIsFound(offset: Double) {
        let samples = (0..<48_000).map { index -> Float in
            let x = Double(index) - 24_000 + offset
            let sine = 0.5 * cos(2 * .pi * x / 6)
            // A bump within the lowest sixth of the spectrum.
            let bump = 0.5 * exp(-0.5 * (x / 2.5) * (x / 2.5)) * cos(2 * .pi * x / 6)
            return Float(sine + bump)
        }
        #expect(abs(peak(samples)) <= 0.3)
    }

    @Test func skippingSoftStretchesChangesNothing() {
        // Loud bursts in soft music, in blocks of odd sizes: what is skipped must not have held the peak.
        let noise = Signal.noise(seconds: 1).channels[0]
        let samples = noise.enumerated().map { index, sample in
            sample * Float(0.1 + 0.9 * pow(sin(Double(index) / 900), 8))
        }
        let whole = peak(samples, blockSize: 48_000)
        for size in [1, 7, 64, 1000] { #expect(abs(peak(samples, blockSize: size) - whole) < 0.0001) }
    }

    @Test(arguments: [8000, 44_100, 96_000, 192_000])
    func aPeakAtTheVeryEndIsFound(sampleRate: Int) {
        var samples = [Float](repeating: 0, count: 1000)
        samples[999] = 0.5
        #expect(abs(peak(samples, sampleRate: sampleRate) - -6.02) <= 0.3)
    }

    private func peak(_ samples: [Float], blockSize: Int = 1024, sampleRate: Int = 48_000) -> Double {
        let meter = TruePeakMeter(sampleRate: sampleRate, channelCount: 1)
        Signal(sampleRate: sampleRate, channels: [samples]).forEachBlock(ofSize: blockSize) { meter.measure($0) }
        meter.finish()
        return 20 * log10(Double(meter.peak))
    }
}
