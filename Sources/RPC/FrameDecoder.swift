// Cuts a connection's bytes into frames. A frame that is too long is refused as soon as its length is there, before any of
// it is buffered.

import NIOCore

struct FrameDecoder: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = Frame

    private let maxFrameBytes: Int
    private var hasGreeted = false

    init(maxMessageBytes: Int) {
        maxFrameBytes = maxMessageBytes + Limits.headerRoomBytes
    }

    mutating func decode(buffer: inout ByteBuffer) throws -> Frame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length > 0 else { throw RPCError(.invalidArgument, "a frame of zero bytes") }
        let limit = hasGreeted ? maxFrameBytes : Limits.maxFirstFrameBytes
        guard length <= limit else {
            throw RPCError(.resourceExhausted, "a frame of \(length) bytes is over the limit of \(limit)")
        }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let bytes = buffer.readSlice(length: Int(length)) else { return nil }
        hasGreeted = true
        return try Frame(decoding: bytes)
    }

    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Frame? {
        try decode(buffer: &buffer)
    }
}
