// What a file says about itself before anything is decoded: its audio stream, length and tags.
import CAudio
import Glibc

/// An opened audio file and its audio stream.
final class AudioContainer {
    /// What can be known of the length of a file without decoding it.
    struct Length {
        let seconds: Double
        /// False where it is a guess from the bit rate.
        let isExact: Bool
    }

    private(set) var format: UnsafeMutablePointer<AVFormatContext>?
    let stream: UnsafeMutablePointer<AVStream>
    let input: FileInput

    /// Reads the header of `file`. Throws a `Rejection` where it is not audio, or is damaged.
    init(_ file: FileDescriptor) throws {
        input = try FileInput(file)
        format = avformat_alloc_context()
        guard let format else { throw OutOfMemory() }
        format.pointee.pb = input.context
        // Closing must leave the input alone, also where no demuxer was found that would have set this.
        format.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        format.pointee.probesize = 1 << 20
        format.pointee.max_analyze_duration = Int64(AV_TIME_BASE)
        // Playlists, image sequences and the like name other files: nothing but this one is opened.
        format.pointee.io_open = { _, _, _, _, _ in -EPERM }

        do {
            stream = try Self.openAudioStream(&self.format, input)
        } catch {
            // A failed open has freed the context; otherwise it is still there.
            avformat_close_input(&self.format)
            throw error
        }
    }

    deinit { avformat_close_input(&format) }

    /// Nil where nothing is known.
    var length: Length? {
        guard let format = format?.pointee else { return nil }
        if stream.pointee.duration != CAUDIO_NO_TIMESTAMP, stream.pointee.duration > 0 {
            return Length(
                seconds: Double(stream.pointee.duration) * av_q2d(stream.pointee.time_base),
                isExact: format.duration_estimation_method != AVFMT_DURATION_FROM_BITRATE)
        }
        guard format.duration != CAUDIO_NO_TIMESTAMP, format.duration > 0 else { return nil }
        return Length(
            seconds: Double(format.duration) / Double(AV_TIME_BASE),
            isExact: format.duration_estimation_method != AVFMT_DURATION_FROM_BITRATE)
    }

    /// The short name of the container, such as "ogg".
    var name: String { format?.pointee.iformat.pointee.name.map { String(cString: $0) } ?? "" }

    /// The short name of the coding, such as "vorbis".
    var codecName: String { String(cString: avcodec_get_name(stream.pointee.codecpar.pointee.codec_id)) }

    /// In bits per second over the whole file; nil where the length is not known.
    var bitRate: Int? {
        if stream.pointee.codecpar.pointee.bit_rate > 0 { return Int(stream.pointee.codecpar.pointee.bit_rate) }
        guard let length, length.seconds > 0 else { return nil }
        return Int(exactly: (Double(input.size) * 8 / length.seconds).rounded())
    }

    /// A tag of the file, such as "title"; nil where it has none or an empty one.
    func tag(_ name: String) -> String? {
        for metadata in [format?.pointee.metadata, stream.pointee.metadata] {
            guard let entry = av_dict_get(metadata, name, nil, 0), let value = entry.pointee.value else { continue }
            let text = String(cString: value)
            if !text.isEmpty { return text }
        }
        return nil
    }

    private static func openAudioStream(
        _ format: inout UnsafeMutablePointer<AVFormatContext>?, _ input: FileInput
    ) throws -> UnsafeMutablePointer<AVStream> {
        var kind: UnsafePointer<AVInputFormat>?
        let score = av_probe_input_buffer2(input.context, &kind, nil, nil, 0, 0)
        guard score >= 0, let kind else { throw Rejection.unreadable("the file is not an audio file") }
        guard avformat_open_input(&format, nil, kind, nil) >= 0, let format else {
            throw Rejection.unreadable(
                score > AVPROBE_SCORE_MAX / 4
                    ? "the file is damaged: its \(String(cString: kind.pointee.long_name)) header cannot be read"
                    : "the file is not an audio file")
        }
        // Most headers tell all that is needed; looking further costs the time of decoding a little of every stream.
        if let stream = audioStream(format), stream.pointee.duration != CAUDIO_NO_TIMESTAMP { return stream }
        guard avformat_find_stream_info(format, nil) >= 0, let stream = audioStream(format) else {
            throw Rejection.unreadable("the file is not an audio file: there is no sound in it")
        }
        return stream
    }

    private static func audioStream(
        _ format: UnsafeMutablePointer<AVFormatContext>
    ) -> UnsafeMutablePointer<AVStream>? {
        let best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, nil, 0)
        guard best >= 0 else { return nil }
        for index in 0..<Int(format.pointee.nb_streams) where index != Int(best) {
            format.pointee.streams[index]?.pointee.discard = AVDISCARD_ALL
        }
        return format.pointee.streams[Int(best)]
    }
}
