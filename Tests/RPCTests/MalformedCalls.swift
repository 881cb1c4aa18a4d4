// Rows of PROTOCOL.md about one call: it ends, or is taken as it is, and the connection goes on.

import AnalysisAPI
import NIOCore
import Testing

@testable import RPC

extension MalformedTests {
    static let callRows: [MalformedRow] = [
        MalformedRow("method unknown", { $0.send(call(1, "test.Service/Nothing")) }, { $0.send(call(1, "")) }),
        MalformedRow("payload that is no such message") { $0.send(job([0xFF])) },
        MalformedRow(
            "NUL or invalid UTF-8 in a string of a message", { $0.send(job(field(1, [0x61, 0x00]))) },
            { $0.send(job(field(1, [0xC0, 0x80]))) }, { $0.send(job(field(1, [0xED, 0xA0, 0x80]))) }),
        MalformedRow("enum value out of range in a message") { peer in
            var sent = Job()
            sent.id = "1"
            sent.state = JobState(rawValue: 99)
            peer.send(call(1, "test.Service/Job", sent.encoded()))
            let reply = try #require(try await peer.status(of: 1).message)
            #expect(try Job(decoding: reply).state.rawValue == 99)
        },
        MalformedRow("payload that unpacks to more than 32 MiB") { peer in
            // 4 MiB of empty jobs.
            let bytes = ByteBuffer(bytes: repeatElement(field(1, []), count: 2 << 20).joined())
            try await peer.write(ByteBuffer(framing: call(1, "test.Service/Jobs", bytes)))
        },
        MalformedRow("second message on a call that takes one") { peer in
            peer.send(call(1, isLast: false))
            peer.send(.message(stream: 1, ByteBuffer(), isLast: true))
        },
        MalformedRow(
            "end without the message of a call that takes one",
            { $0.send(call(1, echo.name, nil, isLast: true)) },
            { peer in
                peer.send(call(1, echo.name, nil, isLast: false))
                peer.send(.end(stream: 1))
            }),
        MalformedRow(
            "message over its maximum in a frame within its own",
            { peer in
                let large = ByteBuffer(repeating: 0x78, count: Limits.standard.maxMessageBytes + 1)
                try await peer.write(ByteBuffer(framing: call(1, echo.name, large)))
            }),
        MalformedRow(
            "metadata of more than 8 KiB",
            { $0.send(callWith(["a": String(repeating: "x", count: 8 << 10)])) },
            { peer in
                var many = Metadata()
                for _ in 0...256 { many.add("", []) }
                peer.send(callWith(many))
            }),
        MalformedRow("timeout that passes") {
            $0.send(call(1, "test.Service/Deaf", nil, isLast: false, timeout: 1000))
        },
        MalformedRow("timeout that overflows") { peer in
            peer.send(call(1, timeout: .max))
            let status = try await peer.status(of: 1)
            #expect(status.error == nil)
        },
    ]

    private static func job(_ bytes: [UInt8]) -> Frame {
        call(1, "test.Service/Job", ByteBuffer(bytes: bytes))
    }

    private static func callWith(_ metadata: Metadata) -> Frame {
        .call(.init(stream: 1, method: echo.name, metadata: metadata, message: ByteBuffer(), isLast: true))
    }
}
