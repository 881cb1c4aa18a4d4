// A peer that speaks raw frames, or whatever bytes a test likes.

import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import RPC

extension ByteBuffer {
    init(framing frame: Frame) {
        self.init()
        frame.encode(into: &self)
    }
}

/// Lets a test say anything to a server and see every frame of the answer.
final class WireClient: Sendable {
    private let channel: any Channel
    private let frames: AsyncThrowingStream<Frame, any Error>

    /// - Parameter tls: for an address of TLS.
    init(
        _ address: RPCAddress, greeting: Bool = false, limits: Limits = .standard, tls: TLSIdentity? = nil
    ) async throws {
        let context = try address.tls(tls)?.clientContext
        let (frames, continuation) = AsyncThrowingStream.makeStream(of: Frame.self)
        self.frames = frames
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(FrameCollector(continuation))
                }
            }
        switch address {
        case .unix(let path): channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
        case .tcp(let host, let port), .tls(let host, let port):
            channel = try await bootstrap.connect(host: host, port: port).get()
        }
        if greeting {
            send(.hello(Frame.Hello(limits: limits, maxStreams: 0)))
            guard case .hello = try await next() else {
                throw RPCError(.internalError, "the server did not greet")
            }
        }
    }

    func send(_ frame: Frame) {
        send(ByteBuffer(framing: frame))
    }

    func send(_ bytes: ByteBuffer) {
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// Waits until the socket has taken the bytes, so that a flood costs its sender no memory.
    func write(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes)
    }

    /// Ends a TCP connection as a process does that crashes with unread bytes.
    func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close()
    }

    /// The next frame; nil when the server has closed the connection.
    func next() async throws -> Frame? {
        for try await frame in frames { return frame }
        return nil
    }

    /// What ends a stream, past whatever else arrives.
    func status(of stream: UInt64) async throws -> Frame.Status {
        while let frame = try await next() {
            if case .status(stream, let status) = frame { return status }
        }
        throw RPCError(.unavailable, "the connection ended without the status")
    }

    /// Why the server ended the connection, past whatever else arrives; nil where it gave no reason.
    func ending() async throws -> RPCError? {
        var reason: RPCError?
        while let frame = try await next() {
            if case .goAway(_, let error) = frame { reason = error }
        }
        return reason
    }

    func stopReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    func startReading() {
        channel.setOption(.autoRead, value: true).whenComplete { _ in }
    }

    /// Ends this side only: the server sees the end of the stream and can still answer.
    func finish() {
        channel.close(mode: .output, promise: nil)
    }

    func close() async throws {
        try await channel.close()
    }
}

private final class FrameCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncThrowingStream<Frame, any Error>.Continuation
    private let decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder(maxMessageBytes: 8 << 20))

    init(_ continuation: AsyncThrowingStream<Frame, any Error>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { continuation.yield($0) }
        } catch {
            continuation.finish(throwing: error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
