// The frames of the wire as values: what each kind carries, and nothing that it does not. PROTOCOL.md is the specification.

import NIOCore

enum Frame: Sendable, Equatable {
    case hello(Hello)
    case call(Call)
    /// `isLast` half-closes the client's side; `metadata` is what leads a server's reply, in its first message.
    case message(stream: UInt64, ByteBuffer, isLast: Bool = false, metadata: Metadata = [:])
    case end(stream: UInt64)
    case status(stream: UInt64, Status)
    case cancel(stream: UInt64)
    case credit(stream: UInt64, bytes: Int)
    case ping(ByteBuffer)
    case pong(ByteBuffer)
    case goAway(lastStream: UInt64, RPCError)

    struct Hello: Sendable, Equatable {
        var version: UInt32 = 1
        /// What the sender takes from its peer.
        var limits: Limits
        var maxStreams: Int
    }

    struct Call: Sendable, Equatable {
        var stream: UInt64
        var method: String
        var metadata: Metadata = [:]
        /// What remains of the deadline; nil: none.
        var timeoutMicroseconds: UInt64?
        var message: ByteBuffer?
        var isLast = false
    }

    struct Status: Sendable, Equatable {
        /// nil: ok. Its metadata and retryAfter travel in the fields of the frame.
        var error: RPCError?
        var metadata: Metadata = [:]
        var message: ByteBuffer?
    }
}

/// What a side takes from its peer on each stream.
struct Limits: Sendable, Equatable {
    var maxMessageBytes: Int
    /// The credit that every stream starts with.
    var credit: Int

    /// What stands for a limit that a peer's HELLO leaves out.
    static let standard = Limits(maxMessageBytes: 4 << 20, credit: 64 << 10)
    /// What a connection holds of messages that nobody has read: the credit of a thousand streams.
    static let standardHeldBytes = 64 << 20
    /// What a frame may hold beside its message: method, metadata, detail.
    static let headerRoomBytes = 64 << 10
    /// Metadata of one direction of a call, in the bytes of `Metadata.cost`.
    static let maxMetadataBytes = 8 << 10
    /// The UTF-8 of a status's detail; a longer one is cut.
    static let maxDetailBytes = 8 << 10
    /// A peer that has not said HELLO gets no room for more than one.
    static let maxFirstFrameBytes = 1024
    /// Credit never adds up to more.
    static let maxCredit = Int(Int32.max)

    /// The credit that a message uses: empty messages are not free.
    static func cost(of message: ByteBuffer) -> Int { message.readableBytes + 32 }
}
