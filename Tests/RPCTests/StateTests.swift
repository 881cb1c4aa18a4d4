// The pure states, without sockets and clocks.

import NIOCore
import Testing

@testable import RPC

private let moment = NIODeadline.uptimeNanoseconds(1_000_000_000)

@Suite struct CallStateTests {
    private typealias State = CallState<String, String>
    /// A message that costs 100 bytes of credit.
    private let message = ByteBuffer(repeating: 1, count: 68)

    private func state(credit: Int = 200) -> State {
        State(limits: Limits(maxMessageBytes: 1000, credit: credit))
    }

    @Test func messageGoesToTheReaderThatWaitsOrWaitsForOne() {
        var state = state()
        guard case .wait = state.next() else { return missed("nothing has arrived") }
        state.park("reader")
        guard case .deliver("reader", credit: 100) = state.receive(message) else { return missed("no delivery") }
        guard case .kept = state.receive(message) else { return missed("nobody waits") }
        guard case .message(message, credit: 100) = state.next() else { return missed("one is there") }
    }

    @Test func creditGoesBackOnlyForWhatWasReadAndInHalvesOfTheWindow() {
        var state = state(credit: 400)
        for _ in 0..<3 { _ = state.receive(message) }
        guard case .message(_, credit: nil) = state.next() else { return missed("a quarter is too little") }
        guard case .message(_, credit: 200) = state.next() else { return missed("half is due") }
        guard case .message(_, credit: nil) = state.next() else { return missed("a quarter is too little") }
    }

    @Test func messageBeyondTheCreditIsAViolation() {
        var state = state(credit: 150)
        _ = state.receive(message)
        guard case .kept = state.receive(message) else { return missed("there was some credit left") }
        guard case .violation = state.receive(message) else { return missed("there was none left") }
    }

    @Test func endComesAfterWhatArrivedBeforeIt() {
        var state = state()
        _ = state.receive(message)
        #expect(state.receiveEnd(RPCError(.aborted, "late")) == nil)
        guard case .message = state.next() else { return missed("the message comes first") }
        guard case .fail(let error) = state.next() else { return missed("then the error") }
        #expect(error.code == .aborted)
        guard case .violation = state.receive(message) else { return missed("nothing follows the end") }
    }

    @Test func abortDropsWhatArrivedAndWakesEverybodyOnce() {
        var state = state()
        _ = state.receive(message)
        state.park("reader")
        guard case .wait(let token) = state.write(message) else { return missed("there is no credit yet") }
        state.park(message, "writer", token: token)
        #expect(state.unread == 100)
        let woken = state.abort(RPCError(.cancelled, ""))
        #expect(woken?.0 == "reader")
        #expect(woken?.1 == ["writer"])
        #expect(state.abort(RPCError(.cancelled, "")) == nil)
        #expect(state.unread == 0)
        guard case .fail = state.next() else { return missed("reading fails") }
        guard case .fail = state.write(message) else { return missed("writing fails") }
        guard case .kept = state.receive(message) else { return missed("late messages are dropped") }
    }

    @Test func writersGoInTheirOrderWhenCreditComes() {
        var state = state()
        var writers: [String] = []
        for name in ["first", "second", "third"] {
            guard case .wait(let token) = state.write(message) else { return missed("no credit yet") }
            state.park(message, name, token: token)
        }
        state.open(Limits(maxMessageBytes: 1000, credit: 150))
        while let (_, writer) = state.takeWritable() { writers.append(writer) }
        #expect(writers == ["first", "second"])
        guard case .wait = state.write(message) else { return missed("nobody overtakes") }
        #expect(state.receiveCredit(50) == true)
        let none = state.takeWritable()
        #expect(none == nil)
        #expect(state.receiveCredit(1) == true)
        let third = state.takeWritable()
        #expect(third?.1 == "third")
    }

