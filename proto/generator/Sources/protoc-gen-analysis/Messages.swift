import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// A value type, and how it is copied from the C struct of the message and written to it.
func messageSource(_ message: Descriptor) throws -> String {
    guard message.messages.allSatisfy(\.options.mapEntry), message.enums.isEmpty else {
        throw Unsupported("the message \(message.fullName)", "declare its nested types at the top level")
    }
    guard !message.reaches(message) else {
        throw Unsupported(
            "the message \(message.fullName)", "let it not contain itself, because protobuf-c has no recursion limit")
    }
    let name = message.name
    let cType = CName.type(message.fullName)
    let properties = try message.properties()
    let choices = try message.oneofs.filter { !$0.isPresence }.map(choiceSource)
    let parameters = properties.map { "\($0.name): \($0.type) = \($0.defaultValue)" }.joined(separator: ", ")
    return """
        \(docComment(message))package struct \(name): Message, Hashable, Sendable {
        \((choices + [""]).joined(separator: "\n\n"))\
        \(properties.map { "\($0.documentation)package var \($0.name): \($0.type)" }.joined(separator: "\n"))

        package init(\(parameters)) {
        \(properties.map { "self.\($0.name) = \($0.name)" }.joined(separator: "\n"))
        }
        }

        extension \(name): CMessage {
        static var empty: \(cType) {
        var c = \(cType)()
        \(CName.functions(message.fullName))__init(&c)
        return c
        }

        init(copying c: \(cType)) throws {
        \(properties.map(\.decoding).joined(separator: "\n"))
        }

        func write(to c: inout \(cType), arena: inout MessageArena) {
        \(properties.map(\.encoding).joined(separator: "\n"))
        }
        }
        """
}

/// The enum of a oneof with several members.
private func choiceSource(_ oneof: OneofDescriptor) throws -> String {
    let cases = try oneof.fields.map { field in
        try "\(docComment(field))case \(SwiftName.property(field.name))(\(Value(field).swiftType))"
    }
    return """
        \(docComment(oneof))package enum \(SwiftName.type(oneof.name)): Hashable, Sendable {
        \(cases.joined(separator: "\n"))
        }
        """
}

/// A stored property of the value type, and the statements that copy it from the C struct `c` and write it there.
private struct Property {
    var documentation: String
    var name: String
    var type: String
    var defaultValue: String
    var decoding: String
    var encoding: String
}

extension Descriptor {
    /// In the order of declaration; a oneof stands where its first member does.
    fileprivate func properties() throws -> [Property] {
        try fields.compactMap { field in
            guard let oneof = field.containingOneof else {
                return field.isRepeated ? try Property(repeated: field) : try Property(singular: field)
            }
            if oneof.isPresence { return try Property(optional: field, of: oneof) }
            return oneof.fields.first === field ? try Property(choice: oneof) : nil
        }
    }

    /// Whether a field of this message, or of those within it, holds a `target`.
    fileprivate func reaches(_ target: Descriptor) -> Bool {
        var pending: [Descriptor] = [self]
        var seen: Set<String> = []
        while let message = pending.popLast() {
            for inner in message.fields.compactMap(\.messageType) {
                if inner === target { return true }
                if seen.insert(inner.fullName).inserted { pending.append(inner) }
            }
        }
        return false
    }
}

extension OneofDescriptor {
    /// A one-member oneof whose name begins with `_` says that the member is optional.
    fileprivate var isPresence: Bool { name.hasPrefix("_") && fields.count == 1 }
}

extension Property {
    init(singular field: FieldDescriptor) throws {
        let value = try Value(field)
        name = SwiftName.property(field.name)
        documentation = docComment(field)
        type = if case .message = value { "\(value.swiftType)?" } else { value.swiftType }
        defaultValue = try value.defaultValue
        decoding = "\(name) = \(value.decoding("c.\(field.name)", of: field))"
        encoding = "c.\(field.name) = \(value.encoding(name))"
    }

    init(repeated field: FieldDescriptor) throws {
        let value = try Value(field)
        name = SwiftName.property(field.name)
        documentation = docComment(field)
        type = "[\(value.swiftType)]"
        defaultValue = "[]"
        decoding = """
            \(name) = \(value.canFail ? "try " : "")elements(c.\(field.name), count: c.n_\(field.name)) { \
            \(value.decoding("$0", of: field)) }
            """
        encoding = """
            c.n_\(field.name) = \(name).count
            c.\(field.name) = arena.elements(\(name).map { \(value.encoding("$0")) })
            """
    }

    init(optional field: FieldDescriptor, of oneof: OneofDescriptor) throws {
        let value = try Value(field)
        name = SwiftName.property(field.name)
        documentation = docComment(field).isEmpty ? docComment(oneof) : docComment(field)
        type = "\(value.swiftType)?"
        defaultValue = "nil"
        decoding = """
            if c.\(CName.caseField(oneof)) == \(CName.oneofCase(field, of: oneof)) {
            \(name) = \(value.decoding("c.\(field.name)", of: field))
            }
            """
        encoding = """
            if let \(name) {
            c.\(CName.caseField(oneof)) = \(CName.oneofCase(field, of: oneof))
            c.\(field.name) = \(value.encoding(name))
            }
            """
    }

    init(choice oneof: OneofDescriptor) throws {
        let members = try oneof.fields.map { field in
            (field: field, value: try Value(field), name: SwiftName.property(field.name))
        }
        let name = SwiftName.property(oneof.name)
        self.name = name
        documentation = ""
        type = "\(SwiftName.type(oneof.name))?"
        defaultValue = "nil"
        let decodings = members.map { member in
            let copy = member.value.decoding("c.\(member.field.name)", of: member.field)
            let choice =
                if case .message = member.value { "\(copy).map { .\(member.name)($0) }" } else {
                    ".\(member.name)(\(copy))"
                }
            return "case \(CName.oneofCase(member.field, of: oneof)): \(name) = \(choice)"
        }
        decoding = """
            switch c.\(CName.caseField(oneof)) {
            \(decodings.joined(separator: "\n"))
            default: break
            }
            """
        let encodings = members.map { member in
            """
            case .\(member.name)(let value):
            c.\(CName.caseField(oneof)) = \(CName.oneofCase(member.field, of: oneof))
            c.\(member.field.name) = \(member.value.encoding("value"))
            """
        }
        encoding = """
            switch \(name) {
            \(encodings.joined(separator: "\n"))
            case nil: break
            }
            """
    }
}
