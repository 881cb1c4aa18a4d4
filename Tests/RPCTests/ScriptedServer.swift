// A server that greets, and then says fixed frames: at once, or in answer to the first call.

import NIOCore
import NIOPosix

@testable import RPC

final class ScriptedServer: Sendable {
    let address: RPCAddress
    /// Known once a client has heard everything and has closed its connection.
    let left = Event()
    private let channel: any Channel

    init(_ address: RPCAddress, says frames: [Frame] = [], answers: [Frame] = []) async throws {
        let hello = Frame.hello(Frame.Hello(limits: .standard, maxStreams: 10))
        let speaker = (script(of: [hello] + frames), script(of: answers))
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [left] channel in
                channel.closeFuture.whenComplete { _ in left.signal() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Speaker(speaker.0, answer: speaker.1))
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

private func script(of frames: [Frame]) -> ByteBuffer {
    var bytes = ByteBuffer()
    for frame in frames { frame.encode(into: &bytes) }
    return bytes
}

private final class Speaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let opening: ByteBuffer
    private let answer: ByteBuffer
    private let decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder(maxMessageBytes: 4 << 20))

    init(_ opening: ByteBuffer, answer: ByteBuffer) {
        self.opening = opening
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(opening), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        try? decoder.process(buffer: unwrapInboundIn(data)) { frame in
            if case .call = frame { context.writeAndFlush(wrapOutboundOut(answer), promise: nil) }
        }
    }
}