    @Test func writersWaitWhileTheConnectionIsFull() {
        var state = state()
        state.open(.standard)
        guard case .wait(let token) = state.write(message, hasRoom: false) else { return missed("it is full") }
        state.park(message, "writer", token: token)
        let held = state.takeWritable(hasRoom: false)
        let sent = state.takeWritable()
        #expect(held == nil)
        #expect(sent?.1 == "writer")
    }

    @Test func messageThatFindsNoRoomIsRefusedUnlessItsReaderWaits() {
        var state = state()
        guard case .full = state.receive(message, hasRoom: false) else { return missed("there is no room") }
        #expect(state.unread == 0)
        state.park("reader")
        guard case .deliver = state.receive(message, hasRoom: false) else { return missed("it needs no room") }
    }

    @Test func parkedWriteCanBeGivenUp() {
        var state = state()
        guard case .wait(let token) = state.write(message) else { return missed("no credit yet") }
        state.park(message, "writer", token: token)
        #expect(state.unpark(token) == "writer")
        #expect(state.unpark(token) == nil)
        state.open(.standard)
        let next = state.takeWritable()
        #expect(next == nil)
    }

    @Test func creditThatOverflowsIsRefused() {
        var state = state()
        state.open(.standard)
        #expect(state.receiveCredit(0) == false)
        #expect(state.receiveCredit(Limits.maxCredit) == false)
        #expect(state.receiveCredit(Limits.maxCredit - Limits.standard.credit) == true)
    }
}

@Suite struct ConnectionStateTests {
    private static let timing = ConnectionState.Timing(
        hello: .seconds(1), keepaliveInterval: .seconds(10), keepaliveTimeout: .seconds(5))

    private func opened() -> ConnectionState {
        var state = ConnectionState(timing: Self.timing, now: moment)
        _ = state.receive(.hello(Frame.Hello(limits: .standard, maxStreams: 0)), now: moment)
        return state
    }

    @Test func silentPeerIsAskedAndThenLeft() throws {
        var state = opened()
        let first = state.tick(now: moment, isWaiting: true)
        #expect(first.action == nil)
        #expect(first.next == moment + .seconds(10))
        let second = state.tick(now: first.next, isWaiting: true)
        guard case .ping = second.action else { return missed("a PING is due") }
        #expect(second.next == moment + .seconds(15))
        guard case .close(let error) = state.tick(now: second.next, isWaiting: true).action else {
            return missed("the peer is gone")
        }
        #expect(error.code == .unavailable)
    }

    @Test func peerThatIsHeardIsNotAsked() {
        var state = opened()
        state.heard(now: moment + .seconds(9))
        let tick = state.tick(now: moment + .seconds(10), isWaiting: true)
        #expect(tick.action == nil)
        #expect(tick.next == moment + .seconds(19))
    }

    @Test func answerToAPingKeepsTheConnection() {
        var state = opened()
        _ = state.tick(now: moment + .seconds(10), isWaiting: true)
        state.heard(now: moment + .seconds(11))
        #expect(state.tick(now: moment + .seconds(15), isWaiting: true).action == nil)
    }

    @Test func silenceWithoutCallsMeansNothing() {
        var state = opened()
        let tick = state.tick(now: moment + .seconds(100), isWaiting: false)
        #expect(tick.action == nil)
        #expect(tick.next == moment + .seconds(110))
    }
}

@Suite struct StreamsTests {
    @Test func serverTakesOddRisingStreamsUpToItsLimit() throws {
        var streams = ServerStreams<String>(maxStreams: 1)
        guard case .accept = try streams.open(1) else { return missed("the first is accepted") }
        streams.insert("one", at: 1)
        guard case .tooMany = try streams.open(5) else { return missed("there is no room") }
        #expect(throws: RPCError.self) { try streams.open(3) }
        #expect(throws: RPCError.self) { try streams.open(6) }
        #expect(try streams.call(1) == "one")
        #expect(try streams.call(3) == nil)
        #expect(throws: RPCError.self) { try streams.call(7) }
        #expect(streams.lastAccepted == 5)
    }

