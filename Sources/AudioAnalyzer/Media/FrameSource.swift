// Packets in, decoded frames out, by libavcodec on one thread; counts what could not be decoded.
import CAudio
import Glibc

/// The decoded frames of a file's audio stream.
final class FrameSource {
    private(set) var packetCount = 0
    private(set) var undecodablePacketCount = 0
    /// Where in the file the last packet began, in bytes; 0 where its container does not tell.
    private(set) var byteOffset: Int64 = 0

    private let container: AudioContainer
    private var codec: UnsafeMutablePointer<AVCodecContext>?
    private var packet = av_packet_alloc()
    private var frame = av_frame_alloc()
    private var isDraining = false

    init(_ container: AudioContainer) throws {
        self.container = container
        let parameters = container.stream.pointee.codecpar
        guard let decoder = avcodec_find_decoder(container.stream.pointee.codecpar.pointee.codec_id) else {
            throw Rejection.unreadable("the file's coding, \(container.codecName), is not known here")
        }
        codec = avcodec_alloc_context3(decoder)
        guard let codec, packet != nil, frame != nil else { throw OutOfMemory() }
        codec.pointee.thread_count = 1
        codec.pointee.request_sample_fmt = AV_SAMPLE_FMT_FLTP
        codec.pointee.pkt_timebase = container.stream.pointee.time_base
        guard avcodec_parameters_to_context(codec, parameters) >= 0, avcodec_open2(codec, decoder, nil) >= 0 else {
            throw Rejection.unreadable("the file is damaged: its \(container.codecName) header cannot be read")
        }
    }

    deinit {
        av_packet_free(&packet)
        av_frame_free(&frame)
        avcodec_free_context(&codec)
    }

    /// The next frame that holds samples, valid until the next call; nil at the end of what can be read.
    func next() -> UnsafeMutablePointer<AVFrame>? {
        while true {
            let status = avcodec_receive_frame(codec, frame)
            if status >= 0 {
                if let frame, frame.pointee.nb_samples > 0 { return frame }
            } else if status == CAUDIO_ERROR_EOF {
                return nil
            } else if status == -EAGAIN, !isDraining {
                sendPacket()
            } else if isDraining {
                return nil
            } else {
                undecodablePacketCount += 1
            }
        }
    }

    private func sendPacket() {
        while av_read_frame(container.format, packet) >= 0 {
            defer { av_packet_unref(packet) }
            guard let packet, packet.pointee.stream_index == container.stream.pointee.index else { continue }
            packetCount += 1
            byteOffset = max(byteOffset, packet.pointee.pos)
            guard avcodec_send_packet(codec, packet) >= 0 else {
                undecodablePacketCount += 1
                continue
            }
            return
        }
        // The end, or a place from which no more can be read: what was decoded tells which.
        isDraining = true
        avcodec_send_packet(codec, nil)
    }
}
