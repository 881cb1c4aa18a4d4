/// A reply of Redis (RESP2). Simple and bulk strings are the same thing to a caller and arrive as `string`.
package enum RedisValue: Sendable, Hashable {
    case string([UInt8])
    case integer(Int64)
    case array([RedisValue])
    /// No such key, an empty wait, an aborted transaction.
    case null
    /// An error inside an array, as `EXEC` and scripts may return. An error that is the whole reply is thrown instead.
    case error(RedisServerError)

    /// The bytes of a string.
    package var bytes: [UInt8]? {
        if case .string(let bytes) = self { bytes } else { nil }
    }

    /// A string that is valid UTF-8.
    package var text: String? {
        if case .string(let bytes) = self { String(validating: bytes, as: UTF8.self) } else { nil }
    }

    /// An integer reply, or a string that is one in decimal, as stored numbers come back.
    package var int: Int64? {
        switch self {
        case .integer(let integer): integer
        case .string: text.flatMap { Int64($0) }
        case .array, .null, .error: nil
        }
    }

    /// A string that is a number, as scores come back.
    package var double: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .string: text.flatMap { Double($0) }
        case .array, .null, .error: nil
        }
    }

    package var elements: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var isNull: Bool {
        self == .null
    }

    /// A flat array of field, value, field, value…, as `HGETALL` and the entries of a stream are; `nil` where it is not.
    /// Of equal fields the last counts.
    package var map: [String: RedisValue]? {
        guard let elements, elements.count.isMultiple(of: 2) else { return nil }
        var map = [String: RedisValue](minimumCapacity: elements.count / 2)
        for index in stride(from: 0, to: elements.count, by: 2) {
            guard let field = elements[index].text else { return nil }
            map[field] = elements[index + 1]
        }
        return map
    }
}
