// What a call's lock guards: its state, the stream that carries it, and what goes out in the order of the decisions.

import NIOCore

extension CallStream {
    struct Core {
        var state: State
        var link: Link?
        var leading: Metadata = [:]
        var trailing: Metadata = [:]
        /// The cost of the reply's metadata that was sent or received: leading and trailing have one limit.
        var metadataCost = 0
        var endsOnDrain = false
        var isDraining = false
        /// The cost of the request that the handler of a call with one request works on.
        var request = 0
        /// What the connection has been told of what this stream holds.
        var counted = 0
        let held: HeldBytes

        /// Tells the connection what has changed in what this stream holds.
        mutating func count() {
            let now = state.unread + request
            held.add(now - counted)
            counted = now
        }

        mutating func next() -> State.Next {
            let next = state.next()
            count()
            if case .message(_, let credit?) = next { giveCredit(credit) }
            return next
        }

        mutating func write(_ message: ByteBuffer, of stream: CallStream) -> State.Write {
            let outbox = link?.outbox
            let write = state.write(message, hasRoom: outbox?.hasRoom(for: stream) ?? true)
            if case .send = write { send(message) }
            return write
        }

        /// Sends the parked messages that may go now. Returns their writers, to be woken.
        mutating func sendParked(of stream: CallStream) -> [Writer] {
            var writers: [Writer] = []
            let outbox = link?.outbox
            while let (message, writer) = state.takeWritable(hasRoom: outbox?.hasRoom(for: stream) ?? true) {
                send(message)
                writers.append(writer)
            }
            return writers
        }

        /// Leading metadata goes out with the first message. Too much of it stays for the status, which then says so.
        mutating func send(_ message: ByteBuffer) {
            guard let link else { return }
            let fits = takes(leading)
            link.outbox.send(.message(stream: link.id, message, metadata: fits ? leading : [:]))
            if fits { leading = [:] }
        }

        /// Returns whether the reply has room for the metadata, which then counts.
        mutating func takes(_ metadata: Metadata) -> Bool {
            guard metadataCost + metadata.cost <= Limits.maxMetadataBytes else { return false }
            metadataCost += metadata.cost
            return true
        }

        mutating func abort(_ error: RPCError) -> (Reader?, [Writer])? {
            defer { count() }
            return state.abort(error)
        }

        func giveCredit(_ bytes: Int) {
            guard let link else { return }
            link.outbox.send(.credit(stream: link.id, bytes: bytes))
        }
    }
}
