// Names and values that travel beside a call's messages.

/// Ordered names and values beside the messages of a call: request metadata, leading and trailing metadata of the reply.
///
/// Names are lower case; setting lowers them. A name that ends in `-bin` carries bytes, every other one text.
package struct Metadata: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package let name: String
        package let value: [UInt8]
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// The first text under a name; nil where there is none or it is not UTF-8. Setting replaces all values of the name.
    package subscript(name: String) -> String? {
        get { first(name).flatMap { String(validating: $0, as: UTF8.self) } }
        set { replace(name, with: newValue.map { Array($0.utf8) }) }
    }

    /// The first bytes under a name, which ends in `-bin`. Setting replaces all values of the name.
    package subscript(binary name: String) -> [UInt8]? {
        get { first(name) }
        set { replace(name, with: newValue) }
    }

    /// Adds a value, keeping those that the name has.
    package mutating func add(_ name: String, _ value: some Sequence<UInt8>) {
        entries.append(Entry(name: name.lowercased(), value: Array(value)))
    }

    package mutating func add(contentsOf other: Metadata) {
        entries.append(contentsOf: other.entries)
    }

    /// What it counts of `Limits.maxMetadataBytes`: names, values and 32 bytes for each entry.
    var cost: Int { entries.reduce(0) { $0 + $1.name.utf8.count + $1.value.count + 32 } }

    /// Whether it is within what a peer takes.
    var fits: Bool { cost <= Limits.maxMetadataBytes }

    private func first(_ name: String) -> [UInt8]? {
        let name = name.lowercased()
        return entries.first { $0.name == name }?.value
    }

    private mutating func replace(_ name: String, with value: [UInt8]?) {
        let name = name.lowercased()
        entries.removeAll { $0.name == name }
        if let value { entries.append(Entry(name: name, value: value)) }
    }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value.utf8) }
    }
}
