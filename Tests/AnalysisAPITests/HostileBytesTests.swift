// Bytes that are not the message which they claim to be end in an error that says so, and cost no more than they should.

import AnalysisAPI
import NIOCore
import RPC
import Testing

@Suite struct HostileBytesTests {
    /// The bytes of a field that has a length: `number` up to 15, `content` of any size.
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0x7F {
            length.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return [number << 3 | 2] + length + [UInt8(rest)] + content
    }

    private func refusal<M: Message>(of bytes: [UInt8], as type: M.Type) -> RPCError? {
        #expect(throws: RPCError.self) { try M(decoding: ByteBuffer(bytes: bytes)) }
    }

    @Test(arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0x61, 0x00, 0x62], [0x00]] as [[UInt8]])
    func whatIsNotTextIsRefusedByItsName(text: [UInt8]) {
        let error = refusal(of: field(2, text), as: Song.self)
        #expect(error?.code == .invalidArgument)
        #expect(error?.detail.contains("Song.title") == true)
    }

    @Test func textWithinOtherMessagesIsCheckedToo() {
        let nested = field(1, field(1, [0x30])) + field(1, field(2, [0xFF]))
        #expect(refusal(of: nested, as: ListJobsReply.self)?.detail.contains("Job.lane") == true)
        let repeated = field(1, [0x30]) + field(1, [0xFF])
        #expect(refusal(of: repeated, as: LanesRenewed.self)?.detail.contains("LanesRenewed.lanes") == true)
        let chosen = field(1, [0xFF])
        #expect(refusal(of: chosen, as: ProgressContext.self)?.detail.contains("ProgressContext.job_id") == true)
    }

    @Test(
        arguments: [
            [0x0A], [0x0A, 0x05, 0x61], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x07], [0x00, 0x01],
            [0x50, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        ] as [[UInt8]])
    func malformedBytesAreRefused(bytes: [UInt8]) {
        let error = refusal(of: bytes, as: Job.self)
        #expect(error?.code == .invalidArgument)
        #expect(error?.detail.contains("analysis.v1.Job") == true)
    }

    @Test func fieldsOfANewerVersionAreIgnored() throws {
        let bytes = field(1, [0x30]) + field(15, [1, 2, 3])
        #expect(try Wake(decoding: ByteBuffer(bytes: bytes)) == Wake(lane: "0"))
    }

    @Test func theLastOfSeveralValuesCounts() throws {
        let bytes = field(1, [0x30]) + field(1, [0x31])
        #expect(try Wake(decoding: ByteBuffer(bytes: bytes)) == Wake(lane: "1"))
        let choices = field(1, [0x61]) + field(2, [0x62])
        #expect(try ProgressContext(decoding: ByteBuffer(bytes: choices)).context == .playlistID("b"))
    }

    @Test func fourMebibytesOfEmptyMessagesAreRefusedRatherThanUnpacked() {
        let bytes = (0..<4 << 20).map { UInt8($0.isMultiple(of: 2) ? 0x0A : 0x00) }
        #expect(refusal(of: bytes, as: ListJobsReply.self)?.code == .resourceExhausted)
    }

    @Test func longListsOfOrdinaryMessagesAreNotRefused() throws {
        let job = Job(
            id: "0-17", lane: "0", userID: "demo", type: .song, priority: .high, state: .pending, targetID: "s123",
            force: true, sequence: 17, epoch: 3, total: 1, cursor: 1, analysed: 1, skipped: 1, failed: 1, audioMs: 1,
            audioDoneMs: 1, songID: "s1", createdAtMs: 1_700_000_000_000, startedAtMs: 1, endedAtMs: 1, error: "none")
        let list = ListJobsReply(jobs: Array(repeating: job, count: 10_000))
        var bytes = ByteBuffer()
        list.encode(into: &bytes)
        #expect(try ListJobsReply(decoding: bytes) == list)
    }
}
