// The job that most tests of the service are about, and how they run a service around it.

import AnalysisAPI
import RPC

@testable import ProgressService

/// A playlist of four songs.
enum PlayedJob {
    static let pending = Job(
        id: "0-1", lane: "0", userID: "ann", type: .playlist, priority: .medium, state: .pending, targetID: "trip",
        sequence: 1, total: 4, audioMs: 800_000)

    /// A job as it runs its first song.
    static let running: Job = {
        var job = pending
        (job.state, job.epoch, job.songID) = (.inProgress, 1, "s1")
        return job
    }()

    static func report(_ fraction: Double, epoch: UInt64 = 1) -> ProgressReport {
        ProgressReport(
            workerID: "w", lane: "0", jobID: "0-1", epoch: epoch, songID: "s1", fraction: fraction, stage: "decode",
            runningMs: 500, analyzers: [AnalyzerVersion(name: "audio", version: "1")])
    }

    static func started(_ job: Job = running) -> Event {
        Event(lane: "0", atMs: 1, kind: .started, job: job, songID: job.songID, userID: "ann", epoch: job.epoch)
    }

    static var notFound: RPCError { RPCError(.notFound, "There is no job 0-1.") }
}

func withSurroundings(_ body: (Surroundings) async throws -> Void) async throws {
    let surroundings = try await Surroundings()
    defer { surroundings.remove() }
    try await body(surroundings)
}

func withService(_ body: @Sendable (QueueDriver, ProgressClient) async throws -> Void) async throws {
    try await withSurroundings { surroundings in
        try await surroundings.withQueue {
            try await surroundings.withService { try await body(surroundings.driver, $0) }
        }
    }
}
