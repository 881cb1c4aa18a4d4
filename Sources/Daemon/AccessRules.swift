// Who may call a service, and for which users, as its flags say.

package import RPC

/// The rules of one process.
///
/// A peer is known by names: `uid:1000` for a process on a Unix socket, the DNS names and URIs of a certificate, or `anonymous`
/// where nothing is known. Operators may do everything. Everybody else may call the methods, and act for the users, that the
/// rules give to one of their names. A signed token narrows or widens a call to the one user that it names.
package struct AccessRules: AccessPolicy {
    /// A line of the allow-lists: a peer's name and what it is given.
    package struct Grant: Sendable, Hashable {
        package let peer: String
        package let target: String

        /// - Parameter text: `PEER=TARGET`.
        /// - Returns: nil where it is not of that form.
        package init?(_ text: String) {
            guard let equals = text.firstIndex(of: "=") else { return nil }
            peer = String(text[..<equals])
            target = String(text[text.index(after: equals)...])
            guard !peer.isEmpty, !target.isEmpty else { return nil }
        }
    }

    /// What everybody who is admitted may call: it tells nothing of anybody.
    private static let open = ["analysis.v1.Health/", "analysis.v1.Reflection/"]

    private let operators: Set<String>
    private let methods: [String: [String]]
    private let users: [String: Set<String>]
    private let tokens: TokenVerifier?

    /// - Parameters:
    ///   - operatorUserIDs: whose processes may do everything.
    ///   - allowed: the methods of peers: `package.Service/Method`, `package.Service/*` or `*`.
    ///   - actsFor: the users of peers, or `*`.
    ///   - tokens: what checks the tokens of callers; nil: none is accepted.
    package init(operatorUserIDs: Set<UInt32>, allowed: [Grant], actsFor: [Grant], tokens: TokenVerifier?) {
        operators = Set(operatorUserIDs.map { "uid:\($0)" })
        methods = Dictionary(grouping: allowed, by: \.peer).mapValues { $0.map(\.target) }
        users = Dictionary(grouping: actsFor, by: \.peer).mapValues { Set($0.map(\.target)) }
        self.tokens = tokens
    }

    package func admit(_ peer: PeerIdentity) throws {
        guard case .unix = peer else { return }
        guard peer.ruleNames.contains(where: { operators.contains($0) || methods[$0] != nil }) else {
            throw RPCError(
                .permissionDenied,
                "\(peer) may not connect; --operator-uid or --allow \(peer.ruleNames[0])=METHOD lets it")
        }
    }

    package func authorize(_ peer: PeerIdentity, method: String, metadata: Metadata) async throws -> Principal {
        let names = peer.ruleNames
        let isOperator = names.contains(where: operators.contains)
        guard
            isOperator || Self.open.contains(where: method.hasPrefix)
                || names.contains(where: { may($0, call: method) })
        else {
            throw RPCError(
                .permissionDenied,
                "\(peer) may not call \(method); --allow \(names.first ?? "NAME")=\(method) lets it")
        }
        if let authorization = metadata["authorization"] { return try await principal(authorization) }
        let users = names.reduce(into: Set()) { $0.formUnion(self.users[$1] ?? []) }
        return isOperator || users.contains("*") ? .everyone : .users(users)
    }

    private func may(_ peer: String, call method: String) -> Bool {
        methods[peer, default: []].contains { pattern in
            pattern.hasSuffix("*") ? method.hasPrefix(pattern.dropLast()) : method == pattern
        }
    }

    private func principal(_ authorization: String) async throws -> Principal {
        guard let tokens else {
            throw RPCError(.unauthenticated, "this service takes no tokens: it was started without --verifying-keys")
        }
        guard authorization.hasPrefix("Bearer ") else {
            throw RPCError(.unauthenticated, "authorization must be 'Bearer TOKEN'")
        }
        return try await tokens.principal(of: String(authorization.dropFirst("Bearer ".count)))
    }
}

extension PeerIdentity {
    /// What rules call it.
    fileprivate var ruleNames: [String] {
        switch self {
        case .unix(let userID, _, _): ["uid:\(userID)"]
        case .tcp: ["anonymous"]
        // A certificate cannot make its holder an operator of this machine.
        case .tls(let names, _, _): names.filter { !$0.hasPrefix("uid:") && $0 != "anonymous" }
        }
    }
}
