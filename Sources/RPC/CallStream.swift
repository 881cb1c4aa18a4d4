// One call on one side: the handler or the caller reads and writes its messages here, the connection delivers and wakes.

import NIOCore
import Synchronization

/// Decides under a lock and sends under it too, so that frames leave in the order of the decisions; wakes outside of it.
final class CallStream: Sendable {
    enum Role {
        /// A cancelled reader cancels the call.
        case caller
        /// A cancelled reader gives up only that read.
        case handler
    }

    /// The stream on a connection that carries the call.
    struct Link {
        let id: UInt64
        let outbox: FrameOutbox
    }

    typealias Reader = UnsafeContinuation<ByteBuffer?, any Error>
    typealias Writer = UnsafeContinuation<Void, any Error>
    typealias State = CallState<Reader, Writer>

    private let role: Role
    private let core: Mutex<Core>

    /// - Parameter held: where the messages count that wait here for their reader.
    init(role: Role, limits: Limits, held: HeldBytes) {
        self.role = role
        core = Mutex(Core(state: State(limits: limits), held: held))
    }

    deinit {
        core.withLock { $0.held.add(-$0.counted) }
    }

    // MARK: For the one that reads and writes

    /// The next message; nil after the last.
    func next() async throws -> ByteBuffer? {
        switch core.withLock({ $0.next() }) {
        case .message(let message, _): return message
        case .end: return nil
        case .fail(let error): throw error
        case .wait: break
        }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let next = core.withLock { core in
                    let next = core.next()
                    if case .wait = next { core.state.park(continuation) }
                    return next
                }
                switch next {
                case .message(let message, _): continuation.resume(returning: message)
                case .end: continuation.resume(returning: nil)
                case .fail(let error): continuation.resume(throwing: error)
                case .wait: if Task.isCancelled { cancelRead() }
                }
            }
        } onCancel: {
            cancelRead()
        }
    }

    private func cancelRead() {
        let error = RPCError(.cancelled, "the task was cancelled")
        switch role {
        case .caller: abandon(error)
        case .handler: core.withLock { $0.state.takeReader() }?.resume(throwing: error)
        }
    }

    /// Sends a message, waiting while the peer's credit is used up.
    func write(_ message: ByteBuffer) async throws {
        let token: UInt64
        switch core.withLock({ $0.write(message, of: self) }) {
        case .send: return
        case .fail(let error): throw error
        case .wait(let next): token = next
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let write = core.withLock { core in
                    let write = core.write(message, of: self)
                    if case .wait = write { core.state.park(message, continuation, token: token) }
                    return write
                }
                switch write {
                case .send: continuation.resume()
                case .fail(let error): continuation.resume(throwing: error)
                case .wait: if Task.isCancelled { cancelWrite(token) }
                }
            }
        } onCancel: {
            cancelWrite(token)
        }
    }

    private func cancelWrite(_ token: UInt64) {
        guard let writer = core.withLock({ $0.state.unpark(token) }) else { return }
        writer.resume(throwing: RPCError(.cancelled, "the task was cancelled"))
    }

    func addLeading(_ name: String, _ value: [UInt8]) {
        core.withLock { $0.leading.add(name, value) }
    }

    func addTrailer(_ name: String, _ value: [UInt8]) {
        core.withLock { $0.trailing.add(name, value) }
    }

    func endsOnDrain() {
        let isDraining = core.withLock { core in
            core.endsOnDrain = true
            return core.isDraining
        }
        guard isDraining else { return }
        abort(ServerConnection.stopping)
        withUnsafeCurrentTask { $0?.cancel() }
    }

    // MARK: For the connection

    enum Reception {
        case taken
        /// The call is to be given up: its connection holds too much already.
        case refused(RPCError)
        /// The peer broke the protocol.
        case violation(String)
    }

    /// A message has arrived.
    func receive(_ message: ByteBuffer, usesCredit: Bool = true) -> Reception {
        let (received, held) = core.withLock { core in
            let received = core.state.receive(message, usesCredit: usesCredit, hasRoom: !core.held.isFull)
            core.count()
            if case .deliver(_, let credit?) = received { core.giveCredit(credit) }
            return (received, core.held)
        }
        switch received {
        case .kept: break
        case .deliver(let reader, _): reader.resume(returning: message)
        case .full: return .refused(.noRoom(held))
        case .violation(let detail): return .violation(detail)
        }
        return .taken
    }

    /// Metadata of the reply has arrived.
    /// - Returns: whether all that has arrived is within the limit.
    func receive(_ metadata: Metadata) -> Bool {
        metadata.isEmpty || core.withLock { $0.takes(metadata) }
    }

    /// The peer has ended its side.
    func receiveEnd(_ error: RPCError? = nil) {
        guard let reader = core.withLock({ $0.state.receiveEnd(error) }) else { return }
        if let error {
            reader.resume(throwing: error)
        } else {
            reader.resume(returning: nil)
        }
    }

    /// The peer takes more.
    /// - Returns: whether the credit is one that a peer may give.
    func receiveCredit(_ bytes: Int) -> Bool {
        let writers = core.withLock { core in
            core.state.receiveCredit(bytes) ? core.sendParked(of: self) : nil
        }
        for writer in writers ?? [] { writer.resume() }
        return writers != nil
    }

    /// The connection takes more.
    func resumeWriting() {
        for writer in core.withLock({ $0.sendParked(of: self) }) { writer.resume() }
    }

    var isReceiving: Bool { core.withLock { $0.state.isReceiving } }

    /// Gives the call up on this side only: reads and writes throw `error`.
    /// - Returns: whether it was still wanted.
    @discardableResult
    func abort(_ error: RPCError) -> Bool {
        wake(core.withLock { $0.abort(error) }, error)
    }

    @discardableResult
    private func wake(_ waiting: (Reader?, [Writer])?, _ error: RPCError) -> Bool {
        guard let (reader, writers) = waiting else { return false }
        reader?.resume(throwing: error)
        for writer in writers { writer.resume(throwing: error) }
        return true
    }
}

