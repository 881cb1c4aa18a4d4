// A server that says fixed bytes: at once, and in answer to each call.

import NIOCore
import NIOPosix

@testable import RPC

final class ScriptedServer: Sendable {
    static let hello = Frame.hello(Frame.Hello(limits: .standard, maxStreams: 10))
    /// An answer that ends the stream instead.
    static let hangUp = ByteBuffer(string: "hang up")

    let address: RPCAddress
    /// Known once a client has heard everything and has closed its connection.
    let left = Event()
    private let channel: any Channel

    /// Greets, and says frames when it is called.
    convenience init(_ address: RPCAddress, answers: [Frame] = []) async throws {
        var bytes = ByteBuffer()
        for frame in answers { frame.encode(into: &bytes) }
        try await self.init(address, opening: ByteBuffer(framing: Self.hello)) { [bytes] _ in bytes }
    }

    /// - Parameter answer: what it says to the CALL on a stream.
    init(
        _ address: RPCAddress, opening: ByteBuffer, answer: @escaping @Sendable (UInt64) -> ByteBuffer
    ) async throws {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [left] channel in
                channel.closeFuture.whenComplete { _ in left.signal() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Speaker(opening, answer: answer))
                }
            }
        switch address {
        case .unix(let path):
            channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
            self.address = address
        case .tcp(let host, let port):
            channel = try await bootstrap.bind(host: host, port: port).get()
            self.address = .tcp(host: host, port: channel.localAddress?.port ?? port)
        case .tls: throw RPCError(.unimplemented, "it speaks plaintext only")
        }
    }

    func close() async throws {
        try await channel.close()
    }
}

private final class Speaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let opening: ByteBuffer
    private let answer: @Sendable (UInt64) -> ByteBuffer
    private let decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder(maxMessageBytes: 4 << 20))

    init(_ opening: ByteBuffer, answer: @escaping @Sendable (UInt64) -> ByteBuffer) {
        self.opening = opening
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(opening), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        try? decoder.process(buffer: unwrapInboundIn(data)) { frame in
            guard case .call(let call) = frame else { return }
            let bytes = answer(call.stream)
            if bytes == ScriptedServer.hangUp { return context.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        }
    }
}
