// What is promised about identical audio: it is analysed once and credited, to whosever songs it is, unless an analysis is forced.

import AnalysisAPI
import Jobs
import RPC
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct IdenticalAudioTests {
    private static let known = Melody(seed: 1).identity(file: 1, audio: 1)

    @Test(arguments: RedisKind.allCases)
    func theResultOfAFileIsFoundForEveryUserWhoHasIt(on redis: RedisKind) async throws {
        try await withServingQueue(on: redis.shared()) { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                let result = AnalysisResult.heard(Self.known)
                #expect(try await queue.find(Self.known) == nil)
                _ = try await queue.enqueue(.song, "s1")
                _ = try await worker.exchange(try await worker.work(), .analysed(Analysed(results: [result])))
                // The cache is filled after the answer.
                while try await queue.find(Self.known) == nil { await Task.yield() }
                #expect(try await queue.find(Self.known) == result)
                #expect(try await queue.find(Self.known, version: "2") == nil)
                #expect(try await queue.find(Melody(seed: 1).identity(file: 2)) == nil)

                _ = try await queue.catalog.createUser(
                    CreateUserRequest(id: "v", password: "long enough", role: .listener))
                _ = try await queue.catalog.upsertLibrary(UpsertLibraryRequest(userID: "v", songs: [Song(id: "mine")]))
                let wish = EnqueueRequest(userID: "v", type: .song, targetID: "mine")
                let job = try #require(try await queue.queue.enqueue(wish).job)
                #expect(try await worker.credit(try await worker.work(), with: result) == nil)
                let ended = try await queue.queue.getJob(JobRequest(userID: "v", jobID: job.id))
                #expect(ended.state == .completed && ended.analysed == 0 && ended.skipped == 1)
                let song = try await queue.catalog.getSong(SongRequest(userID: "v", songID: "mine"))
                #expect(song.summary?.state == .analysed && song.results == [result])
                // It is no younger than it was.
                #expect(song.summary?.analysedAtMs == result.createdAtMs)
            }
        }
    }

    @Test func aResultIsNotFoundWhereItHasGoneOrTheHashIsNone() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.song, "s1")
                let result = AnalysisResult.heard(Self.known)
                _ = try await worker.exchange(try await worker.work(), .analysed(Analysed(results: [result])))
                while try await queue.find(Self.known) == nil { await Task.yield() }
                _ = try await queue.catalog.removeSongs(RemoveSongsRequest(userID: "u", songIds: ["s1"]))
                #expect(try await queue.find(Self.known) == nil)

                let analyzer = AnalyzerVersion(name: "audio", version: "1")
                for request in [FindResultRequest(analyzer: analyzer, fileHash: [1]), FindResultRequest(fileHash: [1])]
                {
                    let error = await #expect(throws: RPCError.self) { try await queue.workers.findResult(request) }
                    #expect(error?.code == .invalidArgument)
                }
                _ = try await queue.enqueue(.song, "s2")
                let item = try await worker.work()
                let damaged = AnalysisResult.heard(AudioIdentity(fileHash: [1]))
                let error = await #expect(throws: RPCError.self) {
                    try await worker.exchange(item, .analysed(Analysed(results: [damaged])))
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    /// All songs were analysed by version 1; now there is version 2.
    @Test(arguments: [(UInt8(1), UInt8(9)), (UInt8(9), UInt8(1))])
    func aSongWithTheSameFileOrAudioIsCreditedAtEnqueueAndWhenItsTurnComes(file: UInt8, audio: UInt8) async throws {
        try await withUpgradedLane { lane in
            try await lane.analyse("s1", Melody(seed: 1).identity(file: 1, audio: 1), version: "2")
            let forced = try #require(try await lane.enqueue(.song, "s2", force: true).job)
            #expect(forced.state == .pending)
            _ = try await lane.queue.change(jobID: forced.id, userID: "u", event: .cancelled)
            let clicked = try #require(try await lane.enqueue(.song, "s2").job)
            #expect(clicked.state == .completed && clicked.skipped == 1)
            // Of the playlist's five, s0 and s4 were never analysed and s3 sounds different.
            let list = try #require(try await lane.enqueue(.playlist, "p").job)
            #expect(try await lane.drain() == ["s0", "s3", "s4"].map { "\(list.id) \($0)" })
            #expect(try await lane.verify() == [])
        } prepare: { lane in
            try await lane.analyse("s1", Melody(seed: 1).identity(file: 1, audio: 1))
            try await lane.analyse("s2", Melody(seed: 1).identity(file: file, audio: audio))
            try await lane.analyse("s3", Melody(seed: 3).identity(file: 3, audio: 3))
        }
    }

    @Test func whatIsCreditedInAListCountsAsSkipped() async throws {
        try await withUpgradedLane { lane in
            let list = try #require(try await lane.enqueue(.playlist, "p").job)
            let item = try #require(try await lane.exchange())
            #expect(item.song.id == "s0")
            let heard = [AnalysisResult.heard(Self.known, version: "2")]
            // All others are this very file.
            #expect(try await lane.exchange(item, .analysed(Analysed(results: heard))) == nil)
            let ended = try await lane.job(list.id)
            #expect(ended.state == .completed && ended.analysed == 1 && ended.skipped == 4)
        } prepare: { lane in
            for song in ["s0", "s1", "s2", "s3", "s4"] { try await lane.analyse(song, Self.known) }
        }
    }

    @Test func aSongThatIsCreditedProvesNothingAboutABrokenAnalyzer() async throws {
        try await withLane(limits: QueueLimits(songAttempts: 1, breakerSongs: 1, breakerProbe: .milliseconds(1))) {
            lane in
            try await lane.hold()
            _ = try await lane.enqueue(.song, "s1")
            let failed = Failed(reason: "crashed", kind: .crashed, analyzer: "audio")
            _ = try await lane.exchange(try await lane.exchange(), .failed(failed))
            _ = try await lane.enqueue(.song, "s2")
            var probe: Item?
            while probe == nil { probe = try await lane.exchange() }
            let heard = [AnalysisResult.heard(Self.known)]
            _ = try await lane.exchange(probe, .analysed(Analysed(results: heard)), credited: ["audio"])
            #expect(try await lane.events().contains { $0.kind == .breakerClosed } == false)
        }
    }

    /// A lane whose songs were analysed by version 1 of the analyzer, as a queue has it that wants version 2.
    private func withUpgradedLane(
        _ body: @Sendable (TestLane) async throws -> Void, prepare: @Sendable (TestLane) async throws -> Void
    ) async throws {
        try await withLane { lane in
            try await lane.hold()
            try await prepare(lane)
            let version = Analyzers([AnalyzerVersion(name: "audio", version: "2")])
            let store = Store(
                redis: lane.store.redis, keys: lane.store.keys,
                scripts: Scripts(analyzers: version, limits: QueueLimits()))
            try await body(TestLane(queue: LaneQueue(lane: "0", store: store)))
        }
    }
}

extension RunningQueue {
    fileprivate func find(_ identity: AudioIdentity, version: String = "1") async throws -> AnalysisResult? {
        let analyzer = AnalyzerVersion(name: "audio", version: version)
        return try await workers.findResult(FindResultRequest(analyzer: analyzer, fileHash: identity.fileHash)).result
    }
}
