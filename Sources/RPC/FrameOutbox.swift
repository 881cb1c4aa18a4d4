// What a connection is about to write. Frames from any thread are encoded in order into one buffer, and the event loop
// writes and flushes it once per tick.

import NIOCore
import Synchronization

final class FrameOutbox: Sendable {
    private struct Pending {
        var bytes = ByteBuffer()
        var isScheduled = false
        var isClosed = false
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
            channel.eventLoop.execute { self.flush() }
        }
    }

    /// Writes what was sent so far. On the event loop.
    func flush() {
        let bytes = pending.withLock { pending in
            pending.isScheduled = false
            let bytes = pending.bytes
            pending.bytes = ByteBuffer()
            return bytes
        }
        if bytes.readableBytes > 0 {
            channel.writeAndFlush(bytes, promise: nil)
        }
    }

    /// Writes what was sent so far, then closes the connection. On the event loop.
    func close() {
        flush()
        pending.withLock { $0.isClosed = true }
        channel.close(mode: .all, promise: nil)
    }
}
