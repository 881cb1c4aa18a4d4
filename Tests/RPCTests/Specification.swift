// PROTOCOL.md as the tests read it: its tables of malformed input, and how much memory an outcome may take.

import Foundation
import Testing

@testable import RPC

enum Specification {
    enum Outcome: Equatable {
        /// GOAWAY with this status, then the connection ends.
        case goAway(StatusCode)
        /// The connection ends without a reason, and so do its handlers.
        case closed
        /// The call ends with this status, the connection goes on.
        case status(StatusCode)
        /// Nothing ends.
        case taken
    }

    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// The first column of the table under a heading.
    static func inputs(in heading: String) throws -> Set<String> {
        Set(try rows(under: heading).map(\.0))
    }

    /// What the second column says of an input.
    static func outcome(of input: String, in heading: String) throws -> Outcome {
        let cell = try cell(of: input, in: heading)
        let words = cell.split { !$0.isLetter && $0 != "_" }.map(String.init)
        switch words.first {
        case "GOAWAY": return .goAway(try code(words.dropFirst().first, in: cell))
        case "STATUS": return .status(try code(words.dropFirst().first, in: cell))
        case "closed": return .closed
        case "taken", "ignored": return .taken
        default: throw Unreadable(description: "no outcome: \(cell)")
        }
    }

    static func cell(of input: String, in heading: String) throws -> String {
        guard let row = try rows(under: heading).first(where: { $0.0 == input }) else {
            throw Unreadable(description: "PROTOCOL.md has no row '\(input)' under '\(heading)'")
        }
        return row.1
    }

    /// A status code by the name that gRPC gives it.
    static func code(_ name: String?, in cell: String) throws -> StatusCode {
        let plain = name?.replacing("_", with: "").lowercased()
        let found = StatusCode.allCases.first {
            "\($0)".lowercased() == (plain == "internal" ? "internalerror" : plain)
        }
        guard let found else { throw Unreadable(description: "no status code: \(cell)") }
        return found
    }

    private static func rows(under heading: String) throws -> [(String, String)] {
        let file = URL(filePath: #filePath).appending(path: "../../../proto/PROTOCOL.md").standardized
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("#") && $0.hasSuffix(heading) }) else {
            throw Unreadable(description: "PROTOCOL.md has no heading '\(heading)'")
        }
        // Behind the table's own two lines.
        return lines[(start + 1)...].prefix { !$0.hasPrefix("#") }.filter { $0.hasPrefix("|") }.dropFirst(2).map {
            line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return (cells[0], cells.count > 1 ? cells[1] : "")
        }
    }
}

/// The most memory that this process has held since a moment, as the kernel counts it (`proc(5)`: clear_refs, status).
struct PeakMemory {
    private let before: Int

    init() throws {
        before = try Self.kibibytes("VmRSS")
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
    }

    /// Bytes above what was held at the start.
    func growth() throws -> Int {
        (try Self.kibibytes("VmHWM") - before) * 1024
    }

    private static func kibibytes(_ field: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("\(field):") }
        return try #require(line.flatMap { Int($0.filter(\.isNumber)) })
    }
}
