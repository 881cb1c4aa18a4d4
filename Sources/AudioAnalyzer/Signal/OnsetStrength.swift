// How strongly something begins at each moment: the rise of loudness in each of some bands, as pitch is heard (spectral flux).
import CAudio
import Glibc

/// Makes the onset strength envelope of mono samples at `sampleRate`, one value every `hop` samples.
final class OnsetStrength {
    static let sampleRate = Resampler.lowRate
    static let hop = 128
    static let framesPerSecond = Double(sampleRate) / Double(hop)
    /// The time from the first sample of a frame to the attack that makes it peak: the flux, being logarithmic, is highest as
    /// soon as the attack has come into the last quarter of the window.
    static let attackSeconds = 0.75 * Double(size) / Double(sampleRate)

    /// One value per frame, from 0 up, in dB of rise averaged over the bands.
    private(set) var envelope: [Float] = []

    private let fft: RealFFT
    private var window = SlidingWindow(size: size, hop: hop)
    private let bands: [Band]
    /// The levels of the last `lag + 1` frames in turn.
    private var levels: [[Float]]
    private var frame = 0

    private static let size = 1024
    private static let bandCount = 40
    /// A rise is measured over this many frames, about 23 ms.
    private static let lag = 2
    /// What is softer than -80 dB of full scale does not begin.
    private static let floor: Float = 1e-8

    /// A triangle over neighbouring bins.
    private struct Band {
        let firstBin: Int
        let weights: [Float]
    }

    init() throws(OutOfMemory) {
        fft = try RealFFT(size: Self.size)
        bands = Self.melBands()
        levels = Array(repeating: Array(repeating: 0, count: Self.bandCount), count: Self.lag + 1)
    }

    func measure(_ mono: UnsafeBufferPointer<Float>) {
        window.append(mono) { samples in
            fft.transform(samples)
            envelope.append(rise())
        }
    }

    private func rise() -> Float {
        let now = frame % (Self.lag + 1)
        let before = (frame + 1) % (Self.lag + 1)
        var sum: Float = 0
        for (index, band) in bands.enumerated() {
            var power = Self.floor
            for (offset, weight) in band.weights.enumerated() { power += weight * fft.power[band.firstBin + offset] }
            let level = 10 * log10(power)
            levels[now][index] = level
            sum += max(0, level - levels[before][index])
        }
        frame += 1
        // The first frames have nothing to rise from.
        return frame <= Self.lag ? 0 : sum / Float(Self.bandCount)
    }

    /// Triangular bands of equal width on the mel scale, each with a sum of weights of 1.
    private static func melBands() -> [Band] {
        func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
        func hertz(_ mel: Double) -> Double { 700 * (pow(10, mel / 2595) - 1) }
        let binWidth = Double(sampleRate) / Double(size)
        let (lowest, highest) = (mel(30), mel(Double(sampleRate) / 2))
        let edges = (0..<bandCount + 2).map { index in
            hertz(lowest + (highest - lowest) * Double(index) / Double(bandCount + 1)) / binWidth
        }
        return (0..<bandCount).map { index in
            let (low, middle, high) = (edges[index], edges[index + 1], edges[index + 2])
            // Where a band is narrower than a bin, it takes the nearest one.
            let first = min(Int(low.rounded(.up)), Int(middle.rounded()))
            let last = min(max(Int(high.rounded(.down)), Int(middle.rounded())), size / 2)
            let weights = (first...last).map { bin -> Double in
                let x = Double(bin)
                return max(x < middle ? (x - low) / (middle - low) : (high - x) / (high - middle), 0)
            }
            let sum = weights.reduce(0, +)
            return Band(
                firstBin: first, weights: weights.map { Float(sum > 0 ? $0 / sum : 1 / Double(weights.count)) })
        }
    }
}
