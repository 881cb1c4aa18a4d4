import Crypto

/// A Lua script, called by its hash so that its source crosses the wire once per start of Redis.
package struct RedisScript: Sendable {
    /// What logs and errors call it.
    package let name: String
    package let source: String
    /// Whether running it twice with the same arguments leaves what running it once leaves, so that the client may send it
    /// again when a connection died before the reply.
    package let isIdempotent: Bool
    /// Whether it touches other keys than those that it is given, which it makes from its first one and which share that
    /// one's slot. Such a script waits while a cluster moves its slot: it would find a part of its keys only.
    package let derivesKeys: Bool
    let sha1: String

    package init(name: String, source: String, isIdempotent: Bool = false, derivesKeys: Bool = false) {
        self.name = name
        self.source = source
        self.isIdempotent = isIdempotent
        self.derivesKeys = derivesKeys
        let digits = Array("0123456789abcdef".utf8)
        let hex = Insecure.SHA1.hash(data: Array(source.utf8)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        sha1 = String(decoding: hex, as: UTF8.self)
    }
}
