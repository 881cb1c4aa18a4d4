// The parts of the protocol that need no process: frames, lease, pace of progress.
import NIOCore
import Testing

@testable import AudioAnalyzer

@Suite struct ProtocolTests {
    @Test func framesAreCutWhereverTheBytesAreSplit() throws {
        let bytes: [UInt8] = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 9]
        for size in 1...bytes.count {
            var decoder = FrameDecoder()
            var frames: [[UInt8]] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                decoder.append(bytes[start..<min(start + size, bytes.count)])
                while let frame = try decoder.next() { frames.append(Array(frame.readableBytesView)) }
            }
            #expect(frames == [[7, 8], [], [9]])
        }
    }

    @Test func anOversizedFrameIsRefusedBeforeItIsGathered() {
        var decoder = FrameDecoder()
        decoder.append([0xff, 0xff, 0xff, 0xff])
        #expect(throws: FrameDecoder.Oversized.self) { try decoder.next() }
    }

    @Test func withoutAPingThereIsNoLease() {
        var lease = Lease()
        lease.pass(.seconds(1000))
        #expect(!lease.hasPassed)
        #expect(lease.nextWait == nil)
    }

    @Test func aLeasePassesWhenNothingIsHeardForItsLength() {
        var lease = Lease()
        lease.renew(for: .milliseconds(1200))
        var waited = Duration.zero
        while let wait = lease.nextWait, !lease.hasPassed {
            lease.pass(wait)
            waited += wait
        }
        #expect(waited == .milliseconds(1200))
        lease.renew()
        #expect(!lease.hasPassed)
    }

    @Test func timeSpentStoppedDoesNotCount() {
        var lease = Lease()
        lease.renew(for: .seconds(2))
        // An hour went by in a wait that was meant to be short.
        lease.pass(.seconds(3600))
        #expect(!lease.hasPassed)
    }

    @Test func progressIsReportedAtOnceThenAtMostTwentyTimesPerSecondAndNeverFalls() {
        var pace = ProgressPace()
        let start = ContinuousClock.now
        #expect(pace.report(0, at: start) == 0.001)
        #expect(pace.report(0.5, at: start + .milliseconds(49)) == nil)
        #expect(pace.report(0.5, at: start + .milliseconds(51)) == 0.5)
        #expect(pace.report(0.4, at: start + .milliseconds(200)) == nil)
        #expect(pace.report(1, at: start + .milliseconds(300)) == 0.999)
    }
}
