// Where a service listens or a client connects: a Unix socket, or a TCP port with TLS or without.

import NIOCore

/// `unix:/run/queue.sock`, `tls://queue.example:7000`, or `tcp://127.0.0.1:7000`; `[::1]` for IPv6. Port 0 lets a server take
/// a free one.
package enum RPCAddress: Sendable, Hashable {
    case unix(path: String)
    /// Plaintext.
    case tcp(host: String, port: Int)
    /// TLS 1.3, with a certificate on both ends.
    case tls(host: String, port: Int)

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
        } else if let scheme = ["tcp://", "tls://"].first(where: { text.hasPrefix($0) }) {
            let rest = text.dropFirst(scheme.count)
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
            self =
                scheme == "tls://" ? .tls(host: String(host), port: port) : .tcp(host: String(host), port: port)
        } else {
            throw Self.invalid(text, "it must start with 'unix:', 'tls://' or 'tcp://'")
        }
    }

    /// Whether what is said there stays on this machine or is encrypted. A host name other than `localhost` could be any machine.
    private var isPrivate: Bool {
        switch self {
        case .unix, .tls: return true
        case .tcp("localhost", _): return true
        case .tcp(let host, let port):
            let ipAddress = (try? SocketAddress(ipAddress: host, port: port))?.ipAddress
            return ipAddress == "::1" || ipAddress?.hasPrefix("127.") ?? false
        }
    }

    /// - Throws: where plaintext would leave this machine.
    func requirePrivate(unless isAllowed: Bool) throws {
        guard isAllowed || isPrivate else {
            throw RPCError(
                .failedPrecondition,
                "\(self) would carry plaintext between machines: use tls://HOST:PORT, unix:PATH or loopback, or allow it"
            )
        }
    }

    private static func invalid(_ text: String, _ reason: String) -> RPCError {
        RPCError(
            .invalidArgument,
            "'\(text)' is no address: \(reason), as in unix:/run/queue.sock, tls://queue.example:7000 or tcp://[::1]:7000"
        )
    }
}

extension RPCAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): "tcp://\(Self.bracketed(host)):\(port)"
        case .tls(let host, let port): "tls://\(Self.bracketed(host)):\(port)"
        }
    }

    private static func bracketed(_ host: String) -> String {
        host.contains(":") ? "[\(host)]" : host
    }
}
