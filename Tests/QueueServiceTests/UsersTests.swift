// What is promised about who there is: lists, roles, what a password change ends, and what is left of a user who is removed.

import AnalysisAPI
import Jobs
import RPC
import Redis
import Testing

@testable import QueueService

@Suite struct UsersTests {
    @Test func usersAreListedInPages() async throws {
        try await withServingQueue { queue in
            for id in ["c", "a", "b"] {
                _ = try await queue.catalog.createUser(CreateUserRequest(id: id, password: "password"))
            }
            let first = try await queue.catalog.listUsers(ListUsersRequest(limit: 3))
            #expect(first.users.map(\.id) == ["a", "b", "c"] && first.nextPageToken == "c")
            let second = try await queue.catalog.listUsers(
                ListUsersRequest(limit: 3, pageToken: first.nextPageToken))
            #expect(second.users.map(\.id) == ["u"] && second.nextPageToken.isEmpty)
            let error = await #expect(throws: RPCError.self) {
                try await queue.catalog.listUsers(ListUsersRequest(pageToken: "a b"))
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func aRoleIsChanged() async throws {
        try await withServingQueue { queue in
            let user = try await queue.catalog.setRole(SetRoleRequest(userID: "u", role: .administrator))
            #expect(user.role == .administrator)
            #expect(try await queue.catalog.getUser(UserRequest(userID: "u")).role == .administrator)
            let error = await #expect(throws: RPCError.self) {
                try await queue.catalog.setRole(SetRoleRequest(userID: "u"))
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func whatComesAfterARemovalBringsNothingOfAnAccountBack() async throws {
        try await withServingQueue { queue in
            _ = try await queue.catalog.removeUser(UserRequest(userID: "u"))
            try await queue.withStore { store in
                let changed = try await store.run(
                    \.changeAccount, key: store.keys.account("u"), ["last_analysis_at_ms", "1"])
                #expect(changed.int == 0)
            }
            _ = try await queue.catalog.createUser(CreateUserRequest(id: "u", password: "password"))
        }
    }

    @Test func aUserWhosePasswordIsRefusedLeavesNothing() async throws {
        try await withServingQueue { queue in
            _ = await Result { try await queue.catalog.createUser(CreateUserRequest(id: "short", password: "x")) }
            let users = try await queue.withStore { try await $0.send("ZRANGE", $0.keys.users, 0, -1) }
            #expect(users.elements?.compactMap(\.text) == ["u"])
        }
    }

    /// Lets in everybody, for the user whom the metadata name.
    private struct ForOneUser: AccessPolicy {
        func admit(_ peer: PeerIdentity) {}

        func authorize(_ peer: PeerIdentity, method: String, metadata: Metadata) async throws -> Principal {
            metadata["user"].map { .users([$0]) } ?? .everyone
        }
    }

    @Test func whoActsForOneUserMakesNoAdministrators() async throws {
        try await withQueue { queue in
            try await queue.serving(access: ForOneUser()) {
                try await queue.fill()
                let own = CallOptions(metadata: ["user": "u"])
                let raised = await #expect(throws: RPCError.self) {
                    try await queue.catalog.setRole(
                        SetRoleRequest(userID: "u", role: .administrator), options: own)
                }
                let made = await #expect(throws: RPCError.self) {
                    try await queue.catalog.createUser(
                        CreateUserRequest(id: "x", password: "password", role: .administrator), options: own)
                }
                #expect(raised?.code == .permissionDenied && made?.code == .permissionDenied)
                #expect(try await queue.catalog.getUser(UserRequest(userID: "u")).role == .listener)
                _ = try await queue.catalog.createUser(
                    CreateUserRequest(id: "x", password: "password", role: .administrator))
            }
        }
    }

    @Test func anotherPasswordEndsAllSessions() async throws {
        try await withServingQueue { queue in
            let before = try await queue.catalog.login(LoginRequest(name: "u", password: "password"))
            _ = try await queue.catalog.setPassword(SetPasswordRequest(userID: "u", password: "password"))
            #expect(try await queue.catalog.checkSession(SessionRequest(session: before.session)).id == "u")
            _ = try await queue.catalog.setPassword(SetPasswordRequest(userID: "u", password: "another password"))
            let error = await #expect(throws: RPCError.self) {
                try await queue.catalog.checkSession(SessionRequest(session: before.session))
            }
            #expect(error?.code == .unauthenticated)
            let after = try await queue.catalog.login(LoginRequest(name: "u", password: "another password"))
            #expect(try await queue.catalog.checkSession(SessionRequest(session: after.session)).id == "u")
        }
    }

    @Test func ofARemovedUserNothingIsLeft() async throws {
        try await withServingQueue(limits: QueueLimits(backgroundBatch: 3)) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let session = try await queue.catalog.login(LoginRequest(name: "u", password: "password")).session
                _ = try await queue.enqueue(.song, "s1")
                #expect(try await worker.analysed(try await worker.work()) == nil)
                _ = try await queue.enqueue(.background)
                let item = try await worker.work()
                _ = try await queue.enqueue(.playlist, "p")

                let removed = try await queue.catalog.removeUser(UserRequest(userID: "u"))
                #expect(removed.cancelledJobs == 2)
                #expect(try await worker.discarded().epoch == item.epoch)
                #expect(await Result { try await worker.analysed(item) }.failure != nil)
                #expect(try await worker.exchange() == nil)

                let error = await #expect(throws: RPCError.self) {
                    try await queue.catalog.checkSession(SessionRequest(session: session))
                }
                #expect(error?.code == .unauthenticated)
                let failures = [
                    await Result { _ = try await queue.catalog.getUser(UserRequest(userID: "u")) }.failure,
                    await Result { _ = try await queue.catalog.removeUser(UserRequest(userID: "u")) }.failure,
                ]
                #expect(failures.map { ($0 as? RPCError)?.code } == [.notFound, .notFound])
                #expect(try await queue.catalog.listUsers(ListUsersRequest()).users.isEmpty)
            }
            let left = try await queue.withStore { store in
                let users = try await store.send("KEYS", "\(store.keys.root(lane: "0")):user:*").elements ?? []
                let jobs = try await store.send("KEYS", "\(store.keys.root(lane: "0")):job:*").elements ?? []
                let damage = try await TestLane(queue: LaneQueue(lane: "0", store: store)).verify()
                return (users + jobs).compactMap(\.text) + damage.map(\.what)
            }
            #expect(left == [])

            // The name is free again, and whoever takes it begins with nothing.
            _ = try await queue.catalog.createUser(CreateUserRequest(id: "u", password: "password"))
            #expect(try await queue.catalog.getCoverage(CoverageRequest(userID: "u")) == Coverage())
            #expect(try await queue.queue.listJobs(ListJobsRequest(userID: "u", ended: true)).jobs.isEmpty)
        }
    }
}
