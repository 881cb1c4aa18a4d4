// Random operations of several clients and workers, with crashes of any of them, against the scripts on a real Redis: whatever
// comes after whatever, what is promised holds. A seed names a run: ANALYSIS_TEST_SEED repeats it, and ANALYSIS_TEST_RUNS says
// how many there are.

import AnalysisAPI
import Foundation
import Testing

@testable import QueueService

@Suite struct ModelTests {
    static let environment = ProcessInfo.processInfo.environment
    static let runs =
        environment["ANALYSIS_TEST_RUNS"].flatMap { Int($0) } ?? (environment["ANALYSIS_TEST_LONG"] == nil ? 1 : 100)
    static let seeds = (0..<runs).map { run in
        environment["ANALYSIS_TEST_SEED"].flatMap { UInt64($0) }.map { $0 &+ UInt64(run) }
            ?? .random(in: 0...UInt64.max)
    }

    static let limits = QueueLimits(
        backgroundBatch: 4, retryBase: .milliseconds(5), breakerSongs: 3, breakerProbe: .milliseconds(5),
        logLength: 1_000_000)

    @Test(arguments: seeds) func whateverHappensTheLaneHoldsTogether(seed: UInt64) async throws {
        try await withLane(limits: Self.limits) { lane in
            try await lane.fill(user: "v")
            var model = LaneModel(lane: lane, seed: seed)
            for step in 0..<10_000 {
                do {
                    try await model.step()
                } catch {
                    Issue.record("ANALYSIS_TEST_SEED=\(seed) step \(step): \(error)")
                    return
                }
                guard step % 1000 == 999 else { continue }
                // A lease that has just run out is damage to nobody.
                _ = try await lane.queue.sweep()
                let damage = try await lane.verify()
                #expect(damage == [], "ANALYSIS_TEST_SEED=\(seed) step \(step)")
            }
            do {
                try await model.finish()
            } catch {
                Issue.record("ANALYSIS_TEST_SEED=\(seed): \(error)")
            }
        }
    }
}
