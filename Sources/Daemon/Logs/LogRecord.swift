// One event of a log, and how it is written: as a line of JSON for collectors, or as a line for people.

import Foundation
import Logging

/// Everything that is written of an event, without secrets.
struct LogRecord: Sendable {
    let level: Logger.Level
    let label: String
    let message: String
    /// In the order of their names.
    let fields: [(name: String, value: Value)]
    /// Since 1970.
    let milliseconds: Int64

    enum Value: Sendable, Hashable {
        case text(String)
        /// As JSON writes it: a number, true or false.
        case literal(String)
        case list([Value])
        case object([String: Value])
    }

    /// Names that the line itself uses: a field that is called so gets an underscore.
    private static let reserved: Set<String> = ["time", "level", "logger", "message"]
    /// As others call what we call differently.
    private static let aliases = ["hb.request.id": "request_id", "job": "job_id", "user": "user_id"]

    init(level: Logger.Level, label: String, message: String, metadata: Logger.Metadata, milliseconds: Int64) {
        (self.level, self.label, self.milliseconds) = (level, label, milliseconds)
        self.message = Secrets.redacted(message)
        let named = metadata.map { name, value in
            let name = Self.aliases[name] ?? name
            return (
                name: Self.reserved.contains(name) ? name + "_" : name,
                value: Secrets.isSecret(name) ? .text(Secrets.mark) : Value(value)
            )
        }
        fields = named.sorted { $0.name < $1.name }.reduce(into: []) { fields, field in
            // What came under two of its names: no name stands twice in an object.
            if fields.last?.name != field.name { fields.append(field) }
        }
    }
}

extension LogRecord.Value {
    init(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): self = .text(Secrets.redacted(text))
        case .stringConvertible(let value):
            switch value {
            case let number as any BinaryInteger: self = .literal("\(number)")
            case let number as Double where number.isFinite: self = .literal("\(number)")
            case let flag as Bool: self = .literal("\(flag)")
            default: self = .text(Secrets.redacted("\(value)"))
            }
        case .array(let values): self = .list(values.map(Self.init))
        case .dictionary(let values):
            self = .object(
                Dictionary(
                    uniqueKeysWithValues: values.map {
                        ($0, Secrets.isSecret($0) ? .text(Secrets.mark) : Self($1))
                    }))
        }
    }
}

extension LogRecord {
    /// One JSON object on one line.
    var json: String {
        var line = "{\"time\":\"\(Self.time(milliseconds))\",\"level\":\"\(level.rawValue)\",\"logger\":"
        Self.write(label, to: &line)
        line += ",\"message\":"
        Self.write(message, to: &line)
        for (name, value) in fields {
            line += ","
            Self.write(name, to: &line)
            line += ":"
            value.write(to: &line)
        }
        return line + "}\n"
    }

    /// For people: the time of day in UTC, level, logger, message and fields.
    func text(colour: Bool) -> String {
        func styled(_ code: String, _ text: String) -> String { colour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
        let code =
            switch level {
            case .trace, .debug: "2"
            case .info: "32"
            case .notice: "36"
            case .warning: "33"
            case .error, .critical: "31"
            }
        let name = level.rawValue.uppercased()
        var line = styled("2", String(Self.time(milliseconds).dropFirst(11)))
        line += " " + styled(code, name + String(repeating: " ", count: max(0, 8 - name.count)))
        line += " \(label): \(Self.onOneLine(message))"
        for (name, value) in fields { line += " " + styled("2", "\(name)=") + value.description }
        return line + "\n"
    }

    /// RFC 3339 in UTC, with milliseconds.
    static func time(_ milliseconds: Int64) -> String {
        var (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        if fraction < 0 { (seconds, fraction) = (seconds - 1, fraction + 1000) }
        var (time, parts) = (time_t(seconds), tm())
        gmtime_r(&time, &parts)
        return String(unsafeUninitializedCapacity: 32) { text in
            var count = 0
            func append(_ number: Int, digits: Int, _ sign: Unicode.Scalar) {
                var rest = number
                for index in stride(from: count + digits - 1, through: count, by: -1) {
                    text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                text[count + digits] = UInt8(ascii: sign)
                count += digits + 1
            }
            append(1900 + Int(parts.tm_year), digits: 4, "-")
            append(1 + Int(parts.tm_mon), digits: 2, "-")
            append(Int(parts.tm_mday), digits: 2, "T")
            append(Int(parts.tm_hour), digits: 2, ":")
            append(Int(parts.tm_min), digits: 2, ":")
            append(Int(parts.tm_sec), digits: 2, ".")
            append(Int(fraction), digits: 3, "Z")
            return count
        }
    }

    /// Nobody can begin a line of the log with what comes from outside.
    static func onOneLine(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            if scalar.value < 0x20 || scalar.value == 0x7f {
                result += scalar == "\n" ? "\\n" : "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }

    /// A JSON string (RFC 8259).
    fileprivate static func write(_ text: String, to line: inout String) {
        line += "\""
        // Most texts need no escape.
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5c || $0 == 0x7f }) else {
            line += text
            line += "\""
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}

extension LogRecord.Value: CustomStringConvertible {
    fileprivate func write(to line: inout String) {
        switch self {
        case .text(let text): LogRecord.write(text, to: &line)
        case .literal(let text): line += text
        case .list(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                value.write(to: &line)
            }
            line += "]"
        case .object(let values):
            line += "{"
            for (index, entry) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                LogRecord.write(entry.key, to: &line)
                line += ":"
                entry.value.write(to: &line)
            }
            line += "}"
        }
    }

    /// For people: text as it is where it is one word.
    var description: String {
        if case .text(let text) = self, !text.isEmpty, !text.contains(where: { $0.isWhitespace || $0 == "\"" }) {
            return LogRecord.onOneLine(text)
        }
        var line = ""
        write(to: &line)
        return line
    }
}
