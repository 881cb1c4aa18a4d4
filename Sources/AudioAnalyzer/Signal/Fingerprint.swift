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

    /// There is no more sound. To be called once, before the fingerprint is asked for.
    func finish() { chromaprint_finish(context) }

    /// Compressed and in the base64 alphabet for addresses; empty where there was too little sound.
    var text: String {
        var text: UnsafeMutablePointer<CChar>?
        guard chromaprint_get_fingerprint(context, &text) == 1, let text else { return "" }
        defer { chromaprint_dealloc(text) }
        return String(cString: text)
    }

    /// Of each eighth of a second or so; none where there was too little sound.
    var subFingerprints: [UInt32] {
        var values: UnsafeMutablePointer<UInt32>?
        var count: Int32 = 0
        guard chromaprint_get_raw_fingerprint(context, &values, &count) == 1, let values else { return [] }
        defer { chromaprint_dealloc(values) }
        return Array(UnsafeBufferPointer(start: values, count: Int(count)))
    }
}
