/// One argument of a command: bytes that Redis does not interpret further.
package struct RedisArgument: Sendable, Hashable {
    enum Storage: Sendable, Hashable {
        case text(String)
        case bytes([UInt8])
    }

    let storage: Storage

    package init(_ text: String) {
        storage = .text(text)
    }

    package init(_ bytes: [UInt8]) {
        storage = .bytes(bytes)
    }

    /// An integer in decimal, as Redis reads numbers.
    package init(_ integer: some BinaryInteger) {
        storage = .text(String(integer))
    }

    /// The shortest decimal text that reads back as the same number.
    package init(_ number: Double) {
        storage = .text("\(number)")
    }

    var byteCount: Int {
        switch storage {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }

    /// Copies the bytes to the front of `destination`, which has room for `byteCount`.
    func copy(into destination: UnsafeMutableRawBufferPointer) {
        switch storage {
        case .text(let text): destination.copyBytes(from: text.utf8)
        case .bytes(let bytes): destination.copyBytes(from: bytes)
        }
    }

    /// The argument as text; a command's name always is.
    var text: String {
        switch storage {
        case .text(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// What may stand in a command: `client.send("HSET", key, "count", 3, "blob", bytes)`.
package protocol RedisArgumentConvertible {
    var redisArgument: RedisArgument { get }
}

extension RedisArgument: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { self }
}

extension String: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension Int: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension Int64: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension UInt64: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension UInt32: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension Double: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension [UInt8]: RedisArgumentConvertible {
    package var redisArgument: RedisArgument { RedisArgument(self) }
}

extension RedisArgument: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: String) {
        self.init(value)
    }

    package init(integerLiteral value: Int) {
        self.init(value)
    }
}
