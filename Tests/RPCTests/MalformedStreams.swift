// Rows of PROTOCOL.md about streams and floods: frames that are well formed and come where they must not, or too often.

import NIOCore
import Testing

@testable import RPC

private func framesOfCall(_ stream: UInt64) -> [Frame] {
    [
        .message(stream: stream, ByteBuffer()), .end(stream: stream), .cancel(stream: stream),
        .credit(stream: stream, bytes: 1),
    ]
}

extension MalformedTests {
    static let streamRows: [MalformedRow] = [
        MalformedRow(
            "CALL on a stream that is zero, even, used before or lower than an earlier one", { $0.send(call(0)) },
            { $0.send(call(2)) }, { $0.send(call(.max - 1)) },
            { peer in for stream: UInt64 in [5, 5] { peer.send(call(stream)) } },
            { peer in for stream: UInt64 in [5, 3] { peer.send(call(stream)) } }),
        MalformedRow(
            "MESSAGE, END, CANCEL or CREDIT on a stream that no CALL opened", { $0.send(framesOfCall(1)[0]) },
            { $0.send(framesOfCall(1)[1]) }, { $0.send(framesOfCall(1)[2]) }, { $0.send(framesOfCall(1)[3]) },
            { $0.send(.cancel(stream: 2)) }),
        MalformedRow("MESSAGE, END, CANCEL or CREDIT on a call that has ended") { peer in
            peer.send(call(1))
            _ = try await peer.status(of: 1)
            for frame in framesOfCall(1) { peer.send(frame) }
        },
        MalformedRow(
            "message after `end` or END",
            { peer in
                peer.send(call(1, stream.name))
                peer.send(.message(stream: 1, ByteBuffer()))
            },
            { peer in
                peer.send(call(1, stream.name, ByteBuffer(), isLast: false))
                peer.send(.end(stream: 1))
                peer.send(.message(stream: 1, ByteBuffer()))
            }),
        MalformedRow("message beyond the credit") { peer in
            peer.send(call(1, "test.Service/Deaf", nil, isLast: false))
            for _ in 0...(Limits.standard.credit / 1032 + 1) {
                peer.send(.message(stream: 1, ByteBuffer(repeating: 0, count: 1000)))
            }
        },
        MalformedRow(
            "CREDIT of zero, or beyond 2147483647 in sum", { creditOverflow(0)($0) },
            { creditOverflow(Limits.maxCredit)($0) }, { creditOverflow(.max)($0) }),
        MalformedRow("STATUS from a client") { peer in
            peer.send(call(1, collect.name, nil, isLast: false))
            peer.send(.status(stream: 1, Frame.Status()))
        },
        MalformedRow("GOAWAY from a client") { $0.send(.goAway(lastStream: 0, RPCError(.internalError, "yours"))) },
    ]

    private static func creditOverflow(_ bytes: Int) -> @Sendable (WireClient) -> Void {
        { peer in
            peer.send(call(1, collect.name, nil, isLast: false))
            peer.send(.credit(stream: 1, bytes: bytes))
        }
    }

    static let floodRows: [MalformedRow] = [
        MalformedRow("PINGs: more than 10 at once and one a second") { peer in
            for _ in 0..<100 { peer.send(.ping(ByteBuffer())) }
        },
        MalformedRow("CANCELs of calls that began within the last second: more than 1000 at once and 100 a second") {
            peer in
            var flood = ByteBuffer()
            for stream in stride(from: UInt64(1), to: 100_001, by: 2) {
                call(stream, "test.Service/Deaf", nil, isLast: false).encode(into: &flood)
                Frame.cancel(stream: stream).encode(into: &flood)
            }
            try? await peer.write(flood)
        },
        unread, tooManyCalls,
    ]

    /// Fifty calls that nobody reads get a large message each, which their credit allows: 200 MiB, of which a third finds room.
    private static var unread: MalformedRow {
        let calls = stride(from: UInt64(1), through: 99, by: 2)
        var row = MalformedRow("message that finds 64 MiB of the connection's messages unread") { peer in
            for stream in calls { peer.send(call(stream, "test.Service/Deaf", nil, isLast: false)) }
            let large = ByteBuffer(repeating: 0, count: 4 << 20)
            for stream in calls { try await peer.write(ByteBuffer(framing: .message(stream: stream, large))) }
        }
        row.stream = 99
        row.tidy = { peer in
            peer.send(.cancel(stream: 1))
            _ = try await peer.status(of: 1)
        }
        return row
    }

    private static var tooManyCalls: MalformedRow {
        var row = MalformedRow("calls: more than `max_streams`") { peer in
            for stream in stride(from: UInt64(1), through: 2001, by: 2) {
                peer.send(call(stream, "test.Service/Deaf", nil, isLast: false))
            }
        }
        row.stream = 2001
        row.tidy = { peer in
            peer.send(.cancel(stream: 1))
            _ = try await peer.status(of: 1)
        }
        return row
    }
}
