// How commands answer: tables for people, JSON for scripts, and a line that moves while something takes long.

import ArgumentParser
import Foundation

/// JSON of any message: its fields under their names in the .proto files, enums by their names, bytes in hexadecimal.
indirect enum JSON: Encodable {
    case null
    case flag(Bool)
    case number(Int64)
    case natural(UInt64)
    case real(Double)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    init(_ value: Any) {
        // Looked at by its type: every empty array can be cast to one of bytes.
        if type(of: value) == [UInt8].self, let bytes = value as? [UInt8] {
            self = .text(bytes.hexadecimalDigits)
            return
        }
        switch value {
        case let value as JSON: self = value
        case let value as Bool: self = .flag(value)
        case let value as String: self = .text(value)
        case let value as any UnsignedInteger: self = .natural(UInt64(value))
        case let value as any SignedInteger: self = .number(Int64(value))
        case let value as Double: self = value.isFinite ? .real(value) : .null
        default: self.init(reflecting: value)
        }
    }

    private init(reflecting value: Any) {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: self = mirror.children.first.map { JSON($0.value) } ?? .null
        case .collection, .set: self = .list(mirror.children.map { JSON($0.value) })
        case .dictionary:
            let pairs = mirror.children.map { Array(Mirror(reflecting: $0.value).children) }
            self = .object(Dictionary(pairs.map { ("\($0[0].value)", JSON($0[1].value)) }) { $1 })
        // A choice that carries something is an object with the name of the choice.
        case .enum where !mirror.children.isEmpty:
            self = .object(Dictionary(mirror.children.map { (Self.name($0.label), JSON($0.value)) }) { $1 })
        case .enum: self = .text(Self.name("\(value)"))
        default:
            let fields = mirror.children.map { (Self.name($0.label), JSON($0.value)) }
            self = .object(Dictionary(fields.filter { !$0.0.isEmpty }) { $1 })
        }
    }

    /// `createdAtMs` is `created_at_ms`, and `jobID` is `job_id`.
    static func name(_ label: String?) -> String {
        var name = ""
        var wasUpper = true
        for letter in label ?? "" {
            if letter.isUppercase, !wasUpper { name += "_" }
            wasUpper = letter.isUppercase
            name += letter.lowercased()
        }
        return name
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .natural(let value): try container.encode(value)
        case .real(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .object(let fields): try container.encode(fields)
        }
    }

    /// With one more field, where this is an object.
    func adding(_ name: String, _ value: Any) -> JSON {
        guard case .object(var fields) = self else { return self }
        fields[name] = JSON(value)
        return .object(fields)
    }

    /// - Parameter pretty: on many lines; otherwise on one.
    func text(pretty: Bool) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
}

extension [UInt8] {
    fileprivate var hexadecimalDigits: String {
        map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

extension String {
    /// Without characters that would steer a terminal, or end a line: names come from files and from users.
    var printable: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        return String(
            String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{fffd}" : $0 })
        )
    }
}

/// A length of time as minutes and seconds, such as 12:05.
func clock(ms: UInt64) -> String {
    let seconds = ms / 1000
    return "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"
}

/// Rows under heads. On a terminal in columns; elsewhere without heads and with tabs between, as `cut` and `awk` take it.
struct Table {
    let heads: [String]
    var rows: [[String]] = []

    init(_ heads: String...) { self.heads = heads }

    func lines(forTerminal: Bool) -> [String] {
        let rows = rows.map { $0.map(\.printable) }
        guard forTerminal else { return rows.map { $0.joined(separator: "\t") } }
        guard !rows.isEmpty else { return ["none"] }
        let all = [heads.map { $0.uppercased() }] + rows
        let widths = heads.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }
    }

    func show() {
        for line in lines(forTerminal: isatty(STDOUT_FILENO) == 1) { print(line) }
    }
}

/// A file that only its owner can read, and that stands under its name once it is whole; - is standard output.
struct WholeFile {
    private let path: String
    private let handle: FileHandle
    private var part: String { path + ".part" }

    /// - Throws: `ValidationError` where the file cannot be written.
    init(_ path: String) throws {
        self.path = path
        guard path != "-" else {
            handle = .standardOutput
            return
        }
        let descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ValidationError("'\(path)' cannot be written: \(reason())") }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Lets `body` write it. Where that throws, what stood under the name stays.
    func written<Value>(_ body: (FileHandle) async throws -> Value) async throws -> Value {
        do {
            let value = try await body(handle)
            guard path != "-" else { return value }
            try handle.synchronize()
            guard rename(part, path) == 0 else { throw ValidationError("'\(path)' cannot be written: \(reason())") }
            return value
        } catch {
            if path != "-" { unlink(part) }
            throw error
        }
    }
}

/// Why the last call of the system failed.
private func reason() -> String { String(cString: strerror(errno)) }

/// How far a long command is: a line on standard error that changes in place, where that is a terminal, and nothing elsewhere.
final class ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var isShown = false

    /// - Parameter fraction: 0 to 1, rounded down; nil: not known.
    func show(_ text: String, fraction: Double? = nil) {
        guard isTerminal else { return }
        isShown = true
        let bar = fraction.map { " [\(Self.bar($0, width: 30))] \(Int(min(1, max(0, $0)) * 100))%" } ?? ""
        write("\r\u{1b}[K\(text)\(bar)")
    }

    func end() {
        if isShown { write("\r\u{1b}[K") }
        isShown = false
    }

    static func bar(_ fraction: Double, width: Int) -> String {
        let filled = Int(min(1, max(0, fraction)) * Double(width))
        return String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
