import NIOCore
import Synchronization

/// What callers hand to the event loop, from any thread, ready to be written. The first to come wakes the loop, and everything
/// that gathered by the time it wakes is written with one flush: concurrent callers are pipelined without asking.
final class Outbox: Sendable {
    /// What the caller of one command is resumed with.
    enum Outcome: Sendable {
        case reply(RedisValue)
        /// The reply takes longer than most. A cancellation handler costs a command a fifth of its time, so a caller waits
        /// without one at first, and for this with one.
        case late(Eventual<RedisValue>)
    }

    /// Who waits for replies.
    enum Caller: Sendable {
        case one(UnsafeContinuation<Outcome, any Error>)
        case several(Eventual<[RedisValue]>, count: Int)

        var replyCount: Int {
            switch self {
            case .one: 1
            case .several(_, let count): count
            }
        }

        func fail(_ error: any Error) {
            switch self {
            case .one(let continuation): continuation.resume(throwing: error)
            case .several(let replies, _): replies.resolve(.failure(error))
            }
        }
    }

    struct Submission: Sendable {
        let deadlines: Deadlines
        let caller: Caller
    }

    private struct Content {
        var submissions: [Submission] = []
        var bytes = ByteBuffer()
        var closeReason: String?
    }

    private let content = Mutex(Content())
    /// Replies that are awaited. Only `put` makes them more, under the lock.
    private let unanswered = Atomic(0)
    private let maximumUnanswered: Int

    /// - Parameter maximumUnanswered: how many replies may be awaited at a time. What comes alone is always accepted.
    init(maximumUnanswered: Int) {
        self.maximumUnanswered = maximumUnanswered
    }

    /// So many submissions are written without waiting for more: Redis works on them while the next ones gather.
    static let fullCount = 64

    /// Returns how many submissions are here: with the first the event loop must be woken to take them. Fails the submission if
    /// the connection is closed, too many wait already, or `encode` throws, and returns 0.
    func put(_ submission: Submission, encode: (inout ByteBuffer) throws(RedisError) -> Void) -> Int {
        let (count, error) = content.withLock { content -> (Int, RedisError?) in
            if let reason = content.closeReason { return (0, .unavailable(reason)) }
            let (waiting, added) = (unanswered.load(ordering: .relaxed), submission.caller.replyCount)
            guard waiting == 0 || waiting + added <= maximumUnanswered else {
                return (0, .unavailable("\(waiting) commands already wait for their replies"))
            }
            let start = content.bytes.writerIndex
            do throws(RedisError) {
                try encode(&content.bytes)
            } catch {
                content.bytes.moveWriterIndex(to: start)
                return (0, error)
            }
            unanswered.add(added, ordering: .relaxed)
            content.submissions.append(submission)
            return (content.submissions.count, nil)
        }
        // Resumed outside the lock, because what runs then may submit again.
        if let error { submission.caller.fail(error) }
        return count
    }

    /// Takes all that is here. What was handed over last is given back for its memory.
    func take(into submissions: inout [Submission], allocator: ByteBufferAllocator) -> ByteBuffer {
        submissions.removeAll(keepingCapacity: true)
        return content.withLock { content in
            swap(&content.submissions, &submissions)
            guard !submissions.isEmpty else { return ByteBuffer() }
            defer { content.bytes = allocator.buffer(capacity: 1024) }
            return content.bytes
        }
    }

    /// The connection itself waits for a reply.
    func expectOne() {
        unanswered.add(1, ordering: .relaxed)
    }

    /// A reply has come. Said before its caller is told, who may submit again at once.
    func answered() {
        unanswered.subtract(1, ordering: .relaxed)
    }

    /// Why the connection was closed; `nil` while it is open.
    var closeReason: String? {
        content.withLock { $0.closeReason }
    }

    /// From now on submissions fail. Returns those that were never sent.
    func close(reason: String) -> [Submission] {
        content.withLock { content in
            content.closeReason = content.closeReason ?? reason
            content.bytes = ByteBuffer()
            defer { content.submissions = [] }
            return content.submissions
        }
    }
}
