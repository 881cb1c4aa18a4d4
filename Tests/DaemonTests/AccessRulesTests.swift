// Who may connect, call what, and act for whom, by the flags of a service.

import RPC
import Testing

@testable import Daemon

@Suite struct AccessRulesTests {
    private static let operators: PeerIdentity = .unix(userID: 1000, groupID: 1000, processID: 7)
    private static let other: PeerIdentity = .unix(userID: 1001, groupID: 1001, processID: 8)
    private static let plaintext: PeerIdentity = .tcp(host: "127.0.0.1", port: 5000)
    private static func certificate(_ names: String...) -> PeerIdentity {
        .tls(names: names, host: "10.0.0.2", port: 5000)
    }

    private func rules(allow: [String] = [], actFor: [String] = [], tokens: TokenVerifier? = nil) -> AccessRules {
        AccessRules(
            operatorUserIDs: [1000], allowed: allow.compactMap(AccessRules.Grant.init),
            actsFor: actFor.compactMap(AccessRules.Grant.init), tokens: tokens)
    }

    private func principal(
        _ rules: AccessRules, _ peer: PeerIdentity, _ method: String = "analysis.v1.Queue/Enqueue"
    ) async -> Result<Principal, RPCError> {
        do {
            return .success(try await rules.authorize(peer, method: method, metadata: [:]))
        } catch {
            return .failure(error as? RPCError ?? RPCError(.unknown, "\(error)"))
        }
    }

    private func code(_ result: Result<Principal, RPCError>) -> StatusCode {
        if case .failure(let error) = result { error.code } else { .ok }
    }

    @Test func operatorsMayDoEverythingForEveryone() async {
        let result = await principal(rules(), Self.operators)
        #expect(result == .success(.everyone))
    }

    @Test func onlyUserIDsThatAreNamedMayConnectOverAUnixSocket() throws {
        try rules().admit(Self.operators)
        let error = #expect(throws: RPCError.self) { try rules().admit(Self.other) }
        #expect(error?.code == .permissionDenied)
        #expect(error?.detail.contains("uid:1001") == true)
        try rules(allow: ["uid:1001=analysis.v1.Progress/*"]).admit(Self.other)
    }

    @Test(arguments: [
        ("analysis.v1.Queue/Enqueue", "analysis.v1.Queue/Enqueue", true),
        ("analysis.v1.Queue/*", "analysis.v1.Queue/Enqueue", true),
        ("*", "analysis.v1.Queue/Enqueue", true),
        ("analysis.v1.Queue/Enqueue", "analysis.v1.Queue/EnqueueMany", false),
        ("analysis.v1.Queue/*", "analysis.v1.QueueAdmin/Clear", false),
        ("analysis.v1.Progress/*", "analysis.v1.Queue/Enqueue", false),
    ])
    func peerMayCallTheMethodsOfItsPatterns(pattern: String, method: String, isAllowed: Bool) async {
        let rules = rules(allow: ["worker=\(pattern)"])
        let result = code(await principal(rules, Self.certificate("worker"), method))
        #expect(result == (isAllowed ? .ok : .permissionDenied))
        #expect(code(await principal(rules, Self.certificate("worker-2"), method)) == .permissionDenied)
    }

    @Test func everyPeerMayAskForHealthAndReflection() async {
        for peer in [Self.plaintext, Self.certificate("stranger"), Self.certificate()] {
            #expect(code(await principal(rules(), peer, "analysis.v1.Health/Check")) == .ok)
            #expect(code(await principal(rules(), peer, "analysis.v1.Reflection/ListServices")) == .ok)
            #expect(code(await principal(rules(), peer)) == .permissionDenied)
        }
    }

    @Test func peerActsForTheUsersThatItIsGivenByAnyOfItsNames() async {
        let allow = ["a=*", "b=*", "anonymous=*", "uid:1001=*"]
        let rules = rules(allow: allow, actFor: ["a=alice", "b=bob", "uid:1001=*"])
        #expect(await principal(rules, Self.certificate("a", "b")) == .success(.users(["alice", "bob"])))
        #expect(await principal(rules, Self.certificate("a")) == .success(.users(["alice"])))
        #expect(await principal(rules, Self.other) == .success(.everyone))
        #expect(await principal(rules, Self.plaintext) == .success(.users([])))
    }

    @Test func certificateCannotPretendToBeAUserIDOrNobody() async {
        let rules = rules(allow: ["uid:1001=*", "anonymous=*"], actFor: ["uid:1001=*", "anonymous=*"])
        #expect(
            code(await principal(rules, Self.certificate("uid:1001", "uid:1000", "anonymous"))) == .permissionDenied)
    }

    @Test func tokenToAServiceWithoutKeysIsRefused() async {
        let error = await #expect(throws: RPCError.self) {
            try await rules().authorize(
                Self.operators, method: "analysis.v1.Queue/Enqueue", metadata: ["authorization": "Bearer x"])
        }
        #expect(error?.code == .unauthenticated)
        #expect(error?.detail.contains("--verifying-keys") == true)
    }

    @Test(arguments: ["", "=", "a=", "=b", "a"]) func grantThatNamesNoPeerOrNoTargetIsNone(text: String) {
        #expect(AccessRules.Grant(text) == nil)
    }
}
