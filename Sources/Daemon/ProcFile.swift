import Glibc

/// Files under /proc, which do not tell how long they are before they are read.
///
/// Foundation's `String(contentsOfFile:)` loses 4 KiB with each of them that turns out empty (Swift 6.3.1), as the list of children of
/// most threads is.
package enum ProcFile {
    /// The file's text; empty where it cannot be read, as that of a process that has gone.
    package static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            // Twice as much each time: /proc/stat has some 100 KiB on a large machine.
            let piece = [UInt8](unsafeUninitializedCapacity: max(4096, bytes.count)) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }
}
