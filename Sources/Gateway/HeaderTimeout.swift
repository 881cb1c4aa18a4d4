// Closes connections whose requests take too long to begin: a client that sends its header byte by byte holds nothing for long.

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// HTTP/1.1 where the header of a request must be there as a whole within a time from its first byte on.
struct HeaderTimedHTTP1: ServerChildChannel {
    let http: HTTP1Channel
    let timeout: TimeAmount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            try HeaderTimeout(timeout).add(to: channel.pipeline.syncOperations)
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }
}

/// Behind the HTTP decoder, which tells the ends of headers and of requests; a second handler before it tells that bytes came.
///
///     between requests ──bytes──▶ header begun ──header──▶ request under way ──end──▶ between requests
///                                      └──time-out──▶ closed
final class HeaderTimeout: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private enum State {
        case betweenRequests
        case headerBegun(timeout: Scheduled<Void>)
        case requestUnderWay
    }

    private let timeout: TimeAmount
    private var state = State.betweenRequests

    init(_ timeout: TimeAmount) {
        self.timeout = timeout
    }

    func add(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(self, position: .after(decoder))
        try pipeline.addHandler(Arrivals(header: self), position: .first)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            cancelTimeout()
            state = .requestUnderWay
        case .body: break
        case .end: state = .betweenRequests
        }
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelTimeout()
    }

    private func cancelTimeout() {
        if case .headerBegun(let timeout) = state { timeout.cancel() }
    }

    private func bytesCame(_ context: ChannelHandlerContext) {
        guard case .betweenRequests = state else { return }
        let channel = context.channel
        state = .headerBegun(timeout: context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) })
    }

    /// Before the decoder, which tells nothing of a header that is not there as a whole.
    private final class Arrivals: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let header: HeaderTimeout

        init(header: HeaderTimeout) {
            self.header = header
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            header.bytesCame(context)
            context.fireChannelRead(data)
        }
    }
}
