// What a connection is about to write. Frames from any thread are encoded in order into one buffer, and the event loop
// writes and flushes it once per tick.

import NIOCore
import Synchronization

final class FrameOutbox: Sendable {
    private struct Pending {
        var bytes = Self.empty
        var isScheduled = false
        var isClosed = false

        /// With room for the frames of a tick with little to say.
        static var empty: ByteBuffer { ByteBufferAllocator().buffer(capacity: 512) }
    }

    private let channel: any Channel
    private let pending = Mutex(Pending())

    init(channel: any Channel) {
        self.channel = channel
    }

    /// Sends a frame at the end of the event loop's tick, behind those sent before. After `close` it is dropped.
    func send(_ frame: Frame) {
        let mustSchedule = pending.withLock { pending in
            guard !pending.isClosed else { return false }
            frame.encode(into: &pending.bytes)
            defer { pending.isScheduled = true }
            return !pending.isScheduled
        }
        if mustSchedule {
            channel.eventLoop.execute { self.flush(promise: nil) }
        }
    }

    /// Writes what was sent so far, then closes the connection: after a second even where the peer does not take it.
    func close() {
        let written = channel.eventLoop.makePromise(of: Void.self)
        flush(promise: written)
        pending.withLock { $0.isClosed = true }
        written.futureResult.whenComplete { _ in self.channel.close(promise: nil) }
        let timeout = channel.eventLoop.scheduleTask(in: .seconds(1)) { self.channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in timeout.cancel() }
    }

    private func flush(promise: EventLoopPromise<Void>?) {
        let bytes = pending.withLock { pending in
            pending.isScheduled = false
            guard pending.bytes.readableBytes > 0 else { return nil as ByteBuffer? }
            defer { pending.bytes = Pending.empty }
            return pending.bytes
        }
        if let bytes {
            channel.writeAndFlush(bytes, promise: promise)
        } else {
            promise?.succeed()
        }
    }
}
