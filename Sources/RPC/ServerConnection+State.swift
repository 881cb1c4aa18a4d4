// Which streams of a connection a server has open, as pure state: it takes stream numbers as PROTOCOL.md allows them and
// tells late frames of calls that have ended from frames that make no sense.

struct ServerStreams<Call> {
    private(set) var calls: [UInt64: Call] = [:]
    /// The highest stream that was accepted.
    private(set) var lastAccepted: UInt64 = 0
    private let maxStreams: Int
    private(set) var isDraining = false

    init(maxStreams: Int) {
        self.maxStreams = maxStreams
    }

    enum Open {
        case accept
        /// More calls than HELLO allows: this one is refused.
        case tooMany
        /// The client had not seen GOAWAY; it calls again elsewhere.
        case ignore
    }

    /// - Throws: what is wrong with the number.
    mutating func open(_ id: UInt64) throws(RPCError) -> Open {
        guard id % 2 == 1 else { throw RPCError(.invalidArgument, "a CALL on stream \(id); streams are odd") }
        guard id > lastAccepted else {
            throw RPCError(.invalidArgument, "a CALL on stream \(id) after stream \(lastAccepted); streams rise")
        }
        guard !isDraining else { return .ignore }
        lastAccepted = id
        return calls.count < maxStreams ? .accept : .tooMany
    }

    mutating func insert(_ call: Call, at id: UInt64) {
        calls[id] = call
    }

    /// The call of a stream; nil where it has ended or was never accepted by a server that drains.
    ///
    /// - Throws: where no CALL has opened the stream.
    func call(_ id: UInt64) throws(RPCError) -> Call? {
        if let call = calls[id] { return call }
        guard id % 2 == 1, id <= lastAccepted || isDraining else {
            throw RPCError(.invalidArgument, "a frame on stream \(id), which no CALL has opened")
        }
        return nil
    }

    /// - Returns: whether the connection has nothing left to do.
    mutating func remove(_ id: UInt64) -> Bool {
        calls[id] = nil
        return isDraining && calls.isEmpty
    }

    /// - Returns: whether the connection has nothing left to do.
    mutating func drain() -> Bool {
        isDraining = true
        return calls.isEmpty
    }

    mutating func removeAll() -> [Call] {
        defer { calls = [:] }
        return Array(calls.values)
    }
}
