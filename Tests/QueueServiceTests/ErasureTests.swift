// What is promised to who leaves: they get all that is stored of them, and then nothing of it is left.

import AnalysisAPI
import Daemon
import Foundation
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite struct ErasureTests {
    static let name = "mallory.the.7th"

    @Test(arguments: RedisKind.allCases) func afterARemovalNothingInRedisNamesTheUser(on kind: RedisKind) async throws {
        try await withServingQueue(on: kind.shared(), limits: QueueLimits(backgroundBatch: 3)) { queue in
            try await fill(queue)
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                try await live(queue, worker)
                let item = try await worker.work()
                let before = try await queue.withStore { try await Self.found(in: $0) }
                #expect(before.count > 10)

                let removed = try await queue.catalog.removeUser(
                    UserRequest(userID: Self.name), options: CallOptions(metadata: [CallContext.actorKey: "ada"]))
                #expect(removed.erasedAs.hasPrefix("erased-"))
                // What ran ends, and what its worker has to say of it is not taken.
                #expect(try await worker.discarded().epoch == item.epoch)
                #expect(await Result { try await worker.analysed(item) }.failure != nil)
                #expect(try await worker.exchange() == nil)

                #expect(try await queue.withStore { try await Self.found(in: $0) } == [])
                let entries = try await queue.audit.listAuditEntries(
                    ListAuditEntriesRequest(userID: removed.erasedAs)
                ).entries
                #expect(entries.first?.action == "analysis.v1.Catalog/RemoveUser" && entries.first?.actor == "ada")
                #expect(entries.count > 1)
            }
            let damage = try await queue.withStore { store in
                try await TestLane(queue: LaneQueue(lane: "0", store: store)).verify().map(\.what)
            }
            #expect(damage == [])
            // What is others' is still there.
            #expect(try await queue.catalog.getCoverage(CoverageRequest(userID: "u")).total == 10)
        }
    }

    @Test func whoFoundAUserBeforeTheRemovalWritesNothingAfterIt() async throws {
        try await withServingQueue { queue in
            try await fill(queue)
            let user = try await queue.catalog.getUser(UserRequest(userID: Self.name))
            _ = try await queue.catalog.removeUser(UserRequest(userID: Self.name))
            try await queue.withStore { store in
                let lane = LaneQueue(lane: user.lane, store: store)
                let writer = LibraryWriter(userID: Self.name, lane: user.lane, store: store)
                let preferences = try UserPreferences(.standard, timeZone: .gmt, at: .now)
                let background = EnqueueRequest(userID: Self.name, type: .background)
                let late = [
                    await Result { _ = try await writer.write([Song(id: "s", title: "s")]) },
                    await Result { _ = try await writer.write([(Playlist(id: "p", name: "P"), [])]) },
                    await Result { _ = try await lane.enqueue(background, songs: [("s", 1000)]) },
                    await Result {
                        _ = try await PreferenceStore(store: store, timeZone: .gmt)
                            .set(preferences, of: Self.name, lane: user.lane)
                    },
                ].map { $0.failure.map { "\($0)" } }
                #expect(late.allSatisfy { $0?.contains("there is no user \(Self.name)") == true }, "\(late)")
                #expect(try await Self.found(in: store) == [])
            }
            // Who comes back begins anew.
            try await fill(queue)
            let job = try await queue.queue.enqueue(EnqueueRequest(userID: Self.name, type: .song, targetID: "s1")).job
            #expect(job?.state == .pending)
        }
    }

    @Test func anExportHasEverythingAndNoSecret() async throws {
        try await withServingQueue { queue in
            try await fill(queue)
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                try await live(queue, worker)
            }
            var text: [UInt8] = []
            for try await part in queue.catalog.exportUser(UserRequest(userID: Self.name)) { text += part.jsonLines }
            let lines = try String(decoding: text, as: UTF8.self).split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
            let kinds = Dictionary(grouping: lines) { $0["kind"] as? String ?? "" }.mapValues(\.count)
            #expect(kinds["account"] == 1 && kinds["preferences"] == 1 && kinds["playlist"] == 1)
            #expect(kinds["song"] == 10 && kinds["result"] == 1 && kinds["end"] == 1)
            #expect(kinds["job", default: 0] >= 2 && kinds["event", default: 0] >= 3 && kinds["audit", default: 0] >= 1)
            #expect(lines.last?["kind"] as? String == "end" && lines.last?["lines"] as? Int == lines.count - 1)
            #expect(!String(decoding: text, as: UTF8.self).contains("scrypt"))
            let gone =
                await Result {
                    for try await _ in queue.catalog.exportUser(UserRequest(userID: "nobody")) {}
                }.failure as? RPCError
            #expect(gone?.code == .notFound)
        }
    }

    @Test func whoIsNoOperatorExportsAndRemovesNobodyElse() async throws {
        let rules = AccessRules(
            operatorUserIDs: [], allowed: [AccessRules.Grant("uid:\(geteuid())=*")].compactMap { $0 },
            actsFor: [AccessRules.Grant("uid:\(geteuid())=u")].compactMap { $0 }, tokens: nil)
        try await withQueue { queue in
            try await queue.serving { try await fill(queue) }
            try await queue.serving(access: rules) {
                let failures = [
                    await Result { _ = try await queue.catalog.removeUser(UserRequest(userID: Self.name)) }.failure,
                    await Result {
                        for try await _ in queue.catalog.exportUser(UserRequest(userID: Self.name)) {}
                    }.failure,
                    await Result { _ = try await queue.audit.listAuditEntries(ListAuditEntriesRequest()) }.failure,
                    await Result { _ = try await queue.alerts.listAlerts(ListAlertsRequest()) }.failure,
                ]
                #expect(failures.map { ($0 as? RPCError)?.code } == Array(repeating: .permissionDenied, count: 4))
            }
        }
    }

    /// The user, and what an administrator did with them.
    private func fill(_ queue: RunningQueue) async throws {
        let user = try await queue.catalog.createUser(CreateUserRequest(id: Self.name, password: "password"))
        try await queue.withStore { store in
            try await TestLane(queue: LaneQueue(lane: user.lane, store: store)).fill(user: Self.name)
        }
        _ = try await queue.catalog.setRole(
            SetRoleRequest(userID: Self.name, role: .listener),
            options: CallOptions(metadata: [CallContext.actorKey: "ada"]))
    }

    /// One song is analysed, one job runs, another waits, and a session is open.
    private func live(_ queue: RunningQueue, _ worker: ScriptedWorker) async throws {
        _ = try await queue.catalog.login(LoginRequest(name: Self.name, password: "password"))
        func ask(_ type: JobType, _ target: String = "") async throws {
            _ = try await queue.queue.enqueue(
                EnqueueRequest(userID: Self.name, type: type, targetID: target, idempotencyKey: "\(type)"))
        }
        try await ask(.song, "s1")
        _ = try await worker.analysed(try await worker.work())
        try await ask(.background)
        try await ask(.playlist, "p")
    }

    /// Every key whose name or content has the user's name in it.
    private static func found(in store: Store) async throws -> [String] {
        var keys: Set<[UInt8]> = []
        try await store.scan(store.keys.pattern, count: 10_000) { keys.formUnion($0) }
        var found: [String] = []
        for key in keys.map({ String(decoding: $0, as: UTF8.self) }) {
            let content: RedisValue
            switch try await store.send("TYPE", key).text {
            case "string": content = try await store.send("GET", key)
            case "hash": content = try await store.send("HGETALL", key)
            case "list": content = try await store.send("LRANGE", key, 0, -1)
            case "set": content = try await store.send("SMEMBERS", key)
            case "zset": content = try await store.send("ZRANGE", key, 0, -1)
            case "stream": content = try await store.send("XRANGE", key, "-", "+")
            default: continue
            }
            if key.contains(name) || text(of: content).contains(name) { found.append(key) }
        }
        return found
    }

    private static func text(of value: RedisValue) -> String {
        if let elements = value.elements { return elements.map { text(of: $0) }.joined(separator: " ") }
        if let map = value.map { return map.map { $0 + " " + text(of: $1) }.joined(separator: " ") }
        return String(decoding: value.bytes ?? [], as: UTF8.self)
    }
}
