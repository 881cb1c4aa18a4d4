// What a connection is about to write. Frames from any thread are encoded in order into one buffer, and the event loop
// writes and flushes it once per tick.

import NIOCore
import Synchronization

final class FrameOutbox: Sendable {
    private struct Pending {
        var bytes = Self.empty
        var isScheduled = false
        var isClosed = false
        /// Streams with messages that wait until the peer has taken what was written.
        var waiting: [CallStream] = []

        /// With room for the frames of a tick with little to say.
        static var empty: ByteBuffer { ByteBufferAllocator().buffer(capacity: 512) }
    }

    /// Streams write no further messages once so much waits for the end of the tick, or the channel is over its own mark.
    static let fullBytes = 256 << 10

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
            channel.eventLoop.execute {
                self.flush(promise: nil)
                self.wakeWriters()
            }
        }
    }

    /// Whether a stream may write a message now. Where not, its `resumeWriting` is called once when it may.
    func hasRoom(for stream: CallStream) -> Bool {
        pending.withLock { pending in
            if pending.isClosed { return true }
            if pending.bytes.readableBytes < Self.fullBytes, channel.isWritable { return true }
            if !pending.waiting.contains(where: { $0 === stream }) { pending.waiting.append(stream) }
            return false
        }
    }

    /// The peer has taken what was written, or a tick's buffer has gone to the channel.
    func wakeWriters() {
        guard channel.isWritable else { return }
        let waiting = pending.withLock { pending in
            defer { pending.waiting = [] }
            return pending.waiting
        }
        for stream in waiting { stream.resumeWriting() }
    }

    /// Writes what was sent so far, then ends this side, so that the peer reads all of it even where it is still sending itself. The
    /// connection closes when the peer has ended its side, too, and after a second where it does not.
    func close() {
        let written = channel.eventLoop.makePromise(of: Void.self)
        flush(promise: written)
        pending.withLock { pending in
            pending.isClosed = true
            pending.waiting = []
        }
        written.futureResult.flatMap { self.channel.close(mode: .output) }.whenFailure { _ in
            self.channel.close(promise: nil)
        }
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
