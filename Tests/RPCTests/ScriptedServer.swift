// A server that says fixed frames to whoever connects, and nothing else.

import NIOCore
import NIOPosix

@testable import RPC

final class ScriptedServer: Sendable {
    let address: RPCAddress
    /// Known once a client has heard everything and has closed its connection.
    let left = Event()
    private let channel: any Channel

    init(_ address: RPCAddress, says frames: [Frame]) async throws {
        var script = ByteBuffer()
        for frame in frames { frame.encode(into: &script) }
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [script, left] channel in
                channel.closeFuture.whenComplete { _ in left.signal() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Speaker(script))
                }
            }
        switch address {
        case .unix(let path):
            channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
            self.address = address
        case .tcp(let host, let port):
            channel = try await bootstrap.bind(host: host, port: port).get()
            self.address = .tcp(host: host, port: channel.localAddress?.port ?? port)
        }
    }

    func close() async throws {
        try await channel.close()
    }
}

private final class Speaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: ByteBuffer

    init(_ script: ByteBuffer) { self.script = script }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(script), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
