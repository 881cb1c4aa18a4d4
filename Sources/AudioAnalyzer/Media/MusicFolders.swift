// Opens files beneath the music folders and nothing else, whatever their names or links say.
import Glibc

/// An open file descriptor, closed with its owner.
final class FileDescriptor {
    let number: Int32

    /// Nil, and `errno` is set, where it cannot be opened. Never waits, for instance for the writer of a named pipe.
    init?(_ name: String, in folder: FileDescriptor? = nil, flags: Int32) {
        number = openat(folder?.number ?? AT_FDCWD, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else { return nil }
    }

    deinit { if number >= 0 { close(number) } }
}

/// The folders that files may be read from.
struct MusicFolders {
    private let roots: [String]

    /// Absolute paths. A root may itself be a symbolic link: whoever configures it decides.
    init(_ roots: [String]) {
        self.roots = roots.filter { $0.hasPrefix("/") }.map { root in
            var root = root[...]
            while root.last == "/" { root.removeLast() }
            return String(root)
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
        var parts = try Self.parts(path.dropFirst(root.count))
        guard let name = parts.popLast() else { throw .refused("this is a folder, not a file") }
        let folder = try open(parts, in: root)
        guard let file = FileDescriptor(name, in: folder, flags: O_RDONLY | O_NOFOLLOW) else {
            throw Self.rejection(errno)
        }
        var status = stat()
        guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .refused("this is not a regular file")
        }
        guard status.st_size > 0 else { throw .unreadable("the file is empty") }
        return file
    }

    /// Opens a folder for listing, given one of the roots and a path relative to it.
    func openFolder(_ root: String, _ path: String) throws(Rejection) -> FileDescriptor {
        guard let root = roots.first(where: { root == $0 || root.hasPrefix($0 + "/") }) else {
            throw .refused("the music folder '\(root)' is not an absolute path")
        }
        return try open(Self.parts(path[...]), in: root)
    }

    private func open(_ parts: [String], in root: String) throws(Rejection) -> FileDescriptor {
        guard var folder = FileDescriptor(root.isEmpty ? "/" : root, flags: O_RDONLY | O_DIRECTORY) else {
            throw .missing("the music folder '\(root)' cannot be opened: \(String(cString: strerror(errno)))")
        }
        for part in parts {
            guard let next = FileDescriptor(part, in: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else {
                throw Self.rejection(errno)
            }
            folder = next
        }
        return folder
    }

    private static func parts(_ path: Substring) throws(Rejection) -> [String] {
        let parts = path.split(separator: "/").map(String.init)
        guard !parts.contains("..") else {
            throw .refused("the file lies outside the music folders: its path contains '..'")
        }
        return parts
    }

    private static func rejection(_ code: Int32) -> Rejection {
        switch code {
        case ENOENT: .missing("the file does not exist")
        // O_DIRECTORY with O_NOFOLLOW reports a link to a folder as "not a folder".
        case ELOOP, ENOTDIR: .refused("its path leads through a symbolic link, and links are not followed")
        case EACCES, EPERM: .refused("the file may not be read by this user")
        default: .unreadable("the file cannot be opened: \(String(cString: strerror(code)))")
        }
    }
}
