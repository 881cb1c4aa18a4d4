// Opens files beneath the music folders and nothing else, whatever their names or links say.
import Glibc

/// An open file descriptor, closed with its owner.
final class FileDescriptor {
    let number: Int32

    init(_ number: Int32) { self.number = number }
    deinit { close(number) }

    /// Nil, and `errno` is set, where it cannot be opened. Never waits, for instance for the writer of a named pipe.
    convenience init?(_ name: String, in folder: FileDescriptor? = nil, flags: Int32) {
        let number = openat(folder?.number ?? AT_FDCWD, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else { return nil }
        self.init(number)
    }
}

/// The folders that files may be read from.
struct MusicFolders {
    private let roots: [String]

    /// Absolute paths. A root may itself be a symbolic link: whoever configures it decides.
    init(_ roots: [String]) {
        self.roots = roots.filter { $0.hasPrefix("/") }.map { root in
            String(root.prefix(root.utf8.count - root.utf8.reversed().prefix { $0 == UInt8(ascii: "/") }.count))
        }
    }

    /// Opens a regular file for reading, given its absolute path.
    ///
    /// Each part of the path is opened by itself, in the folder opened before it and without following links, so that
    /// neither `..` nor a symbolic link, nor one put there meanwhile, leads out.
    func openFile(_ path: String) throws(Rejection) -> FileDescriptor {
        guard let root = roots.first(where: { path.hasPrefix($0 + "/") }) else {
            throw .refused("the file lies outside the music folders")
        }
        let parts = path.utf8.dropFirst(root.utf8.count).split(separator: UInt8(ascii: "/")).map { String($0) ?? "" }
        guard let name = parts.last, !parts.contains("..") else {
            throw .refused("the file lies outside the music folders: its path contains '..'")
        }
        guard var folder = FileDescriptor(root.isEmpty ? "/" : root, flags: O_RDONLY | O_DIRECTORY) else {
            throw refusal(of: path, errno)
        }
        for part in parts.dropLast() {
            guard let next = FileDescriptor(part, in: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else {
                throw refusal(of: path, errno)
            }
            folder = next
        }
        guard let file = FileDescriptor(name, in: folder, flags: O_RDONLY | O_NOFOLLOW) else {
            throw refusal(of: path, errno)
        }
        var status = stat()
        guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .refused("this is not a regular file")
        }
        guard status.st_size > 0 else { throw .unreadable("the file is empty") }
        return file
    }

    private func refusal(of path: String, _ code: Int32) -> Rejection {
        switch code {
        case ENOENT: Rejection(kind: .missing, reason: "the file does not exist")
        // O_DIRECTORY with O_NOFOLLOW reports a link to a folder as "not a folder".
        case ELOOP, ENOTDIR: .refused("a part of its path is a symbolic link or not a folder, and links are not followed")
        case EACCES, EPERM: .refused("the file may not be read by this user")
        default: .unreadable("the file cannot be opened: \(String(cString: strerror(code)))")
        }
    }
}
