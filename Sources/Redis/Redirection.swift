/// What to do about an error by which Redis says: not here, or not now. The command has not run.
enum Redirection: Equatable {
    /// The slot is another node's from now on.
    case moved(HashSlot, to: RedisURL.Address)
    /// This key is at another node already, while its slot is still on its way there.
    case ask(RedisURL.Address)
    /// It will pass: the data is being loaded, a slot is on its way, a replica takes over.
    case wait

    /// - Parameters:
    ///   - source: who answered: an address without a host is at the same host.
    ///   - isWhole: the command touches more than the key that it is routed by, or others belong to it: it must not run
    ///     before the whole slot has arrived.
    init?(_ error: RedisServerError, from source: RedisURL.Address, isWhole: Bool = false) {
        let words = error.message.split(separator: " ")
        switch error.code {
        case "LOADING", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN": self = .wait
        case "MOVED" where words.count == 2, "ASK" where words.count == 2:
            guard let slot = Int(words[0]).flatMap({ HashSlot($0) }) else { return nil }
            guard let address = RedisURL.Address(node: words[1], of: source) else {
                self = .wait
                return
            }
            self = error.code == "MOVED" ? .moved(slot, to: address) : isWhole ? .wait : .ask(address)
        default: return nil
        }
    }
}

extension RedisValue {
    /// What is to be done where it is an error that sends the caller elsewhere, or away for a while.
    func redirection(from source: RedisURL.Address) -> Redirection? {
        if case .error(let error) = self { Redirection(error, from: source) } else { nil }
    }
}

extension RedisURL.Address {
    /// `HOST:PORT` as a node names another: an empty host is its own, and `?` one that it does not know.
    init?(node text: some StringProtocol, of source: RedisURL.Address) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else { return nil }
        self.init(host: String(text[..<colon]), port: port, of: source)
    }

    init?(host: String, port: Int, of source: RedisURL.Address) {
        guard (1...65535).contains(port), host != "?" else { return nil }
        switch source {
        case _ where !host.isEmpty: self = .tcp(host: host, port: port)
        case .tcp(let host, _): self = .tcp(host: host, port: port)
        case .unix: self = .tcp(host: "127.0.0.1", port: port)
        }
    }
}
