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

    /// 0.74 s: semitones are apart from 65 Hz up.
    private static let size = 8192
    private static let stepsPerSemitone = 10
    /// Below, semitones cannot be told apart; above, there are mostly overtones.
    private static let lowestHz = 60.0
    private static let highestHz = 2000.0
    /// A peak counts when it is within 40 dB of the strongest one in its window and above -80 dB of full scale.
    private static let weakestPeak: Float = 0.01
    private static let silence: Float = 1e-4

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
        let binHz = Double(Self.sampleRate) / Double(Self.size)
        let bins = Int(Self.lowestHz / binHz)...Int(Self.highestHz / binHz)
        let magnitude = magnitudes.reserve(power.count)
        var strongest: Float = 0
        for bin in bins.lowerBound - 1...bins.upperBound + 1 {
            // Above 0, because its logarithm is taken.
            magnitude[bin] = max(power[bin].squareRoot(), 1e-9)
            strongest = max(strongest, magnitude[bin])
        }
        guard strongest > Self.silence else { return }
        for bin in bins {
            let (before, top, after) = (magnitude[bin - 1], magnitude[bin], magnitude[bin + 1])
            guard top > before, top >= after, top > Self.weakestPeak * strongest else { continue }
            let (a, b, c) = (log(before), log(top), log(after))
            let offset = 0.5 * (a - c) / (a - 2 * b + c)
            let pitch = 12 * log2((Double(bin) + Double(offset)) * binHz / 440) + 9
            // The root keeps one loud tone from hiding the harmony; relative to the window, loud passages do not weigh more.
            let weight = Double((top / strongest).squareRoot())
            sines += weight * sin(2 * .pi * pitch)
            cosines += weight * cos(2 * .pi * pitch)
            let steps = Int((pitch * Double(Self.stepsPerSemitone)).rounded())
            octave[(steps % octave.count + octave.count) % octave.count] += weight
        }
    }
}
