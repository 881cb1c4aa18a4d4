// What is promised about backups: they are of one instant, whatever goes on meanwhile, and putting one back loses nothing unasked.

import AnalysisAPI
import Crypto
import NIOCore
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(3))) struct BackupTests {
    @Test(arguments: RedisKind.allCases, RedisKind.allCases)
    func whatIsPutBackIsWhatWasThere(from kind: RedisKind, to other: RedisKind) async throws {
        try await withServingQueue(on: kind.shared()) { queue in
            _ = try await queue.maintenance.addLanes(AddLanesRequest(total: 2))
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted("0")
                try await queue.analyse("s9", by: worker)
            }
            _ = try await queue.enqueue(.playlist, "p")
            _ = try await queue.enqueue(.background)
            let before = try await queue.contents()
            let file = try await queue.backup()
            try await withQueue(on: other.shared()) { other in
                try await other.serving {
                    let reply = try await other.restore(file)
                    #expect(reply.keys == UInt64(before.count))
                    let after = try await other.contents()
                    // Each names a key; the first lane's statistics count on, which tell how long there was a worker.
                    let others = before.merging(after) { $1 }.filter { before[$0.key] != after[$0.key] }
                    let names = others.keys.map { String(decoding: $0, as: UTF8.self) }
                    #expect(names.filter { !$0.hasPrefix("{0}:day:") } == [])
                    #expect(try await other.damage() == [])
                    #expect(try await other.maintenance.listLanes(ListLanesRequest()).lanes.count == 2)
                    let worker = ScriptedWorker("w", of: other)
                    try await worker.connected {
                        try await worker.granted("0")
                        #expect(try await worker.drain(from: try await worker.work()).count == 9)
                    }
                }
            }
        }
    }

    /// Jobs come one after another, so a backup that has one of them has all before it; and a worker takes them meanwhile.
    @Test(arguments: RedisKind.allCases) func aBackupIsOfOneInstantWhileJobsComeAndGo(on kind: RedisKind) async throws {
        try await withServingQueue(on: kind.shared()) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted("0")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !Task.isCancelled {
                            let song = TestLane.songs.randomElement() ?? ""
                            guard let job = try await queue.enqueue(.song, song, force: true).job else { continue }
                            if Bool.random() { _ = try? await queue.queue.cancelJob(JobRequest(jobID: job.id)) }
                        }
                    }
                    group.addTask {
                        while !Task.isCancelled { _ = try await worker.drain(from: try await worker.work()) }
                    }
                    for _ in 0..<5 {
                        let known = try await queue.lastJob()
                        let file = try await queue.backup()
                        try await withQueue(on: kind.shared()) { other in
                            try await other.serving {
                                _ = try await other.restore(file)
                                let damage = try await other.damage()
                                #expect(damage == [])
                                let jobs = try await other.jobNumbers()
                                #expect(jobs.count >= known && jobs == Set(1...(jobs.max() ?? 0)))
                            }
                        }
                    }
                    group.cancelAll()
                }
            }
        }
    }

    /// Servers of a cluster are copied one after another: an account that changes after another must not have changed alone.
    @Test func accountsAreOfOneInstantOnACluster() async throws {
        let cluster = try await RedisCluster.shared()
        try await withServingQueue(on: cluster) { queue in
            let users = try await queue.withStore { store in
                let masters = try await store.redis.masters()
                return masters.compactMap { master in
                    (0..<100).map { "user-\($0)" }.first { master.serves(Array(store.keys.account($0).utf8)) }
                }
            }
            #expect(users.count == 3)
            for user in users {
                _ = try await queue.catalog.createUser(CreateUserRequest(id: user, password: "password"))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await queue.withStore { store in
                        // Takes some milliseconds to copy, in which others change.
                        let long = String(repeating: "x", count: 1 << 20)
                        try await store.send("HSET", store.keys.account(users[1]), "long", long)
                        for number in 1... {
                            for user in users {
                                try await store.send("HSET", store.keys.account(user), "last_analysis_at_ms", number)
                            }
                            // Bursts, and pauses in which the backup finds its instant.
                            try await Task.sleep(for: .milliseconds(Int.random(in: 0..<20) == 0 ? 300 : 1))
                        }
                    }
                }
                for _ in 0..<20 {
                    let file = try await queue.backup()
                    try await withQueue(on: cluster) { other in
                        try await other.serving {
                            _ = try await other.restore(file)
                            var numbers: [Int64] = []
                            for user in users {
                                let request = UserRequest(userID: user)
                                numbers.append(try await other.catalog.getUser(request).lastAnalysisAtMs)
                            }
                            #expect(numbers == numbers.sorted(by: >) && numbers[0] - numbers[2] <= 1)
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    /// Lanes of a cluster are on several servers, too.
    @Test func aUserWhoIsMovedMeanwhileIsWholeInABackupOfACluster() async throws {
        let cluster = try await RedisCluster.shared()
        try await withServingQueue(on: cluster, lanes: 4) { queue in
            _ = try await queue.enqueue(.playlist, "p")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        for lane in 0..<4 {
                            _ = try await queue.maintenance.moveUser(MoveUserRequest(userID: "u", lane: String(lane)))
                        }
                    }
                }
                for _ in 0..<5 {
                    let file = try await queue.backup()
                    try await withQueue(on: cluster) { other in
                        try await other.serving {
                            _ = try await other.restore(file)
                            // Does the rest of a move; while it has not ended, there is no other.
                            for lane in 0..<4 {
                                let request = MoveUserRequest(userID: "u", lane: String(lane))
                                _ = try? await other.maintenance.moveUser(request)
                            }
                            #expect(try await other.damage() == [])
                            let playlist = try await other.catalog.getPlaylist(
                                PlaylistRequest(userID: "u", playlistID: "p"))
                            #expect(playlist.songs.map { $0.song?.id } == Array(TestLane.songs[..<5]))
                            #expect(try await other.queue.listJobs(ListJobsRequest(userID: "u")).jobs.count == 1)
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    @Test(arguments: RedisKind.allCases) func usersAndJobsThatAreThereAreNotLostUnasked(on kind: RedisKind) async throws
    {
        try await withServingQueue(on: kind.shared()) { queue in
            let file = try await queue.backup()
            _ = try await queue.enqueue(.song, "s3")
            let before = try await queue.contents()
            let error = await Result { try await queue.restore(file) }.failure as? RPCError
            #expect(error?.code == .failedPrecondition)
            #expect(error?.detail.contains("1 users and 1 jobs") == true)
            #expect(try await queue.contents() == before)
            _ = try await queue.restore(file, replace: true)
            #expect(try await queue.jobNumbers() == [])
            #expect(try await queue.damage() == [])
        }
    }

    @Test func whoIsPutBackAfterARemovalIsThereAgain() async throws {
        try await withServingQueue { queue in
            let file = try await queue.backup()
            _ = try await queue.catalog.removeUser(UserRequest(userID: "u"))
            _ = try await queue.restore(file)
            #expect(try await queue.enqueue(.song, "s1").job?.state == .pending)
        }
    }

    @Test func aRestorationThatAnotherOneMayHaveTakenOverPutsNothingBack() async throws {
        try await withServingQueue(on: RedisServer.shared()) { queue in
            let file = try await queue.backup()
            let before = try await queue.contents()
            let error =
                await Result {
                    try await queue.maintenance.restore(options: CallOptions(timeout: .seconds(60))) { writer in
                        try await writer.write(RestorePart(data: Array(file.prefix(100)), replace: true))
                        try await queue.withStore { store in
                            while try await store.send("GET", store.keys.restoring).isNull { await Task.yield() }
                            try await store.send("SET", store.keys.restoring, "another", "PX", 60_000)
                        }
                        try await writer.write(RestorePart(data: Array(file.dropFirst(100)), replace: true))
                    }
                }.failure as? RPCError
            #expect(error?.code == .failedPrecondition)
            #expect(try await queue.contents() == before)
            let holder = try await queue.withStore { try await $0.send("GET", $0.keys.restoring).text }
            #expect(holder == "another")
        }
    }

    @Test func whatANewerProgramHasStoredIsNotPutBack() async throws {
        try await withServingQueue(on: RedisServer.shared()) { queue in
            let before = try await queue.contents()
            let newer = try await queue.withStore { store in
                let key = RedisServer.uniquePrefix()
                try await store.send("ZADD", key, 9, "needed")
                return try await store.send("DUMP", key).bytes ?? []
            }
            let records: [BackupRecord.Record] = [
                .header(BackupHeader(format: 1)), .key(StoredKey(name: Array("schema".utf8), value: newer)),
            ]
            var file = ByteBuffer()
            for record in records { file.append(record) }
            file.append(.end(BackupEnd(takenAtMs: 1, sha256: Array(SHA256.hash(data: Array(file.readableBytesView))))))
            let error = await Result { try await queue.restore(Array(file.readableBytesView), replace: true) }.failure
            #expect((error as? RPCError)?.code == .failedPrecondition)
            #expect((error as? RPCError)?.detail.contains("it is of schema 9") == true)
            #expect(try await queue.contents() == before)
        }
    }

    enum Damage: CaseIterable {
        case cut, flipped, followed, empty, foreign

        func applied(to file: [UInt8]) -> [UInt8] {
            var file = file
            switch self {
            case .cut: file.removeLast(file.count / 3)
            case .flipped: file[file.count / 2] ^= 1
            case .followed: file += file
            case .empty: file = []
            case .foreign: file = Array("REDIS0011 and so on, as another program writes it".utf8)
            }
            return file
        }
    }

    @Test(arguments: Damage.allCases) func whatIsNoWholeBackupChangesNothing(damage: Damage) async throws {
        try await withServingQueue(on: RedisServer.shared()) { queue in
            let file = try await queue.backup()
            let before = try await queue.contents()
            let error = await Result { try await queue.restore(damage.applied(to: file), replace: true) }.failure
            #expect((error as? RPCError)?.code == .invalidArgument)
            #expect(try await queue.contents() == before)
            try await queue.withStore { store in
                try await store.scan(Keys.pattern(store.keys.restoring), count: 10_000) { #expect($0 == []) }
            }
        }
    }
}

extension RunningQueue {
    fileprivate func backup() async throws -> [UInt8] {
        var file: [UInt8] = []
        for try await part in maintenance.backup(BackupRequest(), options: CallOptions(timeout: .seconds(60))) {
            file += part.data
        }
        return file
    }

    fileprivate func restore(_ file: [UInt8], replace: Bool = false) async throws -> RestoreReply {
        try await maintenance.restore(options: CallOptions(timeout: .seconds(60))) { writer in
            // In small parts, which end anywhere.
            for part in file.isEmpty ? [[]] : file.batches(of: 1000) {
                try await writer.write(RestorePart(data: Array(part), replace: replace))
            }
        }
    }

    /// All that belongs in a backup, by the names after the prefix.
    fileprivate func contents() async throws -> [[UInt8]: [[UInt8]]] {
        try await withStore { store in
            var names: Set<[UInt8]> = []
            try await store.scan(store.keys.pattern, count: 10_000) {
                names.formUnion($0.filter(store.keys.isBackedUp))
            }
            var contents: [[UInt8]: [[UInt8]]] = [:]
            for name in names {
                let key = RedisArgument(name)
                var value: [[UInt8]]
                // Redis keeps no order within a hash or a set, nor does a copy.
                switch try await store.send("TYPE", key).text {
                case "hash":
                    let words = try await store.send("HGETALL", key).elements?.compactMap(\.bytes) ?? []
                    value = stride(from: 0, to: words.count, by: 2).map { words[$0] + [0] + words[$0 + 1] }
                    value.sort { $0.lexicographicallyPrecedes($1) }
                case "set":
                    value = try await store.send("SMEMBERS", key).elements?.compactMap(\.bytes) ?? []
                    value.sort { $0.lexicographicallyPrecedes($1) }
                // Who reads it, and how far, is not what a backup is about.
                case "stream":
                    value = (try await store.send("XRANGE", key, "-", "+").elements ?? []).flatMap { entry in
                        [entry.elements?[0].bytes ?? []]
                            + (entry.elements?[1].elements ?? []).compactMap(\.bytes)
                    }
                default: value = [try await store.send("DUMP", key).bytes ?? []]
                }
                contents[Array(name.dropFirst(store.keys.prefix.utf8.count))] = value
            }
            return contents
        }
    }

    fileprivate func damage() async throws -> [String] {
        var damage: [String] = []
        for try await report in maintenance.verify(VerifyRequest(), options: CallOptions(timeout: .seconds(30))) {
            damage += report.damage.map { "\($0.key): \($0.what)" }
        }
        return damage
    }

    /// How many jobs there have been.
    fileprivate func lastJob() async throws -> Int {
        try await withStore { Int(try await $0.send("GET", $0.keys.lane("0", .sequence)).int ?? 0) }
    }

    /// The sequence numbers of all jobs of the first lane.
    fileprivate func jobNumbers() async throws -> Set<Int> {
        try await withStore { store in
            var numbers: Set<Int> = []
            for index in [LaneKey.live, .ended] {
                let ids = try await store.send("ZRANGE", store.keys.lane("0", index), 0, -1).elements ?? []
                numbers.formUnion(ids.compactMap { $0.text?.split(separator: "-").last.flatMap { Int($0) } })
            }
            return numbers
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func append(_ record: BackupRecord.Record) {
        var bytes = ByteBuffer()
        BackupRecord(record: record).encode(into: &bytes)
        writeInteger(UInt32(bytes.readableBytes))
        writeBuffer(&bytes)
    }
}
