import Glibc

/// Files under /proc, which do not tell how long they are before they are read.
///
/// Foundation's `String(contentsOfFile:)` loses 4 KiB with each of them that turns out empty (Swift 6.3.1), as the list of children of
/// most threads is.
enum ProcFile {
    private static let longest = 64 << 10

    /// The file's text, up to 64 KiB of it; empty where it cannot be read, as that of a process that has gone.
    static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < longest {
            let piece = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { break }
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
