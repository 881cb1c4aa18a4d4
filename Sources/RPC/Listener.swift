// One address that a server listens on.

import Glibc
import NIOCore
import NIOPosix

struct Listener {
    let channel: any Channel
    /// With the port that was taken, where it was given as 0.
    let address: RPCAddress
    private let file: SocketFile?

    /// - Throws: `RPCError` that says why the address cannot be listened on.
    init(_ address: RPCAddress, _ bootstrap: ServerBootstrap) async throws {
        do {
            switch address {
            case .unix(let path):
                try await SocketFile.removeStale(path)
                channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
                file = try SocketFile(restricting: path)
                self.address = address
            case .tcp(let host, let port):
                channel = try await bootstrap.bind(host: host, port: port).get()
                file = nil
                self.address = .tcp(host: host, port: channel.localAddress?.port ?? port)
            }
        } catch let error as IOError {
            throw RPCError(.unavailable, "\(address) cannot be listened on: \(error)")
        }
    }

    func close() async {
        try? await channel.close()
        file?.remove()
    }
}

/// The file of a Unix socket.
private struct SocketFile {
    private let path: String
    private let inode: ino_t

    /// Lets the owner and the group connect, nobody else (mode 0660).
    init(restricting path: String) throws {
        guard chmod(path, 0o660) == 0 else { throw IOError(errnoCode: errno, reason: "chmod") }
        var status = stat()
        guard stat(path, &status) == 0 else { throw IOError(errnoCode: errno, reason: "stat") }
        self.path = path
        inode = status.st_ino
    }

    /// Removes the socket that a process left that no longer listens.
    ///
    /// - Throws: where a process still listens on it, or the file is something else.
    static func removeStale(_ path: String) async throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw RPCError(.failedPrecondition, "\(path) exists and is no socket: another path must be used")
        }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let channel = try? await bootstrap.connect(unixDomainSocketPath: path).get() {
            try? await channel.close()
            throw RPCError(.alreadyExists, "another process listens on \(path)")
        }
        unlink(path)
    }

    /// Unless another server has put its own there meanwhile.
    func remove() {
        var status = stat()
        if stat(path, &status) == 0, status.st_ino == inode { unlink(path) }
    }
}
