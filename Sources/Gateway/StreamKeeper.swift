// Keeps an event stream open, and leaves somebody who reads nothing of theirs.

import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization

/// Writes to one open answer. Timers of its event loop do the rest: a task that only waits would cost each of thousands of streams
/// more memory than its connection does.
final class StreamKeeper: Sendable {
    private struct State {
        var waitingSince: NIODeadline?
        var timers: [RepeatedTask] = []
    }

    private let writer: SharedWriter
    private let channel: any Channel
    private let state = Mutex(State())

    /// A comment, so that proxies see traffic and a client that has gone is noticed.
    private static let heartbeat = ByteBuffer(string: ": heartbeat\n\n")

    init(writer: any ResponseBodyWriter, channel: any Channel) {
        self.writer = SharedWriter(writer: writer)
        self.channel = channel
    }

    /// - Throws: when the connection has gone.
    func write(_ text: ByteBuffer) async throws {
        state.withLock { $0.waitingSince = .now() }
        defer { state.withLock { $0.waitingSince = nil } }
        try await writer.write(text)
    }

    /// From now on, sends a heartbeat now and then for as long as the stream may go on, and closes the connection of who has taken
    /// nothing for so long that what is written only gathers in memory.
    func start(heartbeat: TimeAmount, patience: TimeAmount, mayGoOn: @escaping @Sendable () async -> Bool) {
        let beats = channel.eventLoop.scheduleRepeatedTask(initialDelay: heartbeat, delay: heartbeat) {
            [weak self] _ in
            guard let self, state.withLock({ $0.waitingSince }) == nil else { return }
            Task {
                guard await mayGoOn() else { return self.channel.close(promise: nil) }
                try? await self.writer.write(Self.heartbeat)
            }
        }
        let looks = channel.eventLoop.scheduleRepeatedTask(initialDelay: patience, delay: patience) { [weak self] _ in
            guard let self, let since = state.withLock({ $0.waitingSince }) else { return }
            if NIODeadline.now() - since >= patience { channel.close(promise: nil) }
        }
        state.withLock { $0.timers = [beats, looks] }
    }

    func end() {
        for timer in state.withLock({ $0.timers }) { timer.cancel() }
    }
}

/// The writer of an answer, for more than one task: the server's is a name for a queue that takes from any of them, and each of our
/// writes is whole.
private struct SharedWriter: @unchecked Sendable {
    let writer: any ResponseBodyWriter

    func write(_ text: ByteBuffer) async throws {
        var writer = writer
        try await writer.write(text)
    }
}
