// Both directions of one call as pure state: what has arrived and waits for its reader, what waits for credit, and how the
// two directions ended.
//
//   receiving:  open ──the peer ends──▶ ended        sending:  open ──we end──▶ closed
//                 └────abort──▶ failed                          └────abort──▶ closed

import DequeModule
import NIOCore

/// `Reader` and `Writer` are whatever wakes the one that waits.
struct CallState<Reader, Writer> {
    private enum Receiving {
        case open
        /// The peer has ended, with an error or without: what arrived before is still read.
        case ended(RPCError?)
        /// Given up on this side: what arrived before is dropped, and so is what still comes.
        case failed(RPCError)
    }

    private struct ParkedWrite {
        let token: UInt64
        let message: ByteBuffer
        let writer: Writer
    }

    private var receiving = Receiving.open
    private var inbox: Deque<ByteBuffer> = []
    /// What the messages in the inbox cost.
    private(set) var unread = 0
    private var reader: Reader?
    private let window: Int
    /// What the peer may still send.
    private var receivable: Int
    /// What was read since credit was last given back.
    private var consumed = 0

    private var sendingClosed: RPCError?
    private var maxMessageBytes: Int
    private var credit = 0
    private var parked: Deque<ParkedWrite> = []
    private var lastToken: UInt64 = 0
    /// No message has been sent or received: the call can be opened again elsewhere.
    private(set) var isUntouched = true

    /// - Parameter limits: what this side takes.
    init(limits: Limits) {
        window = limits.credit
        receivable = limits.credit
        maxMessageBytes = limits.maxMessageBytes
    }

    // MARK: Receiving

    enum Receive {
        /// It waits for the reader, or is dropped because this side has given up.
        case kept
        /// Wake the reader with the message and give this much credit back, if any.
        case deliver(Reader, credit: Int?)
        /// There is no room for messages that wait.
        case full
        case violation(String)
    }

    /// A message has arrived. One that comes with the status uses no credit.
    /// - Parameter hasRoom: whether it may wait for a reader.
    mutating func receive(_ message: ByteBuffer, usesCredit: Bool = true, hasRoom: Bool = true) -> Receive {
        switch receiving {
        case .failed: return .kept
        case .ended: return .violation("a message after the last one")
        case .open: break
        }
        isUntouched = false
        if usesCredit {
            guard receivable > 0 else { return .violation("a message beyond the credit") }
            receivable -= Limits.cost(of: message)
        }
        guard let reader else {
            guard hasRoom else { return .full }
            inbox.append(message)
            unread += Limits.cost(of: message)
            return .kept
        }
        self.reader = nil
        return .deliver(reader, credit: usesCredit ? giveBack(message) : nil)
    }

    /// The peer has ended its side. Returns the reader to wake.
    mutating func receiveEnd(_ error: RPCError? = nil) -> Reader? {
        guard case .open = receiving else { return nil }
        receiving = .ended(error)
        return takeReader()
    }

    enum Next {
        case message(ByteBuffer, credit: Int?)
        case end
        case fail(RPCError)
        case wait
    }

    mutating func next() -> Next {
        if let message = inbox.popFirst() {
            unread -= Limits.cost(of: message)
            return .message(message, credit: giveBack(message))
        }
        switch receiving {
        case .open where reader != nil: return .fail(RPCError(.internalError, "two tasks read one stream"))
        case .open: return .wait
        case .ended(nil): return .end
        case .ended(let error?), .failed(let error): return .fail(error)
        }
    }

    /// Only after `next` said `wait`, with nothing in between.
    mutating func park(_ reader: Reader) {
        self.reader = reader
    }

    mutating func takeReader() -> Reader? {
        defer { reader = nil }
        return reader
    }

    /// Credit goes back in halves of the window, so that it costs few frames.
    private mutating func giveBack(_ message: ByteBuffer) -> Int? {
        guard case .open = receiving else { return nil }
        consumed += Limits.cost(of: message)
        guard consumed >= window / 2 else { return nil }
        defer { consumed = 0 }
        receivable += consumed
        return consumed
    }

