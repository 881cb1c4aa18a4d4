// The building blocks of the JSON that the gateway answers with.

import AnalysisAPI
import Foundation

/// A field that is always there: `null` where nothing is known, instead of being left out.
///
/// Its initializer is written out because the synthesized one has a default, with which memberwise initializers around it would
/// ask for the wrapper instead of the value.
@propertyWrapper
struct OrNull<Value: Codable & Sendable>: Codable, Sendable {
    var wrappedValue: Value?

    init(wrappedValue value: Value?) {
        wrappedValue = value
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue {
            try container.encode(wrappedValue)
        } else {
            try container.encodeNil()
        }
    }
}

/// An identifier of the web app: a JSON number where it is all digits, otherwise a string.
///
/// A number must come back as the same identifier, so leading zeros and what exceeds the integers that JavaScript
/// represents exactly (2⁵³ − 1) stay strings.
struct Identifier: Codable, Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    /// `nil` for the empty identifier, which messages use for "none".
    init?(nonEmpty text: String) {
        if text.isEmpty { return nil }
        self.text = text
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        text = try (try? container.decode(Int64.self)).map(String.init) ?? container.decode(String.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let number = Int64(text), (0...9_007_199_254_740_991).contains(number), String(number) == text {
            try container.encode(number)
        } else {
            try container.encode(text)
        }
    }
}

/// A moment, as ISO 8601 in UTC with milliseconds: `2025-01-31T17:05:09.250Z`.
struct Timestamp: Codable, Sendable {
    let millisecondsSince1970: Int64

    init(millisecondsSince1970: Int64) {
        self.millisecondsSince1970 = millisecondsSince1970
    }

    /// `nil` for 0, which messages use for "never".
    init?(_ milliseconds: Int64) {
        if milliseconds == 0 { return nil }
        self.init(millisecondsSince1970: milliseconds)
    }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    init(from decoder: any Decoder) throws {
        let date = try Self.style.parse(try decoder.singleValueContainer().decode(String.self))
        millisecondsSince1970 = Int64((date.timeIntervalSince1970 * 1000).rounded())
    }

    static var now: Timestamp {
        Timestamp(millisecondsSince1970: Int64(Date().timeIntervalSince1970 * 1000))
    }

    func encode(to encoder: any Encoder) throws {
        let date = Date(timeIntervalSince1970: Double(millisecondsSince1970) / 1000)
        var container = encoder.singleValueContainer()
        try container.encode(date.formatted(Self.style))
    }
}

/// Any JSON, for the few fields whose shape an analyzer decides.
enum JSONValue: Codable, Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }
}

extension Double {
    var roundedToTenth: Double { (self * 10).rounded() / 10 }

    /// This fraction in percent, with one decimal; 100 only where it is 1.
    var percentage: Double { self >= 1 ? 100 : min(99.9, (self * 100).roundedToTenth) }
}
