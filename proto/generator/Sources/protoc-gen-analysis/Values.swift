import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// One value of a field, without its presence or repetition: its type, and how it crosses between Swift and C.
enum Value {
    case number(String)
    case bool
    case string
    case bytes
    case enumeration(EnumDescriptor)
    case message(Descriptor)

    init(_ field: FieldDescriptor) throws {
        switch field.type {
        case .double: self = .number("Double")
        case .float: self = .number("Float")
        case .int32, .sint32, .sfixed32: self = .number("Int32")
        case .int64, .sint64, .sfixed64: self = .number("Int64")
        case .uint32, .fixed32: self = .number("UInt32")
        case .uint64, .fixed64: self = .number("UInt64")
        case .bool: self = .bool
        case .string: self = .string
        case .bytes: self = .bytes
        case .enum: self = .enumeration(field.enumType)
        case .message where !field.isMap: self = .message(field.messageType)
        case .message, .group: throw Unsupported("the field \(field.fullName)", "use a repeated message")
        }
    }

    var swiftType: String {
        switch self {
        case .number(let name): name
        case .bool: "Bool"
        case .string: "String"
        case .bytes: "[UInt8]"
        case .enumeration(let descriptor): descriptor.name
        case .message(let descriptor): descriptor.name
        }
    }

    /// What the field holds when it is not on the wire.
    var defaultValue: String {
        get throws {
            switch self {
            case .number: "0"
            case .bool: "false"
            case .string: "\"\""
            case .bytes: "[]"
            case .enumeration(let descriptor): try "." + SwiftName.enumCase(descriptor.values[0])
            case .message: "nil"
            }
        }
    }

    /// Copying it from C validates something.
    var canFail: Bool {
        switch self {
        case .string, .message: true
        case .number, .bool, .bytes, .enumeration: false
        }
    }

    /// Copies the C expression `value`, a pointer where it is a message; an optional then.
    func decoding(_ value: String, of field: FieldDescriptor) -> String {
        switch self {
        case .number: value
        case .bool: "\(value) != 0"
        case .string: "try String(copying: \(value), of: \"\(field.containingType.name).\(field.name)\")"
        case .bytes: "[UInt8](copying: \(value))"
        case .enumeration(let descriptor): "\(descriptor.name)(rawValue: Int32(bitPattern: \(value).rawValue))"
        case .message(let descriptor): "try \(descriptor.name)(copying: \(value))"
        }
    }

    /// Makes the C value of the Swift expression `value`; a pointer where it is a message.
    func encoding(_ value: String) -> String {
        switch self {
        case .number: value
        case .bool: "\(value) ? 1 : 0"
        case .string, .bytes: "arena.bytes(\(value))"
        case .enumeration(let descriptor):
            "\(CName.type(descriptor.fullName))(rawValue: UInt32(bitPattern: \(value).rawValue))"
        case .message: "arena.message(\(value))"
        }
    }
}
