// What is promised to callers whose requests share a script: each gets its own answer, and nobody pays for another's.

import AnalysisAPI
import Jobs
import Redis
import Testing

@testable import QueueService

@Suite struct EnqueueGroupTests {
    @Test func manyCallersAtOnceGetTheirOwnAnswers() async throws {
        try await withLane { lane in
            let group = EnqueueGroup(queue: lane.queue)
            let answers = await withTaskGroup(of: (Int, Result<String, any Error>).self) { tasks in
                for number in 0..<300 {
                    tasks.addTask {
                        (
                            number,
                            await Result { try await group.enqueue(lane.request("s\(number % 15)"))[0].job?.id ?? "" }
                        )
                    }
                }
                var answers: [Int: Result<String, any Error>] = [:]
                for await (number, answer) in tasks { answers[number] = answer }
                return answers
            }
            #expect(answers.count == 300)
            var jobs: [Int: Set<String>] = [:]
            for (number, answer) in answers {
                let song = number % 15
                switch answer {
                case .success(let id): jobs[song, default: []].insert(id)
                case .failure(let error):
                    #expect(error as? QueueError == .notFound("there is no song s\(song)"))
                    #expect(song >= 10)
                }
            }
            #expect(jobs.keys.sorted() == Array(0..<10))
            let isOneJobEach = jobs.values.allSatisfy { $0.count == 1 }
            #expect(isOneJobEach)
            let enqueued = try await lane.events().filter { $0.kind == .enqueued }
            #expect(enqueued.count == 10)
            #expect(try await lane.verify() == [])
        }
    }

    @Test func whatIsDamagedOfOneUserIsNothingToTheOthers() async throws {
        try await withLane { lane in
            try await lane.fill(user: "v")
            try await lane.store.send("SET", lane.store.keys.lane("0", .userWishes, "v"), "no hash")
            let results = try await lane.queue.enqueue([
                lane.request("s1"), lane.request("s1", of: "v"), lane.request("s2"),
            ])
            let jobs = results.map { try? $0.get().first?.job?.targetID }
            #expect(jobs == ["s1", nil, "s2"])
            #expect(try await lane.status().pending == 2)
            guard case .failure(.corrupt(let text)) = results[1] else {
                Issue.record("\(results[1])")
                return
            }
            #expect(text.contains("WRONGTYPE"))
        }
    }

    @Test func whoIsCancelledWaitsNoLongerAndTheOthersGetTheirAnswers() async throws {
        try await withLane { lane in
            let group = EnqueueGroup(queue: lane.queue)
            let tasks = (0..<50).map { number in
                Task { try await group.enqueue(lane.request("s\(number % 10)")) }
            }
            for task in tasks.prefix(25) { task.cancel() }
            for task in tasks.prefix(25) {
                do {
                    _ = try await task.value
                } catch {
                    let isCancelled = error is CancellationError
                    #expect(isCancelled)
                }
            }
            for task in tasks.suffix(25) {
                let enqueued = try await task.value
                #expect(enqueued.count == 1)
            }
        }
    }
}

extension TestLane {
    fileprivate func request(_ song: String, of user: String = "u") -> LaneQueue.Request {
        LaneQueue.Request(
            userID: user, idempotencyKey: "",
            targets: [LaneQueue.Target(type: .song, id: song, force: false, priority: .unspecified)])
    }
}
