// The frames on a child's stdin and stdout: a 4-byte big-endian length, then one message.

import AnalysisAPI
import NIOCore
import RPC

/// Cuts what a child writes into replies.
struct FrameDecoder {
    /// The largest reply that is taken; nothing of a larger one is buffered.
    static let maximumBytes = 4 << 20

    private var buffer = ByteBuffer()

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        buffer.discardReadBytes()
        buffer.writeBytes(bytes)
    }

    /// The next complete reply; `nil` until more has come.
    ///
    /// - Throws: `RPCError` where what came is no reply.
    mutating func next() throws -> AnalyzerReply.Reply? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Self.maximumBytes else {
            throw RPCError(.invalidArgument, "a frame of \(length) bytes; at most \(Self.maximumBytes) are allowed")
        }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let message = buffer.readSlice(length: Int(length)) else { return nil }
        guard let reply = try AnalyzerReply(decoding: message).reply else {
            throw RPCError(.invalidArgument, "a frame without a reply that is known")
        }
        return reply
    }
}

extension AnalyzerRequest {
    /// The request as one frame.
    func framed() -> [UInt8] {
        var frame = ByteBuffer()
        frame.writeInteger(0, as: UInt32.self)
        encode(into: &frame)
        frame.setInteger(UInt32(frame.readableBytes - 4), at: frame.readerIndex)
        return Array(frame.readableBytesView)
    }
}
