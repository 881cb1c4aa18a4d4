// Every shape that a field can have keeps its value on the way to bytes and back.

import AnalysisAPI
import NIOCore
import RPC
import Testing

@Suite struct RoundTripTests {
    private func roundTrip<M: Message>(_ message: M) throws -> M {
        var bytes = ByteBuffer()
        message.encode(into: &bytes)
        return try M(decoding: bytes)
    }

    @Test func numbersKeepTheirExtremes() throws {
        let report = ProgressReport(epoch: .max, fraction: -0.125, runningMs: .max)
        #expect(try roundTrip(report) == report)
        let job = Job(force: true, epoch: 1 << 63, cursor: .max, createdAtMs: .min, endedAtMs: .max)
        #expect(try roundTrip(job) == job)
    }

    @Test(arguments: ["", "Ágætis byrjun", "音楽", "🎵", String(repeating: "long ", count: 100_000)])
    func textArrivesAsItWas(text: String) throws {
        let song = Song(id: "s1", title: text, artist: text, attributes: [Attribute(name: "lyrics", value: text)])
        #expect(try roundTrip(song) == song)
    }

    @Test func bytesMayHoldAnything() throws {
        let result = AnalysisResult(
            analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array(0...255) + [0, 0], tookMs: 7)
        #expect(try roundTrip(result) == result)
    }

    @Test func messagesNestAndRepeat() throws {
        let job = Job(
            id: "0-17", type: .playlist, priority: .medium, state: .interrupted,
            failures: (0..<100).map { SongFailure(songID: "s\($0)", reason: "unreadable") })
        let event = Event(lane: "0", cursor: "1-1", kind: .interrupted, job: job, byJobID: "0-18")
        #expect(try roundTrip(event) == event)
        let empty = ListJobsReply(jobs: [Job(), Job()])
        #expect(try roundTrip(empty) == empty)
    }

    @Test func stringsRepeat() throws {
        let renewed = LanesRenewed(lanes: ["0", "", "1"])
        #expect(try roundTrip(renewed).lanes == ["0", "", "1"])
    }

    @Test func aMessageWithoutFieldsIsNoBytes() throws {
        var bytes = ByteBuffer()
        ReportReply().encode(into: &bytes)
        #expect(bytes.readableBytes == 0)
        #expect(try roundTrip(ReportReply()) == ReportReply())
        #expect(try roundTrip(Job()) == Job())
    }

    @Test func anOptionalThatIsZeroIsNotAbsent() throws {
        #expect(try roundTrip(Song(durationMs: 0)).durationMs == 0)
        #expect(try roundTrip(Song()).durationMs == nil)
        #expect(try roundTrip(ProbeEnded(failure: "")).failure == "")
        #expect(try roundTrip(ProbeEnded()).failure == nil)
        #expect(try roundTrip(EnqueueReply(job: Job())).job == Job())
        #expect(try roundTrip(EnqueueReply()).job == nil)
    }

    @Test(
        arguments: [
            nil, .jobID("0-17"), .jobID(""), .playlistID("p1"), .library(true), .library(false),
        ] as [ProgressContext.Context?])
    func aChoiceKeepsItsMember(context: ProgressContext.Context?) throws {
        #expect(try roundTrip(ProgressContext(context: context)).context == context)
    }

    @Test(
        arguments: [
            .laneGranted(LaneGranted(lane: "0", lease: [1], leaseMs: 3000, kept: [HeldItem(jobID: "0-1", claim: [2])])),
            .lanesRenewed(LanesRenewed()), .wake(Wake(lane: "0")), .preempt(Preempt(epoch: 4, pause: true)),
        ] as [WorkerCommand.Command])
    func aChoiceOfMessagesKeepsItsMember(command: WorkerCommand.Command) throws {
        #expect(try roundTrip(WorkerCommand(command: command)).command == command)
    }

    @Test func encodingAppendsToWhatTheBufferHolds() throws {
        var bytes = ByteBuffer(string: "before")
        Wake(lane: "0").encode(into: &bytes)
        #expect(bytes.readString(length: 6) == "before")
        #expect(try Wake(decoding: bytes).lane == "0")
    }

    @Test func enumsKeepKnownAndUnknownNumbers() throws {
        for state in JobState.allCases {
            #expect(try roundTrip(Job(state: state)).state == state)
            #expect(JobState(rawValue: state.rawValue) == state)
        }
        for number: Int32 in [99, -1, .max, .min] {
            #expect(try roundTrip(Job(state: JobState(rawValue: number))).state == .unrecognized(number))
        }
    }
}
