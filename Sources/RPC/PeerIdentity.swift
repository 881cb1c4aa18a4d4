// Who is at the other end of a connection, as far as the kernel or a certificate tells.

import Glibc
import NIOCore
import NIOSSL

/// Who is at the other end of a connection.
package enum PeerIdentity: Sendable, Hashable {
    /// A process on this machine, as the kernel names it (`SO_PEERCRED`) for the moment when it connected.
    case unix(userID: UInt32, groupID: UInt32, processID: Int32)
    /// Anybody who can connect.
    case tcp(host: String, port: Int)
    /// The holder of a certificate for these DNS names and URIs, from an authority that this server trusts.
    case tls(names: [String], host: String, port: Int)

    /// `struct ucred` of `unix(7)`.
    private struct Credentials {
        var processID: Int32 = 0
        var userID: UInt32 = 0
        var groupID: UInt32 = 0
    }

    static func of(_ channel: any Channel) -> EventLoopFuture<PeerIdentity> {
        if let address = channel.remoteAddress, let host = address.ipAddress, let port = address.port {
            return channel.eventLoop.makeSucceededFuture(.tcp(host: host, port: port))
        }
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(RPCError(.internalError, "the channel is no socket"))
        }
        return provider.unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)).map {
            (found: Credentials) in
            .unix(userID: found.userID, groupID: found.groupID, processID: found.processID)
        }
    }

    /// The same peer once its certificate is known.
    func showing(_ certificate: NIOSSLCertificate?) -> PeerIdentity {
        guard case .tcp(let host, let port) = self, let certificate else { return self }
        let names = certificate._subjectAlternativeNames()
            .filter { $0.nameType == .dnsName || $0.nameType == .uri }
            .compactMap { String(validating: $0.contents, as: UTF8.self) }
        return .tls(names: names, host: host, port: port)
    }
}

extension PeerIdentity: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let userID, _, let processID): "process \(processID) of user id \(userID)"
        case .tcp(let host, _): "an unknown peer at \(host)"
        case .tls(let names, let host, _): "\(names.joined(separator: ", ")) at \(host)"
        }
    }
}
