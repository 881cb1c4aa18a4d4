import NIOCore
import Synchronization

/// What callers hand to the event loop, from any thread. The first to come wakes the loop, and everything that gathered by
/// the time it wakes is written with one flush: concurrent callers are pipelined without asking.
final class Outbox: Sendable {
    struct Submission: Sendable {
        enum Work: Sendable {
            case one([RedisArgument], CheckedContinuation<RedisValue, any Error>)
            case several([[RedisArgument]], CheckedContinuation<[RedisValue], any Error>)

            func fail(_ error: RedisError) {
                switch self {
                case .one(_, let continuation): continuation.resume(throwing: error)
                case .several(_, let continuation): continuation.resume(throwing: error)
                }
            }
        }

        let id: UInt64
        let deadline: NIODeadline
        let work: Work
    }

    private struct Content {
        var submissions: [Submission] = []
        var closeReason: String?
    }

    private let content = Mutex(Content())

    /// Returns whether the event loop must be woken to take what is here. Fails the submission if the connection is closed.
    func put(_ submission: Submission) -> Bool {
        let (isFirst, closeReason) = content.withLock { content in
            guard content.closeReason == nil else { return (false, content.closeReason) }
            content.submissions.append(submission)
            return (content.submissions.count == 1, nil)
        }
        // Resumed outside the lock, because what runs then may submit again.
        if let closeReason { submission.work.fail(.unavailable(closeReason)) }
        return isFirst
    }

    func take() -> [Submission] {
        content.withLock { content in
            defer { content.submissions = [] }
            return content.submissions
        }
    }

    /// Why the connection was closed; `nil` while it is open.
    var closeReason: String? {
        content.withLock { $0.closeReason }
    }

    /// From now on submissions fail. Returns those that were never sent.
    func close(reason: String) -> [Submission] {
        content.withLock { content in
            content.closeReason = content.closeReason ?? reason
            defer { content.submissions = [] }
            return content.submissions
        }
    }
}
