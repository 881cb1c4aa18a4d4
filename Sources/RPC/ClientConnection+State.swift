// Which streams of a connection a client has open, as pure state.

struct ClientStreams<Call> {
    private(set) var calls: [UInt64: Call] = [:]
    private(set) var nextID: UInt64 = 1
    private var maxStreams = 0
    /// No more calls here: the server drains, or this side does.
    private(set) var isGoingAway = false

    /// The server has said HELLO; a limit of 0 is none.
    mutating func opened(maxStreams: Int) {
        self.maxStreams = maxStreams == 0 ? .max : maxStreams
    }

    var canOpen: Bool { !isGoingAway && calls.count < maxStreams }

    /// Whether the connection has nothing left to do.
    var isFinished: Bool { isGoingAway && calls.isEmpty }

    mutating func open(_ call: Call) {
        calls[nextID] = call
        nextID += 2
    }

    /// The call of a stream; nil where it has ended.
    ///
    /// - Throws: where no call was made on the stream.
    func call(_ id: UInt64) throws(RPCError) -> Call? {
        if let call = calls[id] { return call }
        guard id % 2 == 1, id < nextID else {
            throw RPCError(.internalError, "a frame on stream \(id), on which no call was made")
        }
        return nil
    }

    mutating func remove(_ id: UInt64) {
        calls[id] = nil
    }

    /// - Returns: the calls that the server never took, in the order in which they were made.
    mutating func goAway(lastStream: UInt64) -> [Call] {
        isGoingAway = true
        let unaccepted = calls.filter { $0.key > lastStream }.sorted { $0.key < $1.key }
        for (id, _) in unaccepted { calls[id] = nil }
        return unaccepted.map(\.value)
    }

    mutating func removeAll() -> [Call] {
        isGoingAway = true
        defer { calls = [:] }
        return calls.sorted { $0.key < $1.key }.map(\.value)
    }
}
