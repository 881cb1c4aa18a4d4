// Frames to and from their bytes, through the protobuf-c struct of frame.proto.

import CAnalysisProto
import NIOCore

extension Frame {
    /// Appends the 4-byte length and the frame.
    func encode(into buffer: inout ByteBuffer) {
        var frame = Analysis__V1__Frame()
        analysis__v1__frame__init(&frame)
        switch self {
        case .hello(let hello):
            frame.kind = ANALYSIS__V1__FRAME__KIND__HELLO
            frame.version = hello.version
            frame.credit = UInt64(hello.limits.credit)
            frame.max_message_bytes = UInt32(clamping: hello.limits.maxMessageBytes)
            frame.max_streams = UInt32(clamping: hello.maxStreams)
            write(frame, into: &buffer)
        case .call(let call):
            frame.kind = ANALYSIS__V1__FRAME__KIND__CALL
            frame.stream = call.stream
            frame.timeout_us = call.timeoutMicroseconds ?? 0
            frame.end = call.isLast ? 1 : 0
            write(frame, text: call.method, metadata: call.metadata, message: call.message, into: &buffer)
        case .message(let stream, let message, let isLast, let metadata):
            frame.kind = ANALYSIS__V1__FRAME__KIND__MESSAGE
            frame.stream = stream
            frame.end = isLast ? 1 : 0
            write(frame, metadata: metadata, message: message, into: &buffer)
        case .end(let stream):
            frame.kind = ANALYSIS__V1__FRAME__KIND__END
            frame.stream = stream
            write(frame, into: &buffer)
        case .status(let stream, let status):
            frame.kind = ANALYSIS__V1__FRAME__KIND__STATUS
            frame.stream = stream
            frame.status = (status.error?.code ?? .ok).rawValue
            frame.retry_after_us = status.error?.retryAfter?.microseconds ?? 0
            write(
                frame, text: status.error?.detail.cut, metadata: status.metadata, message: status.message, into: &buffer
            )
        case .cancel(let stream):
            frame.kind = ANALYSIS__V1__FRAME__KIND__CANCEL
            frame.stream = stream
            write(frame, into: &buffer)
        case .credit(let stream, let bytes):
            frame.kind = ANALYSIS__V1__FRAME__KIND__CREDIT
            frame.stream = stream
            frame.credit = UInt64(clamping: bytes)
            write(frame, into: &buffer)
        case .ping(let data), .pong(let data):
            frame.kind = ANALYSIS__V1__FRAME__KIND__PING
            if case .pong = self { frame.kind = ANALYSIS__V1__FRAME__KIND__PONG }
            write(frame, message: data, into: &buffer)
        case .goAway(let lastStream, let error):
            frame.kind = ANALYSIS__V1__FRAME__KIND__GOAWAY
            frame.last_stream = lastStream
            frame.status = error.code.rawValue
            write(frame, text: error.detail.cut, into: &buffer)
        }
    }

    /// Lends the variable parts to the struct and packs it.
    private func write(
        _ frame: consuming Analysis__V1__Frame, text: String? = nil, metadata: Metadata = [:],
        message: ByteBuffer? = nil,
        into buffer: inout ByteBuffer
    ) {
        MessageArena.withArena { arena in
            if let text, !text.isEmpty {
                let data = arena.copy(text.utf8)
                if case .call = self { frame.method = data } else { frame.detail = data }
            }
            if !metadata.isEmpty {
                let headers = arena.headers(metadata)
                frame.n_metadata = headers.count
                frame.metadata = headers.baseAddress
            }
            guard let message else { return writeLengthPrefixed(&frame, into: &buffer) }
            switch self {
            case .ping, .pong: break
            default: frame.has_message = 1
            }
            message.withUnsafeReadableBytes { bytes in
                frame.payload.len = bytes.count
                frame.payload.data = UnsafeMutablePointer(
                    mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
                writeLengthPrefixed(&frame, into: &buffer)
            }
        }
    }

    private func writeLengthPrefixed(_ frame: inout Analysis__V1__Frame, into buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        buffer.writeInteger(UInt32(0))
        pack(&frame, into: &buffer)
        buffer.setInteger(UInt32(buffer.writerIndex - start - 4), at: start)
    }
}

extension Frame {
    /// Reads a frame from its bytes, the length not among them.
    ///
    /// - Throws: `RPCError` that says why the bytes are no frame.
    init(decoding bytes: ByteBuffer) throws {
        var empty = Analysis__V1__Frame()
        analysis__v1__frame__init(&empty)
        let limit = bytes.readableBytes + 4 * Limits.headerRoomBytes
        self = try MessageArena.withArena(limit: limit) { arena in
            let unpacked = bytes.withUnsafeReadableBytes { arena.unpack($0, as: empty.base.descriptor) }
            guard let unpacked else {
                throw arena.isExhausted
                    ? RPCError(.resourceExhausted, "a frame that unpacks to more than \(limit) bytes")
                    : RPCError(.invalidArgument, "\(bytes.readableBytes) bytes that are no Frame")
            }
            return try unpacked.withMemoryRebound(to: Analysis__V1__Frame.self, capacity: 1) { try Frame($0.pointee) }
        }
    }

