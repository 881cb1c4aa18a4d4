// How much of each pitch class a piece holds, whatever its tuning.
import CAudio
import Glibc

/// Gathers the pitch classes of the tones in mono samples at `sampleRate`.
///
/// The pitches of spectral peaks go into a circle of an octave, divided ten times finer than semitones, so that the
/// tuning can be found at the end, when all tones have been heard.
final class PitchProfile {
    static let sampleRate = Resampler.lowRate

    private let fft: RealFFT
    private var window = SlidingWindow(size: size, hop: size / 2)
    private var magnitudes = SampleBuffer(capacity: size / 2 + 1)
    private var octave = [Double](repeating: 0, count: 12 * stepsPerSemitone)
    private var sines = 0.0
    private var cosines = 0.0

    /// 0.74 s: chords change more slowly, and single bass notes are found from 40 Hz up.
    private static let size = 8192
    private static let stepsPerSemitone = 10
    private static let binHz = Double(sampleRate) / Double(size)
    private static let bins = Int(40 / binHz)...Int(2000 / binHz)
    /// What tells a tone from noise: within 40 dB of the strongest one in its window, and twice as high as its surroundings.
    private static let weakestPeak: Float = 0.01
    private static let surroundings = 15
    private static let prominence: Float = 2
    /// Windows without a tone above -80 dB of full scale are left out.
    private static let silence: Float = 1e-4

    private struct Tone {
        let pitch: Double
        let weight: Double
    }

    init() throws(OutOfMemory) { fft = try RealFFT(size: Self.size) }

    func measure(_ mono: UnsafeBufferPointer<Float>) {
        window.append(mono) { samples in
            fft.transform(samples)
            addPeaks(fft.power)
        }
    }

    /// The share of each pitch class from C to B, with a sum of 1; nil where there were no tones.
    var classes: [Double]? {
        let total = octave.reduce(0, +)
        guard total > 0 else { return nil }
        // How far the tones lie from those of A = 440 Hz on the whole, -1/2 to 1/2 semitones.
        let tuning = atan2(sines, cosines) / (2 * .pi)
        var classes = [Double](repeating: 0, count: 12)
        for (step, weight) in octave.enumerated() {
            let position = Double(step) / Double(Self.stepsPerSemitone) - tuning
            let nearest = position.rounded()
            // A tone halfway between two classes tells nothing of either.
            let closeness = cos(.pi * (position - nearest))
            classes[(Int(nearest) + 12) % 12] += weight * closeness * closeness / total
        }
        return classes
    }

    private func addPeaks(_ power: UnsafeMutableBufferPointer<Float>) {
        let tones = tones(power)
        let total = tones.reduce(0) { $0 + $1.weight }
        for tone in tones {
            // Every window weighs the same, so that loud passages do not hide the others.
            let weight = tone.weight / total
            sines += weight * sin(2 * .pi * tone.pitch)
            cosines += weight * cos(2 * .pi * tone.pitch)
            let step = Int((tone.pitch * Double(Self.stepsPerSemitone)).rounded()) % octave.count
            octave[step < 0 ? step + octave.count : step] += weight
        }
    }

    /// The spectral peaks, with their pitches in semitones above the C below A = 440 Hz.
    private func tones(_ power: UnsafeMutableBufferPointer<Float>) -> [Tone] {
        let bins = Self.bins
        let reach = Self.surroundings
        let magnitude = magnitudes.reserve(power.count)
        let last = bins.upperBound + reach
        for bin in 0...last {
            // Above 0, because its logarithm is taken.
            magnitude[bin] = max(power[bin].squareRoot(), 1e-9)
        }
        let strongest = bins.reduce(0) { max($0, magnitude[$1]) }
        guard strongest > Self.silence else { return [] }

        var tones: [Tone] = []
        var around = (bins.lowerBound - reach..<bins.lowerBound + reach).reduce(0) { $0 + magnitude[$1] }
        for bin in bins {
            defer { around += magnitude[bin + reach] - magnitude[bin - reach] }
            let (before, top, after) = (magnitude[bin - 1], magnitude[bin], magnitude[bin + 1])
            guard top > before, top >= after, top > Self.weakestPeak * strongest,
                top * Float(2 * reach) > Self.prominence * around
            else { continue }
            let (a, b, c) = (log(before), log(top), log(after))
            let hertz = (Double(bin) + Double(0.5 * (a - c) / (a - 2 * b + c))) * Self.binHz
            // The higher an octave, the more bins and so the more peaks it has: each octave is to weigh the same.
            tones.append(Tone(pitch: 12 * log2(hertz / 440) + 9, weight: Double(top) / hertz))
        }
        return tones
    }
}
