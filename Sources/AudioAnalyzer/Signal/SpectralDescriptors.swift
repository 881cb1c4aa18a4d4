// How bright a sound is (spectral centroid) and how noise-like (spectral flatness), on average over a song.
import CAudio
import Glibc

/// Averages the spectral centroid and flatness of mono samples over all windows that are not silent.
///
/// Centroid: the mean frequency weighted by magnitude. Flatness: the geometric over the arithmetic mean of the power, 0 for
/// a pure tone; white noise has e^-γ, about 0.56, because a single window's power varies from bin to bin.
final class SpectralDescriptors {
    private let sampleRate: Double
    private let fft: RealFFT
    private var window = SlidingWindow(size: size, hop: size)
    private var centroidSum = 0.0
    private var flatnessSum = 0.0
    private var windowCount = 0

    private static let size = 2048
    /// Windows below -100 dB of full scale count as silence.
    private static let silence: Float = 1e-10

    init(sampleRate: Int) throws(OutOfMemory) {
        self.sampleRate = Double(sampleRate)
        fft = try RealFFT(size: Self.size)
    }

    func measure(_ mono: UnsafeBufferPointer<Float>) {
        window.append(mono) { samples in
            fft.transform(samples)
            describe(fft.power)
        }
    }

    /// In Hz; nil where all was silent.
    var centroidHz: Double? { windowCount == 0 ? nil : centroidSum / Double(windowCount) }
    /// 0 to 1; nil where all was silent.
    var flatness: Double? { windowCount == 0 ? nil : flatnessSum / Double(windowCount) }

    private func describe(_ power: UnsafeMutableBufferPointer<Float>) {
        // The bins of 0 Hz and of half the sample rate have no phase and would weigh differently.
        let bins = 1..<(power.count - 1)
        var powerSum = SIMD8<Float>()
        var magnitudeSum = SIMD8<Float>()
        var momentSum = SIMD8<Float>()
        var logSum = 0.0
        var positions = SIMD8<Float>(0, 1, 2, 3, 4, 5, 6, 7) + Float(bins.lowerBound)
        let start = UnsafePointer(power.baseAddress.unsafelyUnwrapped) + bins.lowerBound
        // 2048 samples have 1023 such bins: the last one is left out to make whole vectors.
        var products = SIMD4<Double>(repeating: 1)
        for group in 0..<(bins.count / 8) {
            let values = SIMD8(from: start + 8 * group)
            let magnitudes = values.squareRoot()
            powerSum += values
            magnitudeSum += magnitudes
            momentSum += magnitudes * positions
            positions += 8
            // A product of several values costs one logarithm; the floor keeps it within the range of a Double.
            let floored = values.highest(SIMD8(repeating: 1e-20))
            products *= SIMD4<Double>(floored.lowHalf) * SIMD4<Double>(floored.highHalf)
            if group % 4 == 3 {
                logSum += log(products[0]) + log(products[1]) + log(products[2]) + log(products[3])
                products = SIMD4(repeating: 1)
            }
        }
        logSum += log(products[0]) + log(products[1]) + log(products[2]) + log(products[3])
        let count = Double(bins.count / 8 * 8)
        let meanPower = Double(powerSum.sum()) / count
        guard meanPower > Double(Self.silence) / count else { return }
        let meanPosition = Double(momentSum.sum()) / Double(magnitudeSum.sum())
        centroidSum += meanPosition * sampleRate / Double(Self.size)
        flatnessSum += exp(logSum / count) / meanPower
        windowCount += 1
    }
}
