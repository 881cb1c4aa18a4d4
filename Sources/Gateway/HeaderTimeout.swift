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

/// Behind the HTTP decoder, which tells the ends of headers and of requests. Bytes of which the decoder has made nothing yet are the
/// beginning of a header.
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
    /// Whether the bytes that came last ended something.
    private var hasRead = false

    init(_ timeout: TimeAmount) {
        self.timeout = timeout
    }

    func add(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(self, position: .after(decoder))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasRead = true
        switch unwrapInboundIn(data) {
        case .head:
            cancelTimeout()
            state = .requestUnderWay
        case .body: break
        case .end: state = .betweenRequests
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .betweenRequests = state, !hasRead {
            let channel = context.channel
            state = .headerBegun(timeout: context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) })
        }
        hasRead = false
        context.fireChannelReadComplete()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelTimeout()
    }

    private func cancelTimeout() {
        if case .headerBegun(let timeout) = state { timeout.cancel() }
    }
}
