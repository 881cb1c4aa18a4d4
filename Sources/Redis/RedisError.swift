/// Why a command has no result, told so that the caller knows whether it may have run.
package enum RedisError: Error, Hashable {
    /// Redis answered with an error: the command did not run, or a script stopped with it.
    case server(RedisServerError)
    /// The command was sent and the connection died before its reply: it may have run or not.
    case unknownOutcome(String)
    /// The command was sent and its deadline passed without a reply: it may have run or not.
    case timedOut
    /// The command was not sent: Redis could not be reached before the deadline, too many commands already wait for it,
    /// or the client was stopped. Holds the reason.
    case unavailable(String)
    /// The peer sent what is not Redis' protocol. The command may have run or not.
    case protocolViolation(String)
    /// The command cannot be sent: it is empty or larger than Redis accepts. Nothing was sent.
    case invalidCommand(String)
}

/// An error reply: `WRONGTYPE Operation against a key…` is code `WRONGTYPE` and the rest as message.
package struct RedisServerError: Error, Hashable, CustomStringConvertible {
    package let code: String
    package let message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Divides the text of an error reply, without its leading `-`.
    package init(reply: String) {
        let words = reply.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        code = words.first.map(String.init) ?? ""
        message = words.count > 1 ? String(words[1]) : ""
    }

    package var description: String { "\(code) \(message)" }
}

extension RedisError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .server(let error): "Redis answered: \(error)"
        case .unknownOutcome(let reason): "the connection to Redis was lost, the command may have run: \(reason)"
        case .timedOut: "Redis did not answer in time, the command may have run"
        case .unavailable(let reason): "Redis is not available: \(reason)"
        case .protocolViolation(let reason): "the peer does not speak Redis' protocol: \(reason)"
        case .invalidCommand(let reason): "not a command: \(reason)"
        }
    }
}
