// What an analyzer writes to its stderr, as lines that are fit for a log.

import Synchronization

/// Cuts bytes into lines. Control characters, which could forge or hide lines of the log, are replaced, and what exceeds
/// `maximumBytes` is dropped.
struct LineSplitter {
    static let maximumBytes = 2000

    private var line: [UInt8] = []

    /// The lines that `bytes` complete, without empty ones.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") {
                if line.count < Self.maximumBytes { line.append(byte) }
            } else if !line.isEmpty {
                lines.append(Self.printable(line))
                line.removeAll(keepingCapacity: true)
            }
        }
        return lines
    }

    private static func printable(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control && scalar != "\t"
    }
}

/// The last line of a log, which often says why a process ended.
final class LastLine: Sendable {
    private let line = Mutex("")

    var text: String {
        get { line.withLock { $0 } }
        set { line.withLock { $0 = newValue } }
    }
}
