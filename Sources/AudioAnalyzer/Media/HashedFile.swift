// What a file is, whatever it is called: the hash of its content.
import Crypto
import Glibc

/// The content of an open file at one time.
struct HashedFile {
    /// SHA-256.
    let hash: [UInt8]
    private let state: State

    /// What changes with the content of a file.
    private struct State: Equatable {
        let size: Int
        let modified: [Int]
        let changed: [Int]

        init?(_ file: FileDescriptor) {
            var status = stat()
            guard fstat(file.number, &status) == 0 else { return nil }
            size = status.st_size
            modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
            changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    private static let chunk = 256 * 1024

    /// Reads the file from start to end and leaves its offset alone. Nil where that is not possible.
    init?(_ file: FileDescriptor) {
        guard let state = State(file) else { return nil }
        self.state = state
        var hasher = SHA256()
        var offset = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = pread(file.number, buffer.baseAddress, Self.chunk, offset)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
        hash = Array(hasher.finalize())
    }

    /// Whether the file is still what was hashed.
    func isStill(_ file: FileDescriptor) -> Bool { State(file) == state }
}
