// Where a service listens or a client connects: a Unix socket or a TCP port.

import NIOCore

/// `unix:/run/queue.sock` or `tcp://127.0.0.1:7000`; `tcp://[::1]:7000` for IPv6. Port 0 lets a server take a free one.
package enum RPCAddress: Sendable, Hashable {
    case unix(path: String)
    case tcp(host: String, port: Int)

    /// What fits into `sockaddr_un.sun_path` beside its terminating zero.
    static let maxPathBytes = 107

    /// - Throws: `RPCError` with `.invalidArgument`, naming what is wrong with the text.
    package init(_ text: String) throws {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, !path.utf8.contains(0) else {
                throw Self.invalid(text, "a path must follow 'unix:'")
            }
            guard path.utf8.count <= Self.maxPathBytes else {
                throw Self.invalid(
                    text, "the path has \(path.utf8.count) bytes; a socket's has at most \(Self.maxPathBytes)")
            }
            self = .unix(path: path)
        } else if text.hasPrefix("tcp://") {
            let rest = text.dropFirst("tcp://".count)
            guard let colon = rest.lastIndex(of: ":"),
                let port = Int(rest[rest.index(after: colon)...]), (0...65535).contains(port)
            else { throw Self.invalid(text, "a port from 0 to 65535 must follow the host") }
            var host = rest[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                throw Self.invalid(text, "an IPv6 address stands in brackets")
            }
            guard !host.isEmpty else { throw Self.invalid(text, "the host is missing") }
            self = .tcp(host: String(host), port: port)
        } else {
            throw Self.invalid(text, "it must start with 'unix:' or 'tcp://'")
        }
    }

    /// Whether only this machine can be at the other end. A host name other than `localhost` could be any machine.
    var isLocal: Bool {
        switch self {
        case .unix: return true
        case .tcp("localhost", _): return true
        case .tcp(let host, let port):
            let ipAddress = (try? SocketAddress(ipAddress: host, port: port))?.ipAddress
            return ipAddress == "::1" || ipAddress?.hasPrefix("127.") ?? false
        }
    }

    /// - Throws: where plaintext would leave this machine.
    func requireLocal(unless isAllowed: Bool) throws {
        guard isAllowed || isLocal else {
            throw RPCError(
                .failedPrecondition,
                "\(self) would carry plaintext between machines: use unix:PATH or a loopback address, or allow it expressly"
            )
        }
    }

    private static func invalid(_ text: String, _ reason: String) -> RPCError {
        RPCError(
            .invalidArgument, "'\(text)' is no address: \(reason), as in unix:/run/queue.sock or tcp://127.0.0.1:7000")
    }
}

extension RPCAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port) where host.contains(":"): "tcp://[\(host)]:\(port)"
        case .tcp(let host, let port): "tcp://\(host):\(port)"
        }
    }
}
