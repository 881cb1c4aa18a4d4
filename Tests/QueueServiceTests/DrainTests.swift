// What is promised about workers that are taken out of service.

import AnalysisAPI
import RPC
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct DrainTests {
    @Test func aDrainedWorkerEndsItsSongAndItsLaneGoesToAnother() async throws {
        try await withServingQueue { queue in
            let leaving = ScriptedWorker("leaving", of: queue)
            let staying = ScriptedWorker("staying", of: queue)
            try await leaving.connected {
                try await leaving.granted()
                let job = try #require(try await queue.enqueue(.playlist, "p").job)
                let song = try await leaving.work()
                let status = try await queue.drain("leaving")
                #expect(status.id == "leaving" && status.draining)
                try await staying.connected {
                    // The lane stays with it until its song has ended, and no other song comes.
                    #expect(try await leaving.analysed(song) == nil)
                    try await leaving.next { if case .laneRevoked(let lane) = $0, lane.lane == "0" { () } else { nil } }
                    try await staying.granted()
                    let next = try await staying.work()
                    #expect(next.jobID == job.id && next.cursor == 1)
                    let workers = try await queue.queue.getStatus(QueueStatusRequest()).workers
                    #expect(workers.filter(\.draining).map(\.id) == ["leaving"])
                }
            }
        }
    }

    @Test func whatADrainedWorkerKeepsFrozenGoesOnElsewhere() async throws {
        try await withServingQueue { queue in
            let leaving = ScriptedWorker("leaving", of: queue)
            let staying = ScriptedWorker("staying", of: queue)
            try await leaving.connected {
                try await leaving.granted()
                _ = try await queue.enqueue(.playlist, "p")
                let song = try await leaving.work()
                _ = try await queue.drain("leaving")
                let click = try await queue.enqueue(.song, "s9").job
                #expect(try await leaving.exchange(song, .suspended(Suspended())) == nil)
                var held = song.held()
                held.running = false
                leaving.keep([held])
                try await leaving.next { if case .laneRevoked(let lane) = $0, lane.lane == "0" { () } else { nil } }
                leaving.keep([])
                try await staying.connected {
                    try await staying.granted()
                    let next = try await staying.work()
                    #expect(next.jobID == click?.id)
                    #expect(try await staying.analysed(next)?.jobID == song.jobID)
                }
            }
        }
    }

    @Test func whoComesBackWithChildrenOfALaneThatWentElsewhereIsToldSo() async throws {
        try await withServingQueue { queue in
            let held = HeldItem(lane: "0", jobID: "0-1", epoch: 1, claim: [1])
            let other = ScriptedWorker("other", of: queue)
            let back = ScriptedWorker("back", of: queue)
            try await other.connected {
                try await other.granted()
                back.keep([held])
                try await back.connected {
                    try await back.next { if case .laneRevoked(let lane) = $0, lane.lane == "0" { () } else { nil } }
                }
            }
        }
    }

    @Test func aWorkerThatIsTakenBackInGetsItsLanesAgain() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.drain("w")
                try await worker.next { if case .laneRevoked = $0 { () } else { nil } }
                let status = try await queue.drain("w", undo: true)
                #expect(!status.draining)
                try await worker.granted()
            }
        }
    }

    @Test func aWorkerStaysOutOfServiceWhenItConnectsAgainOrElsewhere() async throws {
        try await withQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await queue.serving {
                try await worker.connected {
                    try await worker.granted()
                    _ = try await queue.drain("w")
                }
            }
            try await queue.withReplica { replica in
                try await replica.serving {
                    let again = ScriptedWorker("w", of: replica)
                    try await again.connected {
                        // Answered, so that it has been looked at: there is no lane for it.
                        let renewed = try await again.next {
                            switch $0 {
                            case .lanesRenewed(let renewed): renewed.lanes
                            case .laneGranted(let granted): [granted.lane]
                            default: nil
                            }
                        }
                        #expect(renewed.isEmpty)
                        _ = try await replica.drain("w", undo: true)
                        try await again.granted()
                    }
                }
            }
        }
    }

    @Test func aWorkerThatIsNotConnectedCannotBeDrained() async throws {
        try await withServingQueue { queue in
            let error = await #expect(throws: RPCError.self) { try await queue.drain("nobody") }
            #expect(error?.code == .notFound)
        }
    }
}

extension RunningQueue {
    @discardableResult
    fileprivate func drain(_ worker: String, undo: Bool = false) async throws -> WorkerStatus {
        try await maintenance.drainWorker(DrainWorkerRequest(workerID: worker, undo: undo))
    }
}
