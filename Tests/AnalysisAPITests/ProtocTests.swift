// Our bytes are those of Google's implementation: protoc encodes the same message from its text.

import AnalysisAPI
import Foundation
import NIOCore
import RPC
import Testing

@Suite struct ProtocTests {
    /// What `protoc --encode` makes of a message in protobuf's text format.
    private func protoc(_ type: String, in file: String, text: String) throws -> ByteBuffer {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "protoc", "-I", root.appending(path: "proto").path, "--encode=analysis.v1.\(type)", "analysis/v1/\(file)",
        ]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return ByteBuffer(bytes: bytes)
    }

    private func expectSameBytes<M: Message & Equatable>(
        _ message: M, in file: String, text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let theirs = try protoc("\(M.self)", in: file, text: text)
        var ours = ByteBuffer()
        message.encode(into: &ours)
        #expect(ours == theirs, sourceLocation: sourceLocation)
        #expect(try M(decoding: theirs) == message, sourceLocation: sourceLocation)
    }

    @Test func aJobWithItsFailures() throws {
        let job = Job(
            id: "0-17", lane: "0", userID: "demo", type: .playlist, priority: .medium, state: .inProgress,
            targetID: "p1", force: true, sequence: 17, epoch: 300, total: 10, cursor: 3, createdAtMs: -1,
            failures: [SongFailure(songID: "s1", reason: "naïve \u{7}"), SongFailure()])
        try expectSameBytes(
            job, in: "jobs.proto",
            text: """
                id: "0-17" lane: "0" user_id: "demo" type: JOB_TYPE_PLAYLIST priority: PRIORITY_MEDIUM
                state: JOB_STATE_IN_PROGRESS target_id: "p1" force: true sequence: 17 epoch: 300 total: 10 cursor: 3
                created_at_ms: -1 failures { song_id: "s1" reason: "naïve \\007" } failures {}
                """)
    }

    @Test func optionalsThatAreSetAreWrittenEvenWhenZero() throws {
        try expectSameBytes(Song(id: "s1", durationMs: 0), in: "jobs.proto", text: #"id: "s1" duration_ms: 0"#)
        try expectSameBytes(Song(id: "s1"), in: "jobs.proto", text: #"id: "s1""#)
    }

    @Test func choices() throws {
        try expectSameBytes(
            ProgressContext(context: .library(false)), in: "progress.proto", text: "library: false")
        let held = HeldItem(lane: "0", running: true)
        try expectSameBytes(
            WorkerCommand(
                command: .laneGranted(LaneGranted(lane: "0", lease: [0, 255], leaseMs: 3000, kept: [held]))),
            in: "workers.proto",
            text: #"lane_granted { lane: "0" lease: "\000\377" lease_ms: 3000 kept { lane: "0" running: true } }"#)
    }

    @Test func numbersAndRepeatedStrings() throws {
        try expectSameBytes(
            ProgressView(version: 1 << 40, fraction: 0.1, etaMs: 90_000, song: Song(title: "音"), ended: true),
            in: "progress.proto",
            text: #"version: 1099511627776 fraction: 0.1 eta_ms: 90000 song { title: "音" } ended: true"#)
        try expectSameBytes(
            WorkerStatus(id: "w", lanes: ["0", "1"], suspended: 2), in: "queue.proto",
            text: #"id: "w" lanes: "0" lanes: "1" suspended: 2"#)
    }
}
