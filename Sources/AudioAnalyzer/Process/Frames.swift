// The framing of stdin and stdout: a 4-byte big-endian length, then one message.
import AnalysisAPI
import Glibc
import NIOCore
import RPC

/// Cuts a stream of bytes into frames.
struct FrameDecoder {
    struct Oversized: Error, CustomStringConvertible {
        let length: UInt32
        var description: String { "a frame of \(length) bytes; at most \(FrameDecoder.longestFrame) are read" }
    }

    static let longestFrame = 4 << 20
    private var buffer = ByteBuffer()

    mutating func append(_ bytes: ArraySlice<UInt8>) { buffer.writeBytes(bytes) }

    /// The next frame that is complete. Throws before an oversized one is gathered.
    mutating func next() throws(Oversized) -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Self.longestFrame else { throw Oversized(length: length) }
        guard let frame = buffer.getSlice(at: buffer.readerIndex + 4, length: Int(length)) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4 + Int(length))
        buffer.discardReadBytes()
        return frame
    }
}

/// Writes replies, each at once and whole.
struct ReplyWriter {
    let output: Int32

    /// Ends the process where nobody reads any more.
    func send(_ reply: AnalyzerReply.Reply) {
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(0))
        AnalyzerReply(reply: reply).encode(into: &frame)
        frame.setInteger(UInt32(frame.readableBytes - 4), at: 0)
        while frame.readableBytes > 0 {
            let count = frame.withUnsafeReadableBytes { write(output, $0.baseAddress, $0.count) }
            if count > 0 {
                frame.moveReaderIndex(forwardBy: count)
            } else if errno != EINTR {
                log("leaving: the reply cannot be written: \(String(cString: strerror(errno)))")
                _exit(EXIT_FAILURE)
            }
        }
    }
}