    @Test func drainingServerIgnoresNewCallsAndIsDoneAfterTheLast() throws {
        var streams = ServerStreams<String>(maxStreams: 10)
        _ = try streams.open(1)
        streams.insert("one", at: 1)
        #expect(streams.drain() == false)
        guard case .ignore = try streams.open(3) else { return missed("it takes no more") }
        #expect(try streams.call(3) == nil)
        #expect(streams.lastAccepted == 1)
        #expect(streams.remove(1) == true)
    }

    @Test func clientTakesBackTheCallsThatGoAwayLeavesOut() throws {
        var streams = ClientStreams<String>()
        #expect(!streams.canOpen)
        streams.opened(maxStreams: 3)
        for call in ["one", "three", "five"] { streams.open(call) }
        #expect(!streams.canOpen)
        #expect(streams.goAway(lastStream: 1) == ["three", "five"])
        #expect(!streams.isFinished)
        streams.remove(1)
        #expect(streams.isFinished)
        #expect(try streams.call(5) == nil)
        #expect(throws: RPCError.self) { try streams.call(7) }
        #expect(throws: RPCError.self) { try streams.call(2) }
    }
}

@Suite struct ClientStateTests {
    private final class Connection {}
    private let reason = RPCError(.unavailable, "gone")

    @Test func failedAttemptsBackOffAndALastingConnectionForgivesThem() {
        var state = ClientState<Connection>()
        #expect(state.start() == .connect)
        #expect(state.failed(reason) == .connectLater(failures: 1))
        #expect(state.waited() == .connect)
        #expect(state.failed(reason) == .connectLater(failures: 2))
        #expect(state.waited() == .connect)
        let connection = Connection()
        #expect(state.opened(connection, now: moment) == true)
        #expect(state.ended(connection, reason, now: moment + .seconds(2)) == .connect)
        #expect(state.failed(reason) == .connectLater(failures: 1))
    }

    @Test func connectionThatEndsAtOnceCountsAsAFailedAttempt() {
        var state = ClientState<Connection>()
        _ = state.start()
        let connection = Connection()
        #expect(state.opened(connection, now: moment) == true)
        #expect(state.ended(connection, reason, now: moment + .milliseconds(1)) == .connectLater(failures: 1))
    }

    @Test func endOfAnOlderConnectionChangesNothing() {
        var state = ClientState<Connection>()
        _ = state.start()
        let old = Connection()
        _ = state.opened(old, now: moment)
        _ = state.ended(old, reason, now: moment + .seconds(2))
        let new = Connection()
        #expect(state.opened(new, now: moment + .seconds(3)) == true)
        #expect(state.ended(old, reason, now: moment + .seconds(4)) == .nothing)
        #expect(state.ready === new)
    }

    @Test func callsWaitUnlessTheyAreToldNotToOrTheClientHasStopped() {
        var state = ClientState<Connection>()
        guard case .wait = state.place(waitForReady: false) else { return missed("nothing was tried yet") }
        _ = state.start()
        guard case .wait = state.place(waitForReady: false) else { return missed("the attempt may succeed") }
        _ = state.failed(reason)
        guard case .fail = state.place(waitForReady: false) else { return missed("the attempt has failed") }
        guard case .wait = state.place(waitForReady: true) else { return missed("the next may succeed") }
        #expect(state.stop() == nil)
        guard case .fail = state.place(waitForReady: true) else { return missed("there is no next") }
        #expect(state.opened(Connection(), now: moment) == false)
    }

