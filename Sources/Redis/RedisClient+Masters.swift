// The servers that a Redis consists of, one by one, for what asks all of them: to look through all names, say.

extension RedisClient {
    /// A server that takes writes: the only one, or a master of a cluster.
    package struct Master: Sendable {
        /// `nil` where Redis is no cluster.
        let address: RedisURL.Address?
        /// `{…}`: a key in which it stands before all other braces is on this server.
        package let hashTag: String
        /// The slots that it serves; empty where Redis is no cluster.
        fileprivate var slots: Set<HashSlot> = []

        /// Whether a key of this name is on this server.
        package func serves(_ name: some BidirectionalCollection<UInt8>) -> Bool {
            address == nil || slots.contains(HashSlot(of: name))
        }
    }

    /// Which part of a name decides the server that it is on: `{tag}` before anything puts both on the same one.
    package static func hashTag(of name: [UInt8]) -> [UInt8] { Array(HashSlot.tag(of: name)) }

    /// All servers that take writes, as they share the keys now.
    ///
    /// - Throws: ``RedisError``; ``RedisError/unavailable(_:)`` where a part of a cluster's slots is served by nobody.
    package func masters() async throws -> [Master] {
        guard try await send("INFO", "cluster").text?.contains("cluster_enabled:1") == true else {
            return [Master(address: nil, hashTag: "{0}")]
        }
        guard let owners = await learnSlots()?.owners else {
            throw RedisError.unavailable("no node of the cluster tells which slots it serves")
        }
        var slots: [RedisURL.Address: Set<HashSlot>] = [:]
        for (number, owner) in owners.enumerated() {
            guard let owner, let slot = HashSlot(number) else {
                throw RedisError.unavailable("nobody serves slot \(number) of the cluster")
            }
            slots[owner, default: []].insert(slot)
        }
        return slots.map { address, slots in
            // Numbers fall into all slots soon.
            let number = (0...).first { slots.contains(HashSlot(of: "\($0)".utf8)) } ?? 0
            return Master(address: address, hashTag: "{\(number)}", slots: slots)
        }
    }

    /// Shows all names that fit a pattern, a page at a time, of which each is from one server.
    ///
    /// What is there all the while is shown once at least; what comes or goes meanwhile, or is moved within a cluster, may not be.
    ///
    /// - Parameter count: how many names the server looks at for each page.
    package nonisolated(nonsending) func scan(
        _ pattern: String, at masters: [Master], count: Int,
        _ visit: nonisolated(nonsending) (_ names: [[UInt8]]) async throws -> Void
    ) async throws {
        for master in masters {
            var cursor = RedisArgument("0")
            repeat {
                let command = ["SCAN", cursor, "MATCH", RedisArgument(pattern), "COUNT", RedisArgument(count)]
                let (began, deadlines) = deadlines(nil)
                let reply = try await attempt(
                    key: RedisArgument(master.hashTag), at: master.address, isIdempotent: true, began: began,
                    deadlines: deadlines
                ) { connection, _ in try await connection.send(command, deadlines) }
                guard let page = reply.elements, page.count == 2, let next = page[0].bytes, let names = page[1].elements
                else { throw RedisError.protocolViolation("the reply of SCAN is not understood") }
                cursor = RedisArgument(next)
                try await visit(names.compactMap(\.bytes))
            } while cursor != RedisArgument([UInt8(ascii: "0")])
        }
    }
}
