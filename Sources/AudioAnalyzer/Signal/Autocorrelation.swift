// How much a stretch of values resembles itself shifted in time, by way of its power spectrum (Wiener-Khinchin).
import Glibc

/// Autocorrelates stretches of one length.
final class Autocorrelation {
    private let length: Int
    private let fft: RealFFT
    private let buffer: SampleBuffer
    private let window: [Float]

    /// `length` is the number of values in a stretch.
    init(length: Int) throws(OutOfMemory) {
        self.length = length
        var size = 2
        while size < 2 * length { size *= 2 }
        fft = try RealFFT(size: size, window: .rectangular)
        buffer = SampleBuffer(capacity: size)
        window = (0..<length).map { Float(0.5 - 0.5 * cos(2 * .pi * Double($0) / Double(length))) }
    }

    /// Adds to `sums` the autocorrelation by lag of `length` values from `start` on, less their mean and under a Hann
    /// window; 1 at lag 0. Values outside of `values` count as 0. Adds nothing and returns false where all are equal.
    func add(_ values: [Float], from start: Int, to sums: inout [Double]) -> Bool {
        let stretch = buffer.reserve(fft.size)
        var mean: Float = 0
        for index in 0..<length {
            stretch[index] = values.indices.contains(start + index) ? values[start + index] : 0
            mean += stretch[index]
        }
        mean /= Float(length)
        for index in 0..<length { stretch[index] = (stretch[index] - mean) * window[index] }
        for index in length..<fft.size { stretch[index] = 0 }
        fft.transform(stretch)
        // The power spectrum is even, so that transforming it once more leads back to the lags.
        for bin in 0..<fft.binCount {
            stretch[bin] = fft.power[bin]
            if bin > 0 { stretch[fft.size - bin] = fft.power[bin] }
        }
        fft.transform(stretch)
        let energy = fft.real(0)
        guard energy > 1e-6 else { return false }
        for lag in sums.indices { sums[lag] += Double(fft.real(lag) / energy) }
        return true
    }
}
