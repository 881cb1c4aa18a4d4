// Who may connect, what they may call, and for which users: the questions that a server asks of whoever made it.

/// The rules by which a server lets peers in. Both questions are asked before a handler sees anything of the call.
package protocol AccessPolicy: Sendable {
    /// - Throws: `RPCError` where nobody like this may connect; the connection then ends with it.
    func admit(_ peer: PeerIdentity) throws

    /// - Parameter metadata: what the caller sent beside its messages, such as `authorization`.
    /// - Returns: for whom the caller may act in this call.
    /// - Throws: `RPCError` with `.permissionDenied` where the peer may not call the method, `.unauthenticated` where it says who
    ///   it acts for and cannot prove it.
    func authorize(_ peer: PeerIdentity, method: String, metadata: Metadata) async throws -> Principal
}

/// For whom a caller may act.
package enum Principal: Sendable, Hashable {
    /// For every user, and for nobody in particular.
    case everyone
    case users(Set<String>)
}

extension CallContext {
    /// - Parameter userID: whose data the call is about; empty: not one user's alone.
    /// - Throws: `RPCError` with `.permissionDenied` where the caller may not act for the user.
    package func require(actingFor userID: String) throws {
        guard case .users(let users) = principal, !users.contains(userID) else { return }
        throw RPCError(
            .permissionDenied,
            userID.isEmpty
                ? "\(peer) may not ask about all users: name one of those that it may act for"
                : "\(peer) may not act for user '\(userID)'")
    }
}
