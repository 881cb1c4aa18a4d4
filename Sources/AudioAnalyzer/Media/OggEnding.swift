// Whether an Ogg file was cut off. Its length is told by its last page, so that nothing else shows that the end is missing.
import Glibc

/// Looks at the last page of an Ogg file (RFC 3533, section 6).
enum OggEnding {
    /// A page is at most 65,307 bytes long.
    private static let longestPage = 27 + 255 + 255 * 255

    /// True where the last page of the file, of `size` bytes, is all there.
    static func isComplete(_ file: FileDescriptor, size: Int) -> Bool {
        var bytes = [UInt8](repeating: 0, count: min(size, 2 * longestPage))
        let count = pread(file.number, &bytes, bytes.count, off_t(size - bytes.count))
        return count == bytes.count && lastPageIsComplete(bytes)
    }

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
}
