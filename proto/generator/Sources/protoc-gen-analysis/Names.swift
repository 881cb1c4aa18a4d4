import SwiftProtobufPluginLibrary

/// How declarations are called in Swift.
enum SwiftName {
    /// `user_id` is `userID`, `created_at_ms` is `createdAtMs`.
    static func property(_ name: String) -> String {
        let words = name.lowercased().split(separator: "_")
        let rest = words.dropFirst().map { $0 == "id" ? "ID" : $0.prefix(1).uppercased() + $0.dropFirst() }
        return escaped(words.prefix(1).joined() + rest.joined())
    }

    /// `command` is `Command`.
    static func type(_ name: String) -> String {
        name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// `JOB_STATE_IN_PROGRESS` of `JobState` is `inProgress`.
    static func enumCase(_ value: EnumValueDescriptor) throws -> String {
        let prefix = snakeCase(value.enumType.name).uppercased() + "_"
        guard value.name.hasPrefix(prefix), value.name.count > prefix.count else {
            throw Unsupported("the enum value \(value.fullName)", "begin its name with \(prefix)")
        }
        return property(String(value.name.dropFirst(prefix.count)))
    }

    /// `GetJob` is `getJob`.
    static func method(_ name: String) -> String {
        escaped(name.prefix(1).lowercased() + name.dropFirst())
    }

    private static func escaped(_ name: String) -> String {
        keywords.contains(name) ? "`\(name)`" : name
    }

    private static let keywords: Set<String> = [
        "as", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do", "else", "enum",
        "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init",
        "inout",
        "internal", "is", "let", "nil", "operator", "precedencegroup", "private", "protocol", "public", "repeat",
        "rethrows", "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
        "try", "typealias", "var", "where", "while",
    ]
}

/// How protoc-gen-c calls the same declarations in C.
enum CName {
    /// `analysis.v1.JobRequest` is `Analysis__V1__JobRequest`.
    static func type(_ fullName: String) -> String {
        fullName.split(separator: ".").map { SwiftName.type(String($0)) }.joined(separator: "__")
    }

    /// `analysis.v1.JobRequest` is `analysis__v1__job_request`, the prefix of its functions.
    static func functions(_ fullName: String) -> String {
        fullName.split(separator: ".").map { snakeCase(String($0)) }.joined(separator: "__")
    }

    /// The value of `oneof`'s case field that says that `field` is set.
    static func oneofCase(_ field: FieldDescriptor, of oneof: OneofDescriptor) -> String {
        functions(oneof.fullName).uppercased() + "_" + field.name.uppercased()
    }

    static func caseField(_ oneof: OneofDescriptor) -> String {
        oneof.name + "_case"
    }
}

/// `JobState` is `job_state`. An underscore stands before each run of capitals, as protoc-gen-c has it.
func snakeCase(_ name: String) -> String {
    var result = ""
    var previousIsUppercase = true
    for character in name {
        if character.isUppercase, !previousIsUppercase { result.append("_") }
        result.append(contentsOf: character.lowercased())
        previousIsUppercase = character.isUppercase
    }
    return result
}
