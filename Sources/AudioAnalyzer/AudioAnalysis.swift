// The analysis of one file in one pass: every block is decoded once, handed to each measurement and forgotten. What remains
// grows by about 600 bytes per second of sound, so that the length of a file does not matter.
import AnalysisAPI
import Glibc

/// The measurements of one file, fed by its decoder.
final class AudioAnalysis {
    private let decoder: AudioDecoder
    private let loudness: LoudnessMeter
    private let truePeak: TruePeakMeter
    private let spectrum: SpectralDescriptors
    private var waveform = WaveformPeaks()
    private let downmix: Downmix
    private var hash: AudioHash

    /// What needs no more than a quarter of the usual sample rate shares one resampled stream.
    private let resampler: Resampler
    private let onsets: OnsetStrength
    private let pitches: PitchProfile
    private let fingerprint: Fingerprint

    init(_ decoder: AudioDecoder) throws {
        self.decoder = decoder
        loudness = try LoudnessMeter(sampleRate: decoder.sampleRate, positions: decoder.positions)
        truePeak = TruePeakMeter(sampleRate: decoder.sampleRate, channelCount: decoder.positions.count)
        spectrum = try SpectralDescriptors(sampleRate: decoder.sampleRate)
        downmix = Downmix(positions: decoder.positions)
        hash = AudioHash(sampleRate: decoder.sampleRate, channelCount: decoder.positions.count)
        resampler = try Resampler(from: decoder.sampleRate, to: Resampler.lowRate)
        onsets = try OnsetStrength()
        pitches = try PitchProfile()
        fingerprint = try Fingerprint()
    }

    /// Decodes and measures a little more. False at the end of the file. Throws a `Rejection` where the file is damaged.
    func step() throws -> Bool {
        guard let block = try decoder.next() else {
            truePeak.finish()
            measureLowRate(try resampler.finish())
            fingerprint.finish()
            return false
        }
        try loudness.measure(block)
        truePeak.measure(block)
        waveform.measure(block)
        hash.measure(block)
        let mono = downmix.mix(block)
        spectrum.measure(mono)
        measureLowRate(try resampler.resample(mono))
        return true
    }

    private func measureLowRate(_ samples: UnsafeBufferPointer<Float>) {
        onsets.measure(samples)
        pitches.measure(samples)
        fingerprint.measure(samples)
    }

    /// What tells whether another song sounds the same, after the last step; but for the hash of the file.
    var identity: AudioIdentity {
        AudioIdentity(
            audioHash: hash.finish(), durationMs: UInt64((decoder.decodedSeconds * 1000).rounded()),
            fingerprint: fingerprint.subFingerprints.flatMap { value in
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
            })
    }

    /// What was found, after the last step.
    func result() throws -> AudioResult {
        let tempo = try TempoEstimate(envelope: onsets.envelope, framesPerSecond: OnsetStrength.framesPerSecond)
        let key = pitches.classes.flatMap { KeyEstimate(classes: $0) }
        let peak = Double(truePeak.peak)
        return AudioResult(
            durationSeconds: decoder.decodedSeconds.rounded(toPlaces: 3),
            sampleRate: decoder.sampleRate,
            channels: decoder.positions.count,
            codec: decoder.container.codecName,
            bitRate: decoder.container.bitRate,
            loudness: AudioResult.Loudness(
                integratedLufs: loudness.integratedLUFS?.rounded(toPlaces: 2),
                rangeLu: loudness.rangeLU.rounded(toPlaces: 2),
                truePeakDbtp: peak > 0 ? (20 * log10(peak)).rounded(toPlaces: 2) : nil),
            tempo: AudioResult.Tempo(
                bpm: tempo?.beatsPerMinute.rounded(toPlaces: 2),
                confidence: (tempo?.confidence ?? 0).rounded(toPlaces: 3),
                beats: tempo.map(beats) ?? []),
            key: key.map { AudioResult.Key($0) },
            fingerprint: fingerprint.text,
            spectrum: AudioResult.Spectrum(
                centroidHz: spectrum.centroidHz?.rounded(toPlaces: 1),
                flatness: spectrum.flatness?.rounded(toPlaces: 5)),
            waveform: AudioResult.Waveform(
                peaks: waveform.outline.map { [Self.level($0.low), Self.level($0.high)] },
                secondsPerPeak: (Double(waveform.samplesPerPeak) / Double(decoder.sampleRate)).rounded(toPlaces: 6)))
    }

    private func beats(_ tempo: TempoEstimate) -> [Double] {
        let period = 60 * OnsetStrength.framesPerSecond / tempo.beatsPerMinute
        return BeatTracker.beats(envelope: onsets.envelope, period: period).map { frame in
            (Double(frame) / OnsetStrength.framesPerSecond + OnsetStrength.attackSeconds).rounded(toPlaces: 3)
        }
    }

    /// -127 to 127, where 127 is full scale.
    private static func level(_ sample: Float) -> Int { Int((max(-1, min(1, sample)) * 127).rounded()) }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        let scale = pow(10, Double(places))
        return (self * scale).rounded() / scale
    }
}
