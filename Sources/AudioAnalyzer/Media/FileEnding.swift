// Whether a file was cut off, for containers that libavformat takes to be as long as what is left of them.
import Glibc

/// Looks at the bytes that tell where an Ogg or RIFF file ends.
struct FileEnding {
    let file: FileDescriptor
    /// In bytes.
    let size: Int

    /// True where the end is missing, as far as the container of that short name in libavformat can tell.
    func isMissing(fromContainer name: String) -> Bool {
        switch name {
        case "ogg":
            !Self.lastPageIsComplete(bytes(from: max(0, size - 2 * Self.longestPage), count: 2 * Self.longestPage))
        case "wav": Self.riffBreaksOff(header: bytes(from: 0, count: 8), size: size)
        default: false
        }
    }

    /// RFC 3533, section 6: 27 bytes, up to 255 segment lengths, and the segments of up to 255 bytes.
    private static let longestPage = 27 + 255 + 255 * 255

    /// True where the last page that begins in `bytes` ends in them. What follows it, such as tags of other formats, is no page.
    static func lastPageIsComplete(_ bytes: [UInt8]) -> Bool {
        let mark = Array("OggS".utf8)
        guard let start = bytes.indices.last(where: { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }) else {
            return false
        }
        let page = bytes[start...]
        guard page.count >= 27 else { return false }
        let segments = Int(page[start + 26])
        let lengths = page.dropFirst(27).prefix(segments)
        return lengths.count == segments && 27 + segments + lengths.reduce(0) { $0 + Int($1) } <= page.count
    }

    /// True where the size in the header goes far beyond the end of the file. Programs that could not go back to fill it
    /// in have left 0, or a number near the highest.
    static func riffBreaksOff(header: [UInt8], size: Int) -> Bool {
        guard header.count == 8, header.starts(with: Array("RIFF".utf8)) else { return false }
        let declared = header[4...].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard declared != 0, ![0x7fff, 0xffff].contains(declared >> 16) else { return false }
        return declared + 8 - size > max(1024, size / 100)
    }

    private func bytes(from offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            length = max(0, pread(file.number, buffer.baseAddress, count, off_t(offset)))
        }
    }
}
