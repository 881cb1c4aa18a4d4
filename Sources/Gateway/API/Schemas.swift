// Makes JSON schemas of Swift types, by having them decode themselves from a decoder that only notes what it is asked for.

import Foundation
import NIOCore

/// A type whose schema is more than the list of its members.
protocol Described: Decodable {
    static func schema(in schemas: inout Schemas) -> JSONValue
}

/// A type whose members have limits of their own, which are added to their schemas by the members' names in JSON.
protocol Limited: Decodable {
    static var limits: [String: JSONValue] { get }
}

/// The schemas of types, those of objects by name.
struct Schemas {
    private(set) var components: [String: JSONValue] = [:]
    /// Whether what is described is to come in: texts with a NUL are refused then.
    var isIncoming = false

    /// The schema, or a reference to it.
    mutating func schema<Value: Decodable>(of type: Value.Type) -> JSONValue {
        if let described = type as? any Described.Type { return described.schema(in: &self) }
        let name = String(reflecting: type).split(separator: ".").dropFirst().joined(separator: ".")
        if components[name] == nil {
            components[name] = .null  // It may contain itself.
            components[name] = object(type)
        }
        return .object(["$ref": .string("#/components/schemas/\(name)")])
    }

    /// The schema of an object with the members that the type decodes.
    private mutating func object<Value: Decodable>(_ type: Value.Type) -> JSONValue {
        let notes = Notes(schemas: self)
        do {
            _ = try Value(from: NotingDecoder(notes: notes))
        } catch {
            // A type that cannot be made of nothing is a fault of this program, which the test of the document finds.
            return .object(["description": .string("\(type): \(error)")])
        }
        self = notes.schemas
        var members = notes.members
        for (name, limits) in (type as? any Limited.Type)?.limits ?? [:] {
            if case .object(let limits) = limits, case .object(let known) = members[name] {
                // A format says more than that there is no NUL.
                let open = limits["format"] == nil ? known : known.filter { $0.key != "pattern" }
                members[name] = .object(open.merging(limits) { _, limit in limit })
            }
        }
        return .object([
            "type": "object", "properties": .object(members),
            "required": .array(notes.required.sorted().map { .string($0) }),
        ])
    }

    /// How `JSONBody` spells a property.
    static func memberName(_ key: some CodingKey) -> String {
        guard let buffer = try? JSONBody.encode(Probe(name: key.stringValue)) else { return key.stringValue }
        // {"name":0}
        return String(String(buffer: buffer).dropFirst(2).dropLast(4))
    }
}

/// An object with one member, of which only the name matters.
private struct Probe: Encodable {
    let name: String

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try container.encode(0, forKey: Name(stringValue: name))
    }

    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// What a type asked for.
private final class Notes {
    var schemas: Schemas
    var members: [String: JSONValue] = [:]
    var required: Set<String> = []

    init(schemas: Schemas) {
        self.schemas = schemas
    }

    /// - Returns: any value, so that the type goes on to its next member.
    func note<Value: Decodable>(_ type: Value.Type, _ key: some CodingKey) throws -> Value {
        let name = Schemas.memberName(key)
        members[name] = schemas.schema(of: type)
        if let cases = type as? any CaseIterable.Type, let first = cases.first as? Value { return first }
        return try Value(from: NotingDecoder(notes: Notes(schemas: schemas)))
    }
}

extension CaseIterable {
    fileprivate static var first: Any? { allCases.first }
}

private struct NotingDecoder: Decoder {
    let notes: Notes
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed(notes: notes))
    }
    func unkeyedContainer() -> any UnkeyedDecodingContainer { Empty() }
    func singleValueContainer() -> any SingleValueDecodingContainer { Single(notes: notes) }

    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let notes: Notes
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        /// Asked before a member that may be missing, and only then.
        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }

        private func required<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value {
            notes.required.insert(Schemas.memberName(key))
            return try notes.note(type, key)
        }

        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try required(type, key) }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try required(type, key) }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try required(type, key) }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try required(type, key) }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try required(type, key) }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try required(type, key) }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try required(type, key) }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try required(type, key) }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try required(type, key) }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try required(type, key) }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try required(type, key) }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try required(type, key) }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try required(type, key) }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try required(type, key) }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try required(type, key) }

        // What may be missing may be null, too.
        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try optional(type, key) }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try optional(type, key) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try optional(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try optional(type, key) }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try optional(type, key) }
        func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try optional(type, key) }
        func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try optional(type, key) }
        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
            try optional(type, key)
        }

        private func optional<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
            _ = try notes.note(Value?.self, key)
            return nil
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedDecodingContainer<Nested> {
            KeyedDecodingContainer(Keyed<Nested>(notes: Notes(schemas: notes.schemas)))
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer { Empty() }
        func superDecoder() -> any Decoder { NotingDecoder(notes: notes) }
        func superDecoder(forKey key: Key) -> any Decoder { NotingDecoder(notes: notes) }
    }

    /// A list without elements.
    private struct Empty: UnkeyedDecodingContainer {
        var codingPath: [any CodingKey] { [] }
        var count: Int? { 0 }
        var isAtEnd: Bool { true }
        var currentIndex: Int { 0 }
        func decodeNil() -> Bool { true }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            throw DecodingError.valueNotFound(type, .init(codingPath: [], debugDescription: "the list is empty"))
        }
        func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
            KeyedDecodingContainer(Keyed(notes: Notes(schemas: Schemas())))
        }
        func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { self }
        func superDecoder() -> any Decoder { NotingDecoder(notes: Notes(schemas: Schemas())) }
    }

    private struct Single: SingleValueDecodingContainer {
        let notes: Notes
        var codingPath: [any CodingKey] { [] }
        func decodeNil() -> Bool { true }
        func decode(_ type: Bool.Type) -> Bool { false }
        /// A moment is a text, too.
        func decode(_ type: String.Type) -> String { "1970-01-01T00:00:00.000Z" }
        func decode(_ type: Double.Type) -> Double { 0 }
        func decode(_ type: Float.Type) -> Float { 0 }
        func decode(_ type: Int.Type) -> Int { 0 }
        func decode(_ type: Int8.Type) -> Int8 { 0 }
        func decode(_ type: Int16.Type) -> Int16 { 0 }
        func decode(_ type: Int32.Type) -> Int32 { 0 }
        func decode(_ type: Int64.Type) -> Int64 { 0 }
        func decode(_ type: UInt.Type) -> UInt { 0 }
        func decode(_ type: UInt8.Type) -> UInt8 { 0 }
        func decode(_ type: UInt16.Type) -> UInt16 { 0 }
        func decode(_ type: UInt32.Type) -> UInt32 { 0 }
        func decode(_ type: UInt64.Type) -> UInt64 { 0 }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try Value(from: NotingDecoder(notes: Notes(schemas: notes.schemas)))
        }
    }
}
