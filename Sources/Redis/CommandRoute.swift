extension [RedisArgument] {
    /// What decides which node of a cluster a command goes to: its first key or its channel; `nil` where any node will do.
    var routingKey: RedisArgument? {
        guard let name = first?.text.uppercased(), !keylessCommands.contains(name) else { return nil }
        switch name {
        case "BITOP", "MEMORY", "OBJECT", "PUBSUB", "XGROUP", "XINFO",
            "LMPOP", "SINTERCARD", "ZDIFF", "ZINTER", "ZINTERCARD", "ZMPOP", "ZUNION":
            return element(2)
        case "BLMPOP", "BZMPOP", "EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO":
            return element(2)?.text == "0" ? nil : element(3)
        case "XREAD", "XREADGROUP":
            return firstIndex { $0.text.uppercased() == "STREAMS" }.flatMap { element($0 + 1) }
        default:
            return element(1)
        }
    }

    private func element(_ index: Int) -> RedisArgument? { index < count ? self[index] : nil }
}

/// Commands of Redis 7.0 that name no key, as `COMMAND INFO` says: their first key is at 0.
private let keylessCommands: Set<String> = [
    "ACL", "ASKING", "AUTH", "BGREWRITEAOF", "BGSAVE", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DBSIZE", "DEBUG",
    "DISCARD", "ECHO", "EXEC", "FAILOVER", "FLUSHALL", "FLUSHDB", "FUNCTION", "HELLO", "INFO", "KEYS", "LASTSAVE",
    "LATENCY", "LOLWUT", "MODULE", "MULTI", "PING", "QUIT", "RANDOMKEY", "READONLY", "READWRITE", "REPLICAOF", "RESET",
    "ROLE", "SAVE", "SCAN", "SCRIPT", "SHUTDOWN", "SLOWLOG", "SWAPDB", "TIME", "UNWATCH", "WAIT",
]
