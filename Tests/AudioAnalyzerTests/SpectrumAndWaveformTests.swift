// Spectral descriptors, the waveform's outline and the fingerprint.
import Testing

@testable import AudioAnalyzer

@Suite struct SpectrumTests {
    @Test(arguments: [200.0, 1000, 9000])
    func centroidOfASineIsItsFrequency(hertz: Double) throws {
        let spectrum = try spectrum(of: Signal.tone(hertz: hertz, passages: [(dBFS: -6, seconds: 1)], channelCount: 1))
        #expect(abs(try #require(spectrum.centroidHz) - hertz) < 0.05 * hertz)
        #expect(try #require(spectrum.flatness) < 0.001)
    }

    @Test func whiteNoiseIsFlatWithItsCentroidInTheMiddle() throws {
        let spectrum = try spectrum(of: Signal.noise(seconds: 4))
        #expect(abs(try #require(spectrum.centroidHz) - 12_000) < 200)
        // e to the power of minus Euler's constant.
        #expect(abs(try #require(spectrum.flatness) - 0.5615) < 0.01)
    }

    @Test func silenceIsLeftOut() throws {
        var signal = Signal.noise(seconds: 1)
        signal.channels[0] += [Float](repeating: 0, count: 480_000)
        #expect(abs(try #require(try spectrum(of: signal).flatness) - 0.5615) < 0.02)
        #expect(try spectrum(of: Signal(sampleRate: 48_000, channels: [[0, 0]])).centroidHz == nil)
    }

    private func spectrum(of signal: Signal) throws -> SpectralDescriptors {
        let spectrum = try SpectralDescriptors(sampleRate: signal.sampleRate)
        signal.forEachBlock { spectrum.measure($0.samples(ofChannel: 0)) }
        return spectrum
    }
}

@Suite struct WaveformTests {
    @Test(arguments: [1, 127, 128, 5000, 262_144, 262_145, 1_000_000])
    func outlineCoversEverySampleOnceAtAnyLength(count: Int) {
        // A ramp: the extremes of each stretch are its ends.
        let samples = (0..<count).map { Float($0) }
        var peaks = WaveformPeaks()
        Signal(sampleRate: 48_000, channels: [samples]).forEachBlock(ofSize: 997) { peaks.measure($0) }
        let outline = peaks.outline
        let each = peaks.samplesPerPeak
        #expect(outline.count == (count + each - 1) / each)
        #expect(outline.count <= WaveformPeaks.capacity)
        #expect(count < 262_144 || outline.count >= WaveformPeaks.capacity / 2)
        for (index, range) in outline.enumerated() {
            #expect(range == .init(low: Float(index * each), high: Float(min(count, (index + 1) * each) - 1)))
        }
    }
}

@Suite struct FingerprintTests {
    @Test func theSameSoundHasTheSameFingerprintAtAnyLevel() throws {
        let music = Signal.chords((0..<40).map { [60 + $0 * 5 % 12, 64 + $0 * 7 % 12] })
        var softer = music
        softer.channels[0] = softer.channels[0].map { $0 * 0.5 }
        let fingerprint = try self.fingerprint(of: music)
        #expect(fingerprint.hasPrefix("AQ"))
        #expect(try self.fingerprint(of: softer).count == fingerprint.count)
        #expect(try self.fingerprint(of: music) == fingerprint)
        #expect(try self.fingerprint(of: Signal.noise(seconds: 20, sampleRate: Fingerprint.sampleRate)) != fingerprint)
    }

    private func fingerprint(of signal: Signal) throws -> String {
        let fingerprint = try Fingerprint()
        signal.forEachBlock { fingerprint.measure($0.samples(ofChannel: 0)) }
        fingerprint.finish()
        return fingerprint.text
    }
}
