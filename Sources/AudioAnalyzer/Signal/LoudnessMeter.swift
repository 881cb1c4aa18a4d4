// Loudness by EBU R128 (ITU-R BS.1770-4, EBU Tech 3341 and 3342), by libebur128.
import CAudio

/// Where a channel stands in the listener's room, which decides its weight (ITU-R BS.1770-4, table 3).
enum SpeakerPosition {
    case left, right, center, surroundLeft, surroundRight
    /// A channel of weight 1 that is none of the above.
    case other
    /// Not heard by the meter: low-frequency effects.
    case unmeasured

    fileprivate var channel: channel {
        switch self {
        case .left: EBUR128_LEFT
        case .right: EBUR128_RIGHT
        case .center: EBUR128_CENTER
        case .surroundLeft: EBUR128_LEFT_SURROUND
        case .surroundRight: EBUR128_RIGHT_SURROUND
        case .other: EBUR128_Mp180
        case .unmeasured: EBUR128_UNUSED
        }
    }
}

/// Measures integrated loudness and loudness range of a stream of blocks.
final class LoudnessMeter {
    private var state: UnsafeMutablePointer<ebur128_state>?
    private let interleaved = SampleBuffer()

    init(sampleRate: Int, positions: [SpeakerPosition]) throws(OutOfMemory) {
        let mode = Int32(EBUR128_MODE_I.rawValue | EBUR128_MODE_LRA.rawValue)
        guard let state = ebur128_init(UInt32(positions.count), UInt(sampleRate), mode) else { throw OutOfMemory() }
        self.state = state
        for (index, position) in positions.enumerated() {
            _ = ebur128_set_channel(state, UInt32(index), Int32(position.channel.rawValue))
        }
    }

    deinit { ebur128_destroy(&state) }

    func measure(_ block: AudioBlock) throws(OutOfMemory) {
        let channels = block.channelCount
        let frames = interleaved.reserve(block.frameCount * channels)
        if channels == 2 {
            let (left, right) = (block.planes[0], block.planes[1])
            for index in 0..<block.frameCount {
                frames[2 * index] = left[index]
                frames[2 * index + 1] = right[index]
            }
        } else {
            for channel in 0..<channels {
                let plane = block.planes[channel]
                for index in 0..<block.frameCount { frames[index * channels + channel] = plane[index] }
            }
        }
        guard ebur128_add_frames_float(state, frames, block.frameCount) == EBUR128_SUCCESS.rawValue else {
            throw OutOfMemory()
        }
    }

    /// Gated loudness of everything measured, in LUFS; nil where nothing was louder than the gate of -70 LUFS.
    var integratedLUFS: Double? {
        var value = 0.0
        guard ebur128_loudness_global(state, &value) == EBUR128_SUCCESS.rawValue, value.isFinite else { return nil }
        return value
    }

    /// Loudness range in LU; 0 where there is too little to tell.
    var rangeLU: Double {
        var value = 0.0
        guard ebur128_loudness_range(state, &value) == EBUR128_SUCCESS.rawValue, value.isFinite else { return 0 }
        return value
    }
}
