// What one event stream says, as text.

import AnalysisAPI
import NIOCore
import RPC
import Synchronization

/// Makes text of one stream's progress, and writes beside it what no progress waits for: alerts, and notifications, of which the
/// names must be asked for.
///
/// While there is nothing to write, no task and no view of progress is held: there are thousands of streams.
final class EventTeller: Sendable {
    enum Aside {
        case alert(Alert)
        case notification(Notification)
    }

    private struct State {
        var events: EventStreamState
        var asides: [Aside] = []
        var keeper: StreamKeeper?
        var isTelling = false
    }

    /// How many asides are kept for who reads slowly: the latest.
    private static let maxAsides = 1000

    private let backend: Backend
    private let user: User
    private let state: Mutex<State>

    init(backend: Backend, user: User, isResumed: Bool) {
        (self.backend, self.user) = (backend, user)
        state = Mutex(
            State(events: EventStreamState(openedAtMs: Timestamp.now.millisecondsSince1970, isResumed: isResumed)))
    }

    /// The text of the next view; nil after the last.
    ///
    /// Not inlined, as `text` is not: a caller that awaits it again and again would hold room for every step of the encoding.
    @inline(never) func next(_ views: RPCStream<ProgressView>) async throws -> ByteBuffer? {
        guard let view = try await views.next() else { return nil }
        return try text(of: view)
    }

    @inline(never) private func text(of view: ProgressView) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        for event in state.withLock({ $0.events.events(of: view) }) {
            switch event {
            case .progress(let view):
                buffer.writeString("id: \(view.version)\n")
                try EventText.write("progress", ProgressEntry(view), to: &buffer)
            case .jobStarted(let job): try EventText.write("job_started", JobJSON(job), to: &buffer)
            case .jobEnded(let job): try EventText.write("job_ended", JobJSON(job), to: &buffer)
            case .notification(let notification): add(.notification(notification))
            }
        }
        return buffer
    }

    /// From now on writes asides, those of before first, until `end`.
    func begin(_ keeper: StreamKeeper) {
        state.withLock { $0.keeper = keeper }
        tellIfNeeded()
    }

    func end() {
        state.withLock { $0.keeper = nil }
    }

    func add(_ aside: Aside) {
        state.withLock { state in
            if state.asides.count == Self.maxAsides { state.asides.removeFirst() }
            state.asides.append(aside)
        }
        tellIfNeeded()
    }

    private func tellIfNeeded() {
        let begins = state.withLock { state in
            guard state.keeper != nil, !state.isTelling, !state.asides.isEmpty else { return false }
            state.isTelling = true
            return true
        }
        if begins { Task { await tell() } }
    }

    private func tell() async {
        while let (aside, keeper) = take() {
            do {
                if let text = try await text(of: aside) { try await keeper.write(text) }
            } catch {
                // The connection has gone.
                end()
            }
        }
    }

    private func take() -> (Aside, StreamKeeper)? {
        state.withLock { state in
            guard let keeper = state.keeper, !state.asides.isEmpty else {
                state.isTelling = false
                return nil
            }
            return (state.asides.removeFirst(), keeper)
        }
    }

    private func text(of aside: Aside) async throws -> ByteBuffer? {
        var text = ByteBuffer()
        switch aside {
        case .alert(let alert): try EventText.write("alert", AlertJSON(alert), to: &text)
        case .notification(let notification):
            let routes = NotificationRoutes(backend: backend)
            guard let told = await routes.told(notification, to: user) else { return nil }
            try EventText.write("notification", told, to: &text)
        }
        return text
    }
}

/// The form of an event in the stream (server-sent events).
enum EventText {
    /// How long a browser waits before it connects again.
    static let opening = ByteBuffer(string: "retry: 1000\n\n")

    static func write(_ name: String, _ data: some Encodable, to buffer: inout ByteBuffer) throws {
        buffer.writeString("event: \(name)\ndata: ")
        buffer.writeImmutableBuffer(try JSONBody.encode(data))
        buffer.writeString("\n\n")
    }
}