    // MARK: Sending

    /// The peer is known: its limits apply.
    mutating func open(_ peer: Limits) {
        maxMessageBytes = peer.maxMessageBytes
        credit = peer.credit
    }

    /// The peer has left: what is written waits until the next one is known.
    mutating func unlink() {
        credit = 0
    }

    enum Write {
        case send
        case fail(RPCError)
        /// Park it under this token.
        case wait(token: UInt64)
    }

    /// A message may go whenever there is any credit, which may thereby fall below zero.
    /// - Parameter hasRoom: whether the connection takes more; asked only where the credit does.
    mutating func write(_ message: ByteBuffer, hasRoom: @autoclosure () -> Bool = true) -> Write {
        if let sendingClosed { return .fail(sendingClosed) }
        if let error = oversize(message) { return .fail(error) }
        guard credit > 0, parked.isEmpty, hasRoom() else {
            lastToken += 1
            return .wait(token: lastToken)
        }
        credit -= Limits.cost(of: message)
        isUntouched = false
        return .send
    }

    /// What is wrong with a message that the peer would not take.
    func oversize(_ message: ByteBuffer) -> RPCError? {
        guard message.readableBytes > maxMessageBytes else { return nil }
        return .oversize(message, limit: maxMessageBytes)
    }

    /// Only after `write` said `wait`, with nothing in between.
    mutating func park(_ message: ByteBuffer, _ writer: Writer, token: UInt64) {
        parked.append(ParkedWrite(token: token, message: message, writer: writer))
    }

    /// Gives up a parked write; nil where it has gone already.
    mutating func unpark(_ token: UInt64) -> Writer? {
        guard let index = parked.firstIndex(where: { $0.token == token }) else { return nil }
        return parked.remove(at: index).writer
    }

    /// The peer takes this much more. Returns whether the credit is one that a peer may give.
    mutating func receiveCredit(_ bytes: Int) -> Bool {
        guard bytes > 0, bytes <= Limits.maxCredit - max(credit, 0) else { return false }
        credit += bytes
        return true
    }

    /// The next parked message that may go now.
    mutating func takeWritable(hasRoom: @autoclosure () -> Bool = true) -> (ByteBuffer, Writer)? {
        guard credit > 0, !parked.isEmpty, hasRoom(), let write = parked.popFirst() else { return nil }
        credit -= Limits.cost(of: write.message)
        isUntouched = false
        return (write.message, write.writer)
    }

    var isSendingClosed: Bool { sendingClosed != nil }

    /// Nothing more is sent. Returns the writers to fail with `reason`.
    mutating func closeSending(_ reason: RPCError) -> [Writer] {
        if sendingClosed == nil { sendingClosed = reason }
        defer { parked.removeAll() }
        return parked.map(\.writer)
    }

    // MARK: Both

    /// Why this side gave the call up, if it did.
    var failure: RPCError? {
        guard case .failed(let error) = receiving else { return nil }
        return error
    }

    /// Whether the peer can still send, as far as this side cares.
    var isReceiving: Bool {
        guard case .open = receiving else { return false }
        return true
    }

    /// Gives the call up. Returns whom to wake with `error`; nil where it was given up before.
    mutating func abort(_ error: RPCError) -> (Reader?, [Writer])? {
        if case .failed = receiving { return nil }
        receiving = .failed(error)
        inbox.removeAll()
        unread = 0
        return (takeReader(), closeSending(error))
    }
}

extension RPCError {
    static let metadataOverLimit = RPCError(
        .resourceExhausted,
        "metadata of more than \(Limits.maxMetadataBytes) bytes, with 32 for each entry beside its name and value")

    static func oversize(_ message: ByteBuffer, limit: Int) -> RPCError {
        RPCError(.resourceExhausted, "a message of \(message.readableBytes) bytes is over the limit of \(limit)")
    }
}
