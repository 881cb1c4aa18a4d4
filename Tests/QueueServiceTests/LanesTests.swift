// What is promised about lanes as a whole: they are added while everything runs, and workers share them.

import AnalysisAPI
import Jobs
import RPC
import TestSupport
import Testing

@testable import QueueService

@Suite(.timeLimit(.minutes(1))) struct LanesTests {
    @Test func addedLanesGoToWorkersAndToNewUsers() async throws {
        try await withServingQueue { queue in
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted("0")
                let lanes = try await queue.maintenance.addLanes(AddLanesRequest(total: 3)).lanes
                #expect(lanes.map(\.id) == ["0", "1", "2"] && lanes[0].workerID == "w")
                var granted: Set<String> = []
                while granted != ["1", "2"] {
                    let lane = try await worker.next { if case .laneGranted(let lane) = $0 { lane.lane } else { nil } }
                    granted.insert(lane)
                }
            }
            var lanes: Set<String> = []
            for number in 0..<40 {
                let request = CreateUserRequest(id: "user-\(number)", password: "password")
                lanes.insert(try await queue.catalog.createUser(request).lane)
            }
            #expect(lanes == ["0", "1", "2"])
        }
    }

    @Test func addedLanesAreThereForEveryReplicaAndAfterARestart() async throws {
        try await withQueue { queue in
            try await queue.serving {
                try await queue.withReplica { replica in
                    try await replica.serving {
                        _ = try await queue.maintenance.addLanes(AddLanesRequest(total: 2))
                        let request = FollowRequest(cursors: [LaneCursor(lane: "1", cursor: "0-0")])
                        let events = try await replica.firstEvents(of: request, lane: "0")
                        #expect(events.map(\.kind) == [.snapshotEnd])
                    }
                }
            }
            try await queue.serving {
                // Fewer than there are take none away.
                let lanes = try await queue.maintenance.addLanes(AddLanesRequest(total: 1)).lanes
                #expect(lanes.map(\.id) == ["0", "1"])
            }
        }
    }

    @Test func whoFollowsIsToldOfLanesThatAreAddedMeanwhile() async throws {
        try await withServingQueue { queue in
            var lanes: [String] = []
            for try await event in queue.queue.follow(FollowRequest(), options: CallOptions(timeout: .seconds(30))) {
                lanes.append(event.lane)
                if event.lane == "0" { _ = try await queue.maintenance.addLanes(AddLanesRequest(total: 2)) }
                if event.lane == "1" { break }
            }
            #expect(lanes == ["0", "1"])
        }
    }

    @Test func aPauseHoldsBackLanesThatAreAddedMeanwhile() async throws {
        try await withServingQueue { queue in
            _ = try await queue.queue.pauseQueue(PauseQueueRequest(reason: "moving house"))
            _ = try await queue.maintenance.addLanes(AddLanesRequest(total: 2))
            try await queue.withStore { store in
                let pause = try await JobReader(lane: "1", store: store).pause()
                #expect(pause?.reason == "moving house")
            }
            _ = try await queue.queue.resumeQueue(ResumeQueueRequest())
            try await queue.withStore { store in
                let pause = try await JobReader(lane: "1", store: store).pause()
                #expect(pause == nil)
            }
        }
    }

    @Test func theLanesOfALostWorkerGoToTheOtherAndAreSharedAgainWithTheNext() async throws {
        try await withServingQueue(lanes: 2, limits: QueueLimits(lease: .seconds(3))) { queue in
            let first = ScriptedWorker("first", of: queue)
            try await first.connected {
                try await first.granted("0")
                try await first.granted("1")
                let second = ScriptedWorker("second", of: queue)
                let lane = try await second.connected {
                    let lane = try await first.next {
                        if case .laneRevoked(let revoked) = $0 { revoked.lane } else { nil }
                    }
                    try await second.granted(lane)
                    return lane
                }
                // Its connection broke without a word: the lane comes back when the lease has run out.
                try await first.granted(lane)
                let third = ScriptedWorker("third", of: queue)
                try await third.connected {
                    let lane = try await first.next {
                        if case .laneRevoked(let revoked) = $0 { revoked.lane } else { nil }
                    }
                    try await third.granted(lane)
                }
            }
        }
    }

    @Test func numbersOfLanesThatCannotBeAreRefused() async throws {
        try await withServingQueue { queue in
            for total in [UInt32(0), 1025] {
                let error = await #expect(throws: RPCError.self) {
                    try await queue.maintenance.addLanes(AddLanesRequest(total: total))
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }
}

extension RunningQueue {
    /// The first events of a lane among those that are followed, until its snapshot ends.
    fileprivate func firstEvents(of request: FollowRequest, lane: String) async throws -> [Event] {
        var events: [Event] = []
        for try await event in queue.follow(request, options: CallOptions(timeout: .seconds(30)))
        where event.lane == lane {
            events.append(event)
            if event.kind == .snapshotEnd { break }
        }
        return events
    }
}
