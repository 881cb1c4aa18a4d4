// True peak: the highest level between the samples, by interpolation (ITU-R BS.1770-4, annex 2).
import Glibc

/// Measures the true peak of a stream of blocks over all channels.
///
/// Each phase of the interpolator raises no signal by more than the sum of its coefficients' magnitudes, so a stretch
/// of samples whose peak, raised by that much, stays below what was already found is skipped: the result is the same.
final class TruePeakMeter {
    /// Full scale is 1.
    private(set) var peak: Float = 0

    private let phases: [[Float]]
    private let highestGain: Float
    /// Per channel the last samples of the block before, because the interpolator looks back.
    private let tails: [SampleBuffer]
    /// A channel's tail with the block behind it.
    private let line = SampleBuffer()

    private static let taps = 16
    private static let history = taps - 1
    private static let stretch = 64

    init(sampleRate: Int, channelCount: Int) {
        // Four times as many points up to 96 kHz, twice up to 192 kHz, as the recommendation has it.
        let factor = sampleRate < 96_000 ? 4 : sampleRate < 192_000 ? 2 : 1
        phases = (1..<factor).map { Self.coefficients(phase: Double($0) / Double(factor)) }
        highestGain = phases.map { $0.reduce(0) { $0 + abs($1) } }.max() ?? 0
        tails = (0..<channelCount).map { _ in SampleBuffer(capacity: Self.history) }
    }

    func measure(_ block: AudioBlock) {
        for (channel, tail) in tails.enumerated() { scan(block.samples(ofChannel: channel), behind: tail) }
    }

    /// Lets the last samples pass through the interpolator. To be called once, at the end.
    func finish() {
        let silence = [Float](repeating: 0, count: Self.taps / 2)
        silence.withUnsafeBufferPointer { silence in
            for tail in tails { scan(silence, behind: tail) }
        }
    }

    private func scan(_ new: UnsafeBufferPointer<Float>, behind tail: SampleBuffer) {
        guard let first = new.baseAddress, !new.isEmpty else { return }
        let samples = line.reserve(Self.history + new.count)
        let past = tail.reserve(Self.history)
        samples.update(from: past, count: Self.history)
        (samples + Self.history).update(from: first, count: new.count)
        past.update(from: samples + new.count, count: Self.history)
        scan(UnsafePointer(samples), count: new.count)
    }

    /// Looks at `count` samples, the first of which stands behind `history` earlier ones.
    private func scan(_ samples: UnsafePointer<Float>, count: Int) {
        var start = 0
        while start < count {
            let length = min(Self.stretch, count - start)
            let here = magnitude(samples + Self.history + start, length)
            peak = max(peak, here)
            // The interpolator sees this stretch and the samples before it.
            if max(here, magnitude(samples + start, Self.taps)) * highestGain > peak {
                for phase in phases { interpolate(samples + start, length, phase) }
            }
            start += length
        }
    }

    private func magnitude(_ samples: UnsafePointer<Float>, _ count: Int) -> Float {
        var lanes = SIMD8<Float>(repeating: 0)
        var index = 0
        while index + 8 <= count {
            lanes = lanes.highest(SIMD8(from: samples + index).magnitude)
            index += 8
        }
        var highest = lanes.highestLane
        while index < count {
            highest = max(highest, abs(samples[index]))
            index += 1
        }
        return highest
    }

    private func interpolate(_ samples: UnsafePointer<Float>, _ count: Int, _ phase: [Float]) {
        var lanes = SIMD8<Float>(repeating: 0)
        var index = 0
        phase.withUnsafeBufferPointer { phase in
            while index + 8 <= count {
                var sum = SIMD8<Float>(repeating: 0)
                for tap in 0..<Self.taps {
                    sum += SIMD8(from: samples + index + tap) * phase[tap]
                }
                lanes = lanes.highest(sum.magnitude)
                index += 8
            }
            while index < count {
                var sum: Float = 0
                for tap in 0..<Self.taps { sum += samples[index + tap] * phase[tap] }
                peak = max(peak, abs(sum))
                index += 1
            }
        }
        peak = max(peak, lanes.highestLane)
    }

    /// A sinc shifted by `phase` of a sample, under a Kaiser window, with a gain of 1 at 0 Hz.
    private static func coefficients(phase: Double) -> [Float] {
        let half = Double(taps) / 2
        let values = (0..<taps).map { tap -> Double in
            let x = Double(tap) - (half - 1) - phase
            let sinc = x == 0 ? 1 : sin(.pi * x) / (.pi * x)
            return sinc * besselI0(kaiserBeta * (1 - (x / half) * (x / half)).squareRoot())
        }
        let sum = values.reduce(0, +)
        return values.map { Float($0 / sum) }
    }

    /// A stop band of -50 dB: what leaks through stays far below the 0.3 dB that is promised.
    private static let kaiserBeta = 4.5

    /// The modified Bessel function of the first kind and order 0, by its power series.
    private static func besselI0(_ x: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        var k = 1.0
        while term > 1e-12 * sum {
            term *= (x / (2 * k)) * (x / (2 * k))
            sum += term
            k += 1
        }
        return sum
    }
}