// MARK: The caller's side

extension CallStream {
    /// Sends the CALL, unless the call was given up meanwhile, then what waited for it.
    /// - Returns: whether the call was sent.
    func open(_ link: Link, peer: Limits, _ call: (_ isLast: Bool) -> Frame.Call) -> Bool {
        let writers = core.withLock { core -> [Writer]? in
            guard core.state.isReceiving else { return nil }
            core.link = link
            link.outbox.send(.call(call(core.state.isSendingClosed)))
            core.state.open(peer)
            return core.sendParked(of: self)
        }
        for writer in writers ?? [] { writer.resume() }
        return writers != nil
    }

    /// Takes the call off its connection, to be opened on another.
    /// - Returns: whether that can be: it is wanted, and no message of it has been sent or received.
    func unlink() -> Bool {
        core.withLock { core in
            core.link = nil
            core.state.unlink()
            return core.state.isReceiving && core.state.isUntouched
        }
    }

    /// Half-closes the call: nothing more is sent. A handler's side is ended by its status.
    func endSending() {
        let reason = RPCError(.failedPrecondition, "the stream has been ended")
        let writers = core.withLock { core in
            if role == .caller, let link = core.link, core.state.isReceiving, !core.state.isSendingClosed {
                link.outbox.send(.end(stream: link.id))
            }
            return core.state.closeSending(reason)
        }
        for writer in writers { writer.resume(throwing: reason) }
    }

    /// Gives the call up and tells the server so.
    func abandon(_ error: RPCError) {
        let waiting = core.withLock { core in
            if let link = core.link, core.state.isReceiving {
                link.outbox.send(.cancel(stream: link.id))
            }
            return core.abort(error)
        }
        wake(waiting, error)
    }

    /// Whether the server has ended the call, in whatever way.
    var hasAnswer: Bool { core.withLock { !$0.state.isReceiving && $0.state.failure == nil } }

    /// The server has ended the call: what has arrived is still read, then comes `error`, if any.
    func finish(_ error: RPCError?) {
        let reason = error ?? RPCError(.failedPrecondition, "the call has ended")
        receiveEnd(error)
        for writer in core.withLock({ $0.state.closeSending(reason) }) { writer.resume(throwing: reason) }
    }
}

// MARK: The handler's side

extension CallStream {
    /// The stream is there from the start, and so are the client's limits.
    func accept(_ link: Link, peer: Limits) {
        core.withLock { core in
            core.link = link
            core.state.open(peer)
        }
    }

    /// Sends the STATUS: why the call was given up, if it was, or else how its handler ended. Later writes throw.
    /// - Returns: its code.
    func answer(_ result: Result<ByteBuffer?, RPCError>) -> StatusCode {
        let reason = RPCError(.cancelled, "the call has ended")
        let (waiting, code) = core.withLock { core in
            var status = Frame.Status()
            switch (core.state.failure, result) {
            case (let error?, _), (nil, .failure(let error)): status.error = error
            case (nil, .success(let message)):
                status.error = message.flatMap { core.state.oversize($0) }
                if status.error == nil { status.message = message }
            }
            status.metadata = core.leading
            status.metadata.add(contentsOf: core.trailing)
            status.metadata.add(contentsOf: status.error?.metadata ?? [:])
            if !core.takes(status.metadata) {
                status = Frame.Status(error: RPCError(.internalError, "the metadata of the reply is over the limit"))
            }
            if let link = core.link { link.outbox.send(.status(stream: link.id, status)) }
            core.link = nil
            core.request = 0
            return (core.abort(reason), status.error?.code ?? .ok)
        }
        wake(waiting, reason)
        return code
    }

    /// Counts the request that the handler works on as held until the call ends.
    func holdRequest(_ message: ByteBuffer) {
        core.withLock { core in
            core.request = Limits.cost(of: message)
            core.count()
        }
    }

    /// The server stops. Returns whether that may end the call.
    func drain() -> Bool {
        core.withLock { core in
            core.isDraining = true
            return core.endsOnDrain
        }
    }
}
