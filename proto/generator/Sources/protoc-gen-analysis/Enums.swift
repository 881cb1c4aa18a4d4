import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// An enum that keeps the values which it does not know.
func enumSource(_ enumeration: EnumDescriptor) throws -> String {
    let name = enumeration.name
    let values = try enumeration.values.map { value in
        guard !enumeration.options.allowAlias, value.number >= 0 else {
            throw Unsupported("the enum value \(value.fullName)", "give every value a number of its own, 0 or more")
        }
        return (name: try SwiftName.enumCase(value), number: value.number, documentation: docComment(value))
    }
    return """
        \(docComment(enumeration))package enum \(name): RawRepresentable, Hashable, Sendable, CaseIterable {
        \(values.map { "\($0.documentation)case \($0.name)" }.joined(separator: "\n"))
        /// A value from a peer that speaks a newer version.
        case unrecognized(Int32)

        package static let allCases: [\(name)] = [\(values.map { ".\($0.name)" }.joined(separator: ", "))]

        package init(rawValue: Int32) {
        switch rawValue {
        \(values.map { "case \($0.number): self = .\($0.name)" }.joined(separator: "\n"))
        default: self = .unrecognized(rawValue)
        }
        }

        package var rawValue: Int32 {
        switch self {
        \(values.map { "case .\($0.name): \($0.number)" }.joined(separator: "\n"))
        case .unrecognized(let rawValue): rawValue
        }
        }
        }
        """
}
