// How a file is recognised that was listed before and has not been written to since.

package struct FileMark: Hashable, Sendable {
    package let value: UInt64

    package init(location: String, bytes: UInt64, modifiedAtMs: Int64) {
        // FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv).
        value = "\(location)\n\(bytes)\n\(modifiedAtMs)".utf8.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
    }

    /// Eight bytes of each, big-endian, as probes carry them.
    package static func packed(_ marks: [FileMark]) -> [UInt8] {
        marks.flatMap { mark in (0..<8).map { UInt8(truncatingIfNeeded: mark.value >> UInt64(56 - 8 * $0)) } }
    }

    /// What `packed` made; a rest of less than eight bytes is none.
    package static func unpacked(_ bytes: [UInt8]) -> Set<FileMark> {
        Set(
            stride(from: 0, to: bytes.count - 7, by: 8).map { start in
                FileMark(value: bytes[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) })
            })
    }

    private init(value: UInt64) { self.value = value }
}

extension ProbedFile {
    package var mark: FileMark { FileMark(location: location, bytes: bytes, modifiedAtMs: modifiedAtMs) }
}