    private init(_ frame: Analysis__V1__Frame) throws {
        let payload = ByteBuffer(bytes: UnsafeBufferPointer(start: frame.payload.data, count: frame.payload.len))
        let message = frame.has_message != 0 ? payload : nil
        switch frame.kind {
        case ANALYSIS__V1__FRAME__KIND__HELLO:
            let standard = Limits.standard
            self = .hello(
                Hello(
                    version: frame.version,
                    limits: Limits(
                        maxMessageBytes: frame.max_message_bytes == 0
                            ? standard.maxMessageBytes : Int(frame.max_message_bytes),
                        credit: frame.credit == 0 ? standard.credit : Int(min(frame.credit, UInt64(Limits.maxCredit)))),
                    maxStreams: Int(frame.max_streams)))
        case ANALYSIS__V1__FRAME__KIND__CALL:
            self = .call(
                Call(
                    stream: frame.stream, method: try text(frame.method, "method"), metadata: try metadata(of: frame),
                    timeoutMicroseconds: frame.timeout_us == 0 ? nil : frame.timeout_us, message: message,
                    isLast: frame.end != 0))
        case ANALYSIS__V1__FRAME__KIND__MESSAGE:
            guard let message else { throw RPCError(.invalidArgument, "a MESSAGE without a message") }
            self = .message(
                stream: frame.stream, message, isLast: frame.end != 0, metadata: try metadata(of: frame))
        case ANALYSIS__V1__FRAME__KIND__END:
            self = .end(stream: frame.stream)
        case ANALYSIS__V1__FRAME__KIND__STATUS:
            var status = Status(metadata: try metadata(of: frame), message: message)
            if frame.status != 0 {
                status.error = RPCError(
                    StatusCode(rawValue: frame.status) ?? .unknown, try text(frame.detail, "detail").cut,
                    metadata: status.metadata,
                    retryAfter: frame.retry_after_us == 0 ? nil : Duration(microseconds: frame.retry_after_us))
            }
            self = .status(stream: frame.stream, status)
        case ANALYSIS__V1__FRAME__KIND__CANCEL:
            self = .cancel(stream: frame.stream)
        case ANALYSIS__V1__FRAME__KIND__CREDIT:
            self = .credit(stream: frame.stream, bytes: Int(clamping: frame.credit))
        case ANALYSIS__V1__FRAME__KIND__PING:
            self = .ping(payload)
        case ANALYSIS__V1__FRAME__KIND__PONG:
            self = .pong(payload)
        case ANALYSIS__V1__FRAME__KIND__GOAWAY:
            self = .goAway(
                lastStream: frame.last_stream,
                RPCError(StatusCode(rawValue: frame.status) ?? .unknown, try text(frame.detail, "detail").cut))
        default:
            throw RPCError(.invalidArgument, "a frame of the unknown kind \(frame.kind.rawValue)")
        }
    }
}

extension String {
    /// A detail that is short enough for a frame, whatever it was made of.
    fileprivate var cut: String {
        guard utf8.count > Limits.maxDetailBytes else { return self }
        var end = utf8.index(startIndex, offsetBy: Limits.maxDetailBytes)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

private func text(_ bytes: ProtobufCBinaryData, _ field: String) throws -> String {
    guard bytes.len > 0 else { return "" }
    guard let text = String(validating: UnsafeBufferPointer(start: bytes.data, count: bytes.len), as: UTF8.self) else {
        throw RPCError(.invalidArgument, "a frame whose \(field) is not UTF-8")
    }
    return text
}

private func metadata(of frame: Analysis__V1__Frame) throws -> Metadata {
    var metadata = Metadata()
    for header in UnsafeBufferPointer(start: frame.metadata, count: frame.n_metadata) {
        guard let header = header?.pointee else { continue }
        metadata.add(
            try text(header.name, "metadata name"),
            UnsafeBufferPointer(start: header.value.data, count: header.value.len))
    }
    return metadata
}

extension MessageArena {
    fileprivate mutating func headers(
        _ metadata: Metadata
    ) -> UnsafeMutableBufferPointer<UnsafeMutablePointer<Analysis__V1__Header>?> {
        let headers = array(of: Analysis__V1__Header.self, count: metadata.entries.count)
        let pointers = array(of: UnsafeMutablePointer<Analysis__V1__Header>?.self, count: metadata.entries.count)
        for (index, entry) in metadata.entries.enumerated() {
            var header = Analysis__V1__Header()
            analysis__v1__header__init(&header)
            header.name = copy(entry.name.utf8)
            header.value = copy(entry.value)
            headers.initializeElement(at: index, to: header)
            pointers.initializeElement(at: index, to: headers.baseAddress?.advanced(by: index))
        }
        return pointers
    }
}
