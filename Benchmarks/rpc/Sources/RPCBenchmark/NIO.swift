import NIOCore
import NIOPosix

/// The floor: messages behind a 4-byte length, echoed by channel handlers that do nothing else, on one connection.
struct NIOEcho: EchoClient {
    private let channel: any Channel

    init(path: String) async throws {
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Caller())
                }
            }
            .connect(unixDomainSocketPath: path).get()
    }

    func roundTrips(_ count: Int) async throws -> [Duration] {
        try await run(count, callers: 1)
    }

    func calls(_ count: Int, callers: Int) async throws {
        _ = try await run(count, callers: callers)
    }

    private func run(_ count: Int, callers: Int) async throws -> [Duration] {
        try await channel.eventLoop.flatSubmit {
            let promise = channel.eventLoop.makePromise(of: [Duration].self)
            do {
                try channel.pipeline.syncOperations.handler(type: Caller.self)
                    .start(count, callers: callers, on: channel, done: promise)
            } catch {
                promise.fail(error)
            }
            return promise.futureResult
        }.get()
    }

    static func serve(path: String) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(unixDomainSocketPath: path).get()
        try await server.closeFuture.get()
    }
}

private struct MessageDecoder: NIOSingleStepByteToMessageDecoder {
    mutating func decode(buffer: inout ByteBuffer) -> ByteBuffer? {
        buffer.readLengthPrefixedSlice(as: UInt32.self)
    }

    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) -> ByteBuffer? {
        decode(buffer: &buffer)
    }
}

extension ChannelHandlerContext {
    fileprivate func write(message: ByteBuffer) {
        var buffer = channel.allocator.buffer(capacity: 4 + message.readableBytes)
        buffer.writeInteger(UInt32(message.readableBytes))
        buffer.writeImmutableBuffer(message)
        write(NIOAny(buffer), promise: nil)
    }
}

private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let decoder = NIOSingleStepByteToMessageProcessor(MessageDecoder())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { context.write(message: $0) }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }
}

/// Keeps as many messages on their way as there are callers; each is sent again when it has come back.
private final class Caller: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let decoder = NIOSingleStepByteToMessageProcessor(MessageDecoder())
    private let clock = ContinuousClock()
    private let message = ByteBuffer(bytes: payload)
    private var toSend = 0
    private var toReceive = 0
    private var sentAt: CircularBuffer<ContinuousClock.Instant> = []
    private var durations: [Duration] = []
    private var done: EventLoopPromise<[Duration]>?

    func start(_ count: Int, callers: Int, on channel: any Channel, done: EventLoopPromise<[Duration]>) throws {
        let context = try channel.pipeline.syncOperations.context(handler: self)
        (toSend, toReceive, self.done) = (count, count, done)
        durations = []
        durations.reserveCapacity(count)
        for _ in 0..<min(callers, count) { send(context) }
        context.flush()
    }

    private func send(_ context: ChannelHandlerContext) {
        toSend -= 1
        sentAt.append(clock.now)
        context.write(message: message)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { _ in
                durations.append(clock.now - sentAt.removeFirst())
                toReceive -= 1
                if toSend > 0 { send(context) }
            }
        } catch {
            done?.fail(error)
        }
        if toReceive == 0 { done?.succeed(durations) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }
}
