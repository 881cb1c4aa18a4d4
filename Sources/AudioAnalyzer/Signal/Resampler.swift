// Changes the rate of mono samples, by libswresample.
import CAudio

/// Brings a mono stream to another sample rate.
final class Resampler {
    /// In Hz, for what does not need more: Chromaprint works at it, and it holds the pitches and attacks that matter.
    static let lowRate = 11_025

    private var context: OpaquePointer?
    private let output = SampleBuffer()

    init(from inputRate: Int, to outputRate: Int) throws(OutOfMemory) {
        var mono = AVChannelLayout()
        av_channel_layout_default(&mono, 1)
        let status = withUnsafeMutablePointer(to: &mono) { mono in
            swr_alloc_set_opts2(
                &context, mono, AV_SAMPLE_FMT_FLT, Int32(outputRate), mono, AV_SAMPLE_FMT_FLT, Int32(inputRate), 0, nil)
        }
        guard status >= 0, swr_init(context) >= 0 else {
            swr_free(&context)
            throw OutOfMemory()
        }
    }

    deinit { swr_free(&context) }

    /// The next samples at the output rate, valid until the next call. Their sum over all calls lags behind the input by
    /// the length of the filter until `finish()`.
    func resample(_ samples: UnsafeBufferPointer<Float>) throws(OutOfMemory) -> UnsafeBufferPointer<Float> {
        try convert(UnsafeRawPointer(samples.baseAddress)?.assumingMemoryBound(to: UInt8.self), Int32(samples.count))
    }

    /// The last samples.
    func finish() throws(OutOfMemory) -> UnsafeBufferPointer<Float> { try convert(nil, 0) }

    private func convert(_ input: UnsafePointer<UInt8>?, _ count: Int32) throws(OutOfMemory) -> UnsafeBufferPointer<
        Float
    > {
        let capacity = swr_get_out_samples(context, count)
        guard capacity >= 0 else { throw OutOfMemory() }
        let memory = output.reserve(max(1, Int(capacity)))
        var inputs = input
        var outputs: UnsafeMutablePointer<UInt8>? = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt8.self)
        let written = swr_convert(context, &outputs, capacity, &inputs, count)
        guard written >= 0 else { throw OutOfMemory() }
        return UnsafeBufferPointer(start: memory, count: Int(written))
    }
}
