// One address that a server listens on.

import Glibc
import NIOCore
import NIOPosix

struct Listener {
    let channel: any Channel
    /// With the port that was taken, where it was given as 0.
    let address: RPCAddress

    /// - Throws: `RPCError` that says why the address cannot be listened on.
    init(_ address: RPCAddress, _ bootstrap: ServerBootstrap) async throws {
        do {
            switch address {
            case .unix(let path):
                try await Self.removeStaleSocket(path)
                channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
                self.address = address
                // The owner and the group may connect, nobody else.
                guard chmod(path, 0o660) == 0 else { throw IOError(errnoCode: errno, reason: "chmod") }
            case .tcp(let host, let port):
                channel = try await bootstrap.bind(host: host, port: port).get()
                self.address = .tcp(host: host, port: channel.localAddress?.port ?? port)
            case .tls(let host, let port):
                channel = try await bootstrap.bind(host: host, port: port).get()
                self.address = .tls(host: host, port: channel.localAddress?.port ?? port)
            }
        } catch let error as IOError {
            throw RPCError(.unavailable, "\(address) cannot be listened on: \(error)")
        }
    }

    /// Listens no more; the file of a Unix socket goes, too.
    func close() async {
        try? await channel.close()
    }

    /// Removes the socket that a process left that no longer listens.
    ///
    /// - Throws: where a process still listens on it, or the file is something else.
    private static func removeStaleSocket(_ path: String) async throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw RPCError(.failedPrecondition, "\(path) exists and is no socket: another path must be used")
        }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        do {
            let channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
            try? await channel.close()
        } catch let error as IOError where error.errnoCode == ECONNREFUSED {
            unlink(path)
            return
        } catch let error as IOError where error.errnoCode == ENOENT {
            return
        } catch let error as IOError where error.errnoCode == EAGAIN {
            // It has more callers waiting than it has room for.
        }
        throw RPCError(.alreadyExists, "another process listens on \(path)")
    }
}
