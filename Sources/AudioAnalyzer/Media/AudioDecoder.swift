// Decodes a file from start to end, block by block, and says where it is damaged.
import CAudio
import Glibc

/// The samples of one file. All errors it throws about the file are `Rejection`s.
final class AudioDecoder {
    let container: AudioContainer
    var sampleRate: Int { converter.sampleRate }
    var positions: [SpeakerPosition] { converter.positions }

    /// What has been decoded so far, in seconds.
    var decodedSeconds: Double { Double(decodedFrames) / Double(sampleRate) }

    private let input: FileDescriptor
    private let source: FrameSource
    private let converter: SampleConverter
    private var decodedFrames = 0
    /// The frame that told what the stream is like, until `next()` has returned it.
    private var firstFrame: UnsafeMutablePointer<AVFrame>?

    /// What is taken on; more is rejected before it costs memory and time.
    static let longestSeconds = 12.0 * 3600
    static let channelCounts = 1...16
    static let sampleRates = 1000...768_000

    /// Opens the file and decodes its first frame.
    init(_ file: FileDescriptor) throws {
        input = file
        container = try AudioContainer(file)
        if let length = container.length, length.isExact, length.seconds > Self.longestSeconds { throw Self.tooLong }
        source = try FrameSource(container)
        guard let frame = source.next() else {
            throw Rejection.unreadable("the file is damaged: no sound could be decoded")
        }
        guard Self.channelCounts.contains(Int(frame.pointee.ch_layout.nb_channels)) else {
            throw Rejection.limit(
                "the file has \(frame.pointee.ch_layout.nb_channels) channels; \(Self.channelCounts) can be analysed")
        }
        guard Self.sampleRates.contains(Int(frame.pointee.sample_rate)) else {
            throw Rejection.limit(
                "the file has a sample rate of \(frame.pointee.sample_rate) Hz; \(Self.sampleRates) can be analysed")
        }
        converter = SampleConverter(likeFirst: frame)
        firstFrame = frame
    }

    /// How much of the file has been decoded, 0 to 1, as far as can be known.
    var fraction: Double {
        let done =
            if let length = container.length, length.isExact {
                decodedSeconds / length.seconds
            } else {
                Double(source.byteOffset) / Double(max(1, container.input.size))
            }
        return min(1, max(0, done))
    }

    /// The next samples, valid until the next call; nil at the end of an undamaged file.
    func next() throws -> AudioBlock? {
        guard let frame = firstFrame ?? source.next() else {
            try checkThatAllWasDecoded()
            return nil
        }
        firstFrame = nil
        let block = try converter.block(of: frame)
        decodedFrames += block.frameCount
        if decodedSeconds > Self.longestSeconds { throw Self.tooLong }
        for channel in 0..<block.channelCount where !block.samples(ofChannel: channel).areSane {
            throw Rejection.unreadable(
                "the file is damaged: at \(Self.clock(decodedSeconds)) its samples are not sound")
        }
        return block
    }

    private func checkThatAllWasDecoded() throws {
        if let length = container.length, length.isExact,
            decodedSeconds < length.seconds - max(1, 0.01 * length.seconds)
        {
            throw Rejection.unreadable(
                "the file is damaged: decoding stopped at \(Self.clock(decodedSeconds)) of \(Self.clock(length.seconds))"
            )
        }
        // Stray bytes between frames are common in MP3 files and harmless; more than one packet in a hundred is not.
        if source.undecodablePacketCount * 100 > source.packetCount {
            throw Rejection.unreadable(
                "the file is damaged: \(source.undecodablePacketCount) of \(source.packetCount) packets "
                    + "could not be decoded")
        }
        if FileEnding(file: input, size: Int(container.input.size)).isMissing(fromContainer: container.name) {
            throw Rejection.unreadable("the file is damaged: it breaks off at \(Self.clock(decodedSeconds))")
        }
    }

    private static let tooLong = Rejection.limit(
        "the file is longer than the \(Int(longestSeconds / 3600)) hours that can be analysed")

    /// Minutes and seconds, with hours where there are any.
    private static func clock(_ seconds: Double) -> String {
        let total = Int(seconds)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return total < 3600
            ? "\(total / 60):\(two(total % 60))" : "\(total / 3600):\(two(total / 60 % 60)):\(two(total % 60))"
    }
}

extension UnsafeBufferPointer<Float> {
    /// False where a sample is not a number, or a thousand times beyond full scale.
    fileprivate var areSane: Bool {
        guard let start = baseAddress else { return true }
        var insane = SIMDMask<SIMD8<Int32>>(repeating: false)
        var index = 0
        while index + 8 <= count {
            // Written so that what is not a number is insane too.
            insane .|= .!(SIMD8(from: start + index).magnitude .<= 1000)
            index += 8
        }
        return !any(insane) && self[index...].allSatisfy { abs($0) <= 1000 }
    }
}
