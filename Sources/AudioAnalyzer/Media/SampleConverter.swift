// Brings the frames of whatever decoder to planes of 32-bit floats at one rate, by libswresample where they are not so already.
import CAudio

/// Makes blocks of frames. The stream is taken to be like its first frame; later frames that differ are converted.
final class SampleConverter {
    let sampleRate: Int
    let positions: [SpeakerPosition]

    private var layout: AVChannelLayout
    private let planes: UnsafeMutableBufferPointer<UnsafePointer<Float>>
    private var converted: [SampleBuffer] = []
    private var resampler: OpaquePointer?
    private var resamplerInput = Format(sampleRate: 0, sampleFormat: AV_SAMPLE_FMT_NONE, channelCount: 0)

    private struct Format: Equatable {
        var sampleRate: Int32
        var sampleFormat: AVSampleFormat
        var channelCount: Int32
    }

    init(likeFirst frame: UnsafeMutablePointer<AVFrame>) {
        sampleRate = Int(frame.pointee.sample_rate)
        layout = Self.layout(of: frame)
        positions = Self.positions(&layout)
        planes = .allocate(capacity: positions.count)
        converted = positions.map { _ in SampleBuffer() }
        for (index, buffer) in converted.enumerated() { planes.initializeElement(at: index, to: buffer.reserve(1)) }
    }

    deinit {
        planes.deallocate()
        swr_free(&resampler)
        av_channel_layout_uninit(&layout)
    }

    /// The samples of `frame`, valid as long as the frame and until the next call.
    func block(of frame: UnsafeMutablePointer<AVFrame>) throws -> AudioBlock {
        let format = Format(
            sampleRate: frame.pointee.sample_rate, sampleFormat: AVSampleFormat(frame.pointee.format),
            channelCount: frame.pointee.ch_layout.nb_channels)
        let isAsWanted = Format(
            sampleRate: Int32(sampleRate), sampleFormat: AV_SAMPLE_FMT_FLTP, channelCount: Int32(positions.count))
        let count =
            format == isAsWanted ? Int(frame.pointee.nb_samples) : try convert(frame, format)
        if format == isAsWanted {
            for index in planes.indices {
                guard let plane = frame.pointee.extended_data[index] else { throw OutOfMemory() }
                planes[index] = UnsafeRawPointer(plane).assumingMemoryBound(to: Float.self)
            }
        }
        return AudioBlock(planes: UnsafeBufferPointer(planes), frameCount: count)
    }

    /// Fills `planes` and returns the number of samples in each.
    private func convert(_ frame: UnsafeMutablePointer<AVFrame>, _ format: Format) throws -> Int {
        if resampler == nil || resamplerInput != format {
            var input = Self.layout(of: frame)
            defer { av_channel_layout_uninit(&input) }
            swr_free(&resampler)
            let status = swr_alloc_set_opts2(
                &resampler, &layout, AV_SAMPLE_FMT_FLTP, Int32(sampleRate), &input, format.sampleFormat,
                format.sampleRate, 0, nil)
            guard status >= 0, swr_init(resampler) >= 0 else {
                throw Rejection.unreadable("the file is damaged: it changes to a form of sound that makes no sense")
            }
            resamplerInput = format
        }
        let capacity = swr_get_out_samples(resampler, frame.pointee.nb_samples)
        guard capacity >= 0 else { throw OutOfMemory() }
        var outputs: [UnsafeMutablePointer<UInt8>?] = converted.indices.map { index in
            let memory = converted[index].reserve(max(1, Int(capacity)))
            planes[index] = UnsafePointer(memory)
            return UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt8.self)
        }
        let inputs = UnsafeMutableRawPointer(frame.pointee.extended_data)?
            .assumingMemoryBound(to: UnsafePointer<UInt8>?.self)
        let written = swr_convert(resampler, &outputs, capacity, inputs, frame.pointee.nb_samples)
        guard written >= 0 else { throw OutOfMemory() }
        return Int(written)
    }

    /// The layout of a frame; where the container gave only a number of channels, the usual one for it.
    private static func layout(of frame: UnsafeMutablePointer<AVFrame>) -> AVChannelLayout {
        var layout = AVChannelLayout()
        if frame.pointee.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC {
            av_channel_layout_default(&layout, frame.pointee.ch_layout.nb_channels)
        } else {
            av_channel_layout_copy(&layout, &frame.pointee.ch_layout)
        }
        return layout
    }

    private static func positions(_ layout: inout AVChannelLayout) -> [SpeakerPosition] {
        let channels = (0..<UInt32(max(0, layout.nb_channels))).map { index in
            av_channel_layout_channel_from_index(&layout, index)
        }
        let hasSides = channels.contains(AV_CHAN_SIDE_LEFT)
        return channels.enumerated().map { index, channel in
            switch channel {
            case AV_CHAN_FRONT_LEFT: .left
            case AV_CHAN_FRONT_RIGHT: .right
            case AV_CHAN_FRONT_CENTER: .center
            case AV_CHAN_LOW_FREQUENCY, AV_CHAN_LOW_FREQUENCY_2: .unmeasured
            case AV_CHAN_SIDE_LEFT: .surroundLeft
            case AV_CHAN_SIDE_RIGHT: .surroundRight
            // With five channels the surrounds are called back; with seven they stand behind those at the sides.
            case AV_CHAN_BACK_LEFT: hasSides ? .other : .surroundLeft
            case AV_CHAN_BACK_RIGHT: hasSides ? .other : .surroundRight
            default: .other
            }
        }
    }
}
