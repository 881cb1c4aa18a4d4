// Who is at the other end of a connection, as far as the kernel knows.

import Glibc
import NIOCore

/// Who is at the other end of a connection.
package enum PeerIdentity: Sendable, Hashable {
    /// A process on this machine, as the kernel names it (`SO_PEERCRED`) for the moment when it connected.
    case unix(userID: UInt32, groupID: UInt32, processID: Int32)
    case tcp(host: String, port: Int)

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
}
