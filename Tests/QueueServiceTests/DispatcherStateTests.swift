// How lanes are shared among workers.

import AnalysisAPI
import Testing

@testable import QueueService

@Suite struct DispatcherStateTests {
    @Test(
        arguments: [([0, 0], [2, 2]), ([1, 0], [1, 3]), ([1, 3], [1, 3]), ([9, 1], [3, 1]), ([1, 1], [1, 1])]
            as [([UInt32], [Int])])
    func whatAWorkerLeavesTheOthersShare(wanted: [UInt32], shares: [Int]) {
        var state = DispatcherState(lanes: ["0", "1", "2", "3"], machineLimits: MachineLimits())
        let messages = wanted.enumerated().map { index, lanes in
            WorkerMessage(workerID: "w\(index)", lanesWanted: lanes, sequence: 1)
        }
        for (index, message) in messages.enumerated() {
            _ = state.connect(message, connection: UInt64(index), atMs: 0)
        }
        let rooms = messages.enumerated().map { index, message in
            state.heard(message, workerID: message.workerID, connection: UInt64(index), atMs: 0)?.room
        }
        #expect(rooms == shares)
    }

    @Test func aWorkerIsToldWhichLanesItHasChildrenOfInVain() {
        var state = DispatcherState(lanes: ["0", "1", "2"], machineLimits: MachineLimits())
        for (index, id) in ["a", "b"].enumerated() {
            _ = state.connect(WorkerMessage(workerID: id, sequence: 1), connection: UInt64(index), atMs: 0)
        }
        #expect(state.take(3) == ["0", "1", "2"])
        _ = state.taken("0", lease: [1], workerID: "a", connection: 0)
        _ = state.taken("1", lease: [2], workerID: "b", connection: 1)
        // Who gets the third is not decided; the fourth nobody knows.
        #expect(state.lost(among: ["0", "1", "2", "3"], workerID: "a") == ["1"])
        _ = state.taken("2", lease: nil, workerID: "a", connection: 0)
        #expect(state.lost(among: ["0", "1", "2", "3"], workerID: "a") == ["1", "2"])
    }
}
