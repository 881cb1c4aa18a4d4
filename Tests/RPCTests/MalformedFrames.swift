// Rows of PROTOCOL.md about bytes, frames and the greeting: all of them end the connection.

import NIOCore

@testable import RPC

/// A frame of these bytes, which need not be one.
func framed(_ bytes: [UInt8]) -> ByteBuffer {
    var buffer = ByteBuffer(integer: UInt32(bytes.count))
    buffer.writeBytes(bytes)
    return buffer
}

/// A protobuf field that has a length, in its bytes.
func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(content.count) + content
}

func field(_ number: Int, _ value: Int) -> [UInt8] {
    varint(number << 3) + varint(value)
}

private func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
}

extension MalformedTests {
    static let greetingRows: [MalformedRow] = [
        MalformedRow("first frame longer than 1024 bytes", greets: false) { peer in
            peer.send(ByteBuffer(integer: UInt32(Limits.maxFirstFrameBytes + 1)))
        },
        MalformedRow(
            "HTTP, TLS or RESP instead of HELLO", greets: false,
            { $0.send(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")) },
            { $0.send(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) },
            { $0.send(ByteBuffer(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03])) },
            { $0.send(ByteBuffer(string: "*1\r\n$4\r\nPING\r\n")) }),
        MalformedRow(
            "first frame other than HELLO", greets: false, { $0.send(call(1)) }, { $0.send(.ping(ByteBuffer())) }),
        MalformedRow("second HELLO") { $0.send(.hello(Frame.Hello(limits: .standard, maxStreams: 0))) },
        MalformedRow(
            "version other than 1", greets: false,
            { $0.send(.hello(Frame.Hello(version: 2, limits: .standard, maxStreams: 0))) },
            { $0.send(.hello(Frame.Hello(version: 0, limits: .standard, maxStreams: 0))) }),
        impatient(
            MalformedRow(
                "no HELLO in time, a partial one included", greets: false, { _ in },
                { $0.send(ByteBuffer(bytes: [0, 0, 0, 9, 8])) })),
    ]

    /// Rows of what does not come: with times that a test can wait for.
    private static func impatient(_ row: MalformedRow) -> MalformedRow {
        var row = row
        row.configuration.helloTimeout = .milliseconds(300)
        row.configuration.keepaliveInterval = .milliseconds(100)
        row.configuration.keepaliveTimeout = .milliseconds(100)
        return row
    }

    static let frameRows: [MalformedRow] = [
        MalformedRow("length over the maximum") { peer in
            // Only the length is ever sent: the server does not wait for the rest.
            peer.send(ByteBuffer(integer: UInt32(Limits.standard.maxMessageBytes + Limits.headerRoomBytes + 1)))
        },
        MalformedRow("length of zero") { $0.send(ByteBuffer(integer: UInt32(0))) },
        impatient(
            MalformedRow("part of a frame and then silence") { peer in
                var part = ByteBuffer(integer: UInt32(1 << 20))
                part.writeRepeatingByte(0, count: 1 << 19)
                peer.send(part)
            }),
        MalformedRow(
            "bytes that are no Frame", { $0.send(framed([0xFF, 0xFF, 0xFF])) },
            // A field that is longer than the frame.
            { $0.send(framed([0x08, 0x02, 0x1A, 0x7F, 0x00])) }),
        MalformedRow(
            "method, detail or metadata name that is not UTF-8",
            { $0.send(framed(field(1, 2) + field(2, 1) + field(6, [0xFF]))) },
            { $0.send(framed(field(1, 10) + field(10, [0xC3]))) },
            { $0.send(framed(field(1, 2) + field(2, 1) + field(6, [0x61]) + field(7, field(1, [0xED, 0xA0, 0x80])))) }),
        MalformedRow("frame that unpacks to far more than its size") { peer in
            // Two bytes for a header that takes many times that.
            peer.send(framed(Array(repeatElement(field(7, []), count: 200_000).joined())))
        },
        MalformedRow(
            "kind unknown or absent", { $0.send(framed(field(1, 99))) }, { $0.send(framed(field(2, 1))) }),
        MalformedRow("MESSAGE without `has_message`") { peer in
            peer.send(call(1, collect.name, nil, isLast: false))
            peer.send(framed(field(1, 3) + field(2, 1) + field(3, [0x78])))
        },
        MalformedRow("PING of more than 8 bytes") { $0.send(.ping(ByteBuffer(repeating: 0, count: 9))) },
    ]

    static let endRows: [MalformedRow] = [
        MalformedRow("one byte at a time", greets: false) { peer in
            var bytes = ByteBuffer(framing: .hello(Frame.Hello(limits: .standard, maxStreams: 0)))
            bytes.writeImmutableBuffer(ByteBuffer(framing: call(1, bytes: "slow")))
            for byte in bytes.readableBytesView { try await peer.write(ByteBuffer(integer: byte)) }
        },
        MalformedRow("end of the stream in the middle of a frame") { peer in
            peer.send(ByteBuffer(bytes: [0, 0, 1]))
            peer.finish()
        },
        MalformedRow("end of the stream between frames, also a half-close") { $0.finish() },
        overTCP(MalformedRow("reset") { try await $0.reset() }),
    ]

    /// A Unix socket knows no reset.
    private static func overTCP(_ row: MalformedRow) -> MalformedRow {
        var row = row
        row.address = { .tcp(host: "127.0.0.1", port: 0) }
        return row
    }
}
