// The schemas of what JSON objects are made of.

import Foundation

extension Bool: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { ["type": "boolean"] }
}

extension String: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue {
        schemas.isIncoming ? ["type": "string", "pattern": "^[^\\u0000]*$"] : ["type": "string"]
    }
}

extension Double: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { ["type": "number"] }
}

extension FixedWidthInteger {
    /// No more than what fits.
    static func schema(in schemas: inout Schemas) -> JSONValue {
        let least = Int64(clamping: Self.min)
        let most = Int64(clamping: Self.max)
        return ["type": "integer", "minimum": .integer(least), "maximum": .integer(most)]
    }
}

extension Int: Described {}
extension Int64: Described {}
extension UInt32: Described {}
extension UInt64: Described {}

extension Optional: Described where Wrapped: Decodable {
    static func schema(in schemas: inout Schemas) -> JSONValue {
        let schema = schemas.schema(of: Wrapped.self)
        if case .object(var members) = schema, case .string(let type) = members["type"] {
            members["type"] = [.string(type), "null"]
            return .object(members)
        }
        // Any value may be null already.
        return schema == [:] ? schema : ["anyOf": [schema, ["type": "null"]]]
    }
}

extension Array: Described where Element: Decodable {
    static func schema(in schemas: inout Schemas) -> JSONValue {
        ["type": "array", "items": schemas.schema(of: Element.self)]
    }
}

extension Dictionary: Described where Key == String, Value: Decodable {
    static func schema(in schemas: inout Schemas) -> JSONValue {
        ["type": "object", "additionalProperties": schemas.schema(of: Value.self)]
    }
}

extension OrNull: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { schemas.schema(of: Value?.self) }
}

extension Identifier: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { ["type": ["string", "integer"]] }
}

extension Timestamp: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { ["type": "string", "format": "date-time"] }
}

extension RawJSON: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { ["type": "object"] }
}

extension JSONValue: Described {
    static func schema(in schemas: inout Schemas) -> JSONValue { [:] }
}

extension Described where Self: CaseIterable & RawRepresentable, RawValue == String {
    static func schema(in schemas: inout Schemas) -> JSONValue {
        ["type": "string", "enum": .array(allCases.map { .string($0.rawValue) })]
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(nilLiteral: ()) { self = .null }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
