// The discrete Fourier transform of real samples, by libavutil.
import CAudio
import Glibc

/// A windowed real transform of one fixed size, with its input and output memory.
final class RealFFT {
    let size: Int
    var binCount: Int { size / 2 + 1 }

    /// The squared magnitudes that the last `power(of:)` found, from 0 Hz to half the sample rate.
    let power: UnsafeMutableBufferPointer<Float>

    private let window: UnsafeMutablePointer<Float>
    private let input: UnsafeMutablePointer<Float>
    private let output: UnsafeMutablePointer<Float>
    private var context: OpaquePointer?
    private var transform: av_tx_fn?

    enum Window {
        /// Hann's, scaled so that a sine of amplitude 1 has a power of 1 at its bin.
        case hann
        /// None: the samples as they are.
        case rectangular
    }

    /// `size` is a power of two.
    init(size: Int, window shape: Window = .hann) throws(OutOfMemory) {
        self.size = size
        window = .allocate(capacity: size)
        power = .allocate(capacity: size / 2 + 1)
        power.initialize(repeating: 0)
        input = .aligned(count: size)
        output = .aligned(count: size + 2)
        let scale = 4 / Double(size)
        for index in 0..<size {
            switch shape {
            case .hann: window[index] = Float(scale * (0.5 - 0.5 * cos(2 * .pi * Double(index) / Double(size))))
            case .rectangular: window[index] = 1
            }
        }
        var one: Float = 1
        guard av_tx_init(&context, &transform, AV_TX_FLOAT_RDFT, 0, Int32(size), &one, 0) >= 0 else {
            throw OutOfMemory()
        }
    }

    deinit {
        av_tx_uninit(&context)
        window.deallocate()
        power.deallocate()
        input.deallocate()
        output.deallocate()
    }

    /// The real part of a bin of the last transform.
    func real(_ bin: Int) -> Float { output[2 * bin] }

    /// Transforms `size` samples and fills `power`.
    func transform(_ samples: UnsafePointer<Float>) {
        for index in 0..<size { input[index] = samples[index] * window[index] }
        transform?(context, output, input, MemoryLayout<Float>.stride)
        let power = power.baseAddress.unsafelyUnwrapped
        for bin in 0..<binCount {
            let real = output[2 * bin]
            let imaginary = output[2 * bin + 1]
            power[bin] = real * real + imaginary * imaginary
        }
    }
}

/// A library could not allocate what it needs.
struct OutOfMemory: Error {}

extension UnsafeMutablePointer<Float> {
    /// Zeroed memory at the alignment that vector instructions want.
    fileprivate static func aligned(count: Int) -> Self {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Float>.stride, alignment: 64)
        let floats = bytes.bindMemory(to: Float.self, capacity: count)
        floats.initialize(repeating: 0, count: count)
        return floats
    }
}
