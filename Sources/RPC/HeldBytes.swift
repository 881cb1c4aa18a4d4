// What a connection has received and still holds for its readers, over all of its streams.

import Synchronization

/// Counts, in the bytes of `Limits.cost`, the messages that have arrived and that nobody has read, and the request of a call that
/// takes one until the call ends.
///
/// The connection goes on reading when the limit is reached: were it to stop, the CREDIT, CANCEL or PONG behind the message could
/// be what lets a reader go on, and neither side would ever move again. Instead the call whose message finds no room ends. A peer
/// whose messages are within the credit of its streams does not get there as long as credit × streams is within the limit.
final class HeldBytes: Sendable {
    let limit: Int
    private let held = Atomic(0)

    init(limit: Int) {
        self.limit = limit
    }

    var isFull: Bool { held.load(ordering: .relaxed) >= limit }

    func add(_ bytes: Int) {
        if bytes != 0 { held.add(bytes, ordering: .relaxed) }
    }
}

extension RPCError {
    static func noRoom(_ held: HeldBytes) -> RPCError {
        RPCError(
            .resourceExhausted, "the connection holds \(held.limit) bytes of messages that nobody has read, the limit")
    }
}