    @Test func backoffGrowsToItsLongestAndIsDrawnFromItsUpperHalf() {
        let backoff = Backoff()
        for failures in 1...20 {
            let whole = min(backoff.shortest * Double(failures == 1 ? 1 : 1.6 * Double(failures - 1)), backoff.longest)
            let delay = backoff.delay(failures: failures)
            #expect(delay >= backoff.shortest / 2)
            #expect(delay <= backoff.longest)
            if failures >= 9 { #expect(delay >= whole / 2) }
        }
    }
}

@Suite struct ValueTests {
    @Test func everyFrameSurvivesItsBytes() throws {
        let metadata: Metadata = ["a": "b", "c": ""]
        let error = RPCError(.aborted, "détail", metadata: metadata, retryAfter: .microseconds(7))
        let frames: [Frame] = [
            .hello(Frame.Hello(limits: .standard, maxStreams: 7)),
            .call(
                Frame.Call(
                    stream: 1, method: "a.B/C", metadata: metadata, timeoutMicroseconds: 5,
                    message: ByteBuffer(string: "x"), isLast: true)),
            .call(Frame.Call(stream: 3, method: "a.B/C")),
            .message(stream: 1, ByteBuffer(), isLast: true, metadata: metadata),
            .end(stream: 1), .status(stream: 1, Frame.Status(message: ByteBuffer())),
            .status(stream: 1, Frame.Status(error: error, metadata: metadata)), .cancel(stream: 1),
            .credit(stream: 1, bytes: 9), .ping(ByteBuffer()), .pong(ByteBuffer(string: "12345678")),
            .goAway(lastStream: 9, RPCError(.unavailable, "later")),
        ]
        for frame in frames {
            var bytes = ByteBuffer(framing: frame)
            #expect(bytes.readInteger(as: UInt32.self) == UInt32(bytes.readableBytes))
            #expect(try Frame(decoding: bytes) == frame)
        }
    }

    @Test func longDetailIsCutBetweenCharacters() throws {
        let error = RPCError(.internalError, "x" + String(repeating: "é", count: Limits.maxDetailBytes))
        var bytes = ByteBuffer(framing: .goAway(lastStream: 1, error))
        bytes.moveReaderIndex(forwardBy: 4)
        let cut = RPCError(.internalError, "x" + String(repeating: "é", count: Limits.maxDetailBytes / 2 - 1))
        #expect(try Frame(decoding: bytes) == .goAway(lastStream: 1, cut))
    }

    @Test(arguments: ["unix:/run/a.sock", "tcp://127.0.0.1:80", "tcp://[::1]:0", "tcp://host.example:65535"])
    func addressSurvivesItsText(text: String) throws {
        #expect(try RPCAddress(text).description == text)
    }

    @Test(arguments: [
        "", "unix:", "/run/a.sock", "tcp://", "tcp://host", "tcp://:80", "tcp://host:65536", "tcp://host:-1",
        "tcp://::1:80",
        "http://host:80", "unix:/\(String(repeating: "x", count: 107))",
    ])
    func malformedAddressIsRefused(text: String) {
        #expect(throws: RPCError.self) { try RPCAddress(text) }
    }

    @Test func metadataNamesIgnoreCaseAndKeepTheirOrder() {
        var metadata: Metadata = ["First": "1"]
        metadata.add("second", "2".utf8)
        metadata.add("FIRST", "3".utf8)
        #expect(metadata["first"] == "1")
        #expect(metadata.entries.map(\.name) == ["first", "second", "first"])
        metadata["First"] = "4"
        #expect(metadata.entries.map(\.name) == ["second", "first"])
        metadata[binary: "raw-bin"] = [0xff]
        #expect(metadata["raw-bin"] == nil)
        #expect(metadata[binary: "raw-bin"] == [0xff])
    }

    @Test func earlierDeadlineCounts() {
        let own = Deadline.earliest(timeout: .seconds(5), now: moment)
        #expect(own == moment + .seconds(5))
        #expect(Deadline.earliest(timeout: nil, now: moment) == nil)
        Deadline.$current.withValue(moment + .seconds(3)) {
            #expect(Deadline.earliest(timeout: .seconds(5), now: moment) == moment + .seconds(3))
            #expect(Deadline.earliest(timeout: .seconds(1), now: moment) == moment + .seconds(1))
            #expect(Deadline.earliest(timeout: nil, now: moment) == moment + .seconds(3))
        }
        #expect(Deadline.earliest(timeout: .seconds(Int64.max), now: moment) == moment + TimeAmount(Deadline.longest))
    }
}
