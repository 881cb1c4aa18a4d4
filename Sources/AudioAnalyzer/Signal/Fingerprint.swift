// The acoustic fingerprint that AcoustID and MusicBrainz use, by libchromaprint.
import CAudio

/// Makes the Chromaprint fingerprint of the first two minutes, as `fpcalc` does, so that it can be looked up.
final class Fingerprint {
    static let sampleRate = Resampler.lowRate
    private static let longest = 120 * sampleRate

    private let context: OpaquePointer
    private var taken = 0
    private var converted: [Int16] = []

    init() throws(OutOfMemory) {
        guard let context = chromaprint_new(Int32(CHROMAPRINT_ALGORITHM_DEFAULT.rawValue)) else { throw OutOfMemory() }
        self.context = context
        guard chromaprint_start(context, Int32(Self.sampleRate), 1) == 1 else {
            chromaprint_free(context)
            throw OutOfMemory()
        }
    }

    deinit { chromaprint_free(context) }

    /// Takes mono samples at `sampleRate`.
    func measure(_ mono: UnsafeBufferPointer<Float>) {
        let count = min(mono.count, Self.longest - taken)
        guard count > 0 else { return }
        taken += count
        converted.removeAll(keepingCapacity: true)
        for sample in mono.prefix(count) {
            converted.append(Int16(max(-32_768, min(32_767, (sample * 32_768).rounded()))))
        }
        chromaprint_feed(context, converted, Int32(count))
    }

    /// Compressed and in the base64 alphabet for addresses; nil where there was too little sound. To be called once.
    func finish() -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard chromaprint_finish(context) == 1, chromaprint_get_fingerprint(context, &text) == 1, let text else {
            return nil
        }
        defer { chromaprint_dealloc(text) }
        let fingerprint = String(cString: text)
        return fingerprint.isEmpty ? nil : fingerprint
    }
}
