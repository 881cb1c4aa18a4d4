import NIOCore
import Testing

@testable import Redis

/// Who gets which reply, without sockets. Callers are letters.
@Suite struct RedisConnectionStateTests {
    private typealias State = RedisConnection.State<Character>

    private func seconds(_ count: Int64) -> NIODeadline {
        .uptimeNanoseconds(0) + .seconds(count)
    }

    private func open(_ callers: String) -> State {
        var state = State()
        for caller in callers { _ = state.sent(deadlines: Deadlines(reply: seconds(5)), reply: caller) }
        return state
    }

    private func deliver(_ state: inout State) -> String {
        switch state.receive() {
        case .deliver(let caller): String(caller)
        case .drop: "dropped"
        case .violation: "violation"
        }
    }

    @Test func repliesGoToTheCallersInTheirOrder() {
        var state = open("abc")
        #expect((1...3).map { _ in deliver(&state) } == ["a", "b", "c"])
        #expect(state.isIdle)
    }

    @Test func aReplyThatNobodyAskedForIsAViolation() {
        var state = open("a")
        #expect((1...2).map { _ in deliver(&state) } == ["a", "violation"])
    }

    @Test func whoTakesTheirPlacesGetsTheRepliesInTheSameOrder() {
        var state = open("abc")
        state.replaceReplies { $0 == "b" ? "d" : $0 }
        #expect((1...3).map { _ in deliver(&state) } == ["a", "d", "c"])
    }

    @Test func onlyAnEarlierDeadlineIsArmed() {
        var state = State()
        #expect(state.sent(deadlines: Deadlines(reply: seconds(5)), reply: "a") == seconds(5))
        #expect(state.sent(deadlines: Deadlines(reply: seconds(6)), reply: "b") == nil)
        #expect(state.sent(deadlines: Deadlines(reply: seconds(4)), reply: "c") == seconds(4))
    }

    @Test func aDeadlineWhoseReplyCameArmsTheNext() {
        var state = open("a")
        _ = state.sent(deadlines: Deadlines(reply: seconds(9)), reply: "b")
        _ = state.receive()
        guard case .leave([], next: seconds(9)) = state.deadlineReached(seconds(5)) else {
            Issue.record("b still waits")
            return
        }
        _ = state.receive()
        guard case .leave([], next: nil) = state.deadlineReached(seconds(9)) else {
            Issue.record("nobody waits")
            return
        }
        #expect(state.sent(deadlines: Deadlines(reply: seconds(20)), reply: "c") == seconds(20))
    }

    @Test func aMissedDeadlineEndsTheConnectionAndTellsTheLateFromTheOthers() {
        var state = open("ab")
        _ = state.sent(deadlines: Deadlines(reply: seconds(9)), reply: "c")
        guard case .close(let late, let others) = state.deadlineReached(seconds(5)) else {
            Issue.record("a and b are late")
            return
        }
        #expect(late == ["a", "b"])
        #expect(others == ["c"])
        #expect(deliver(&state) == "violation")
    }

    @Test func aCallerWhoseTimeHasComeLeavesAloneAndItsReplyIsDropped() {
        var state = open("a")
        #expect(
            state.sent(deadlines: Deadlines(reply: seconds(9), caller: seconds(2)), reply: "b") == seconds(2))
        guard case .leave(["b"], next: seconds(5)) = state.deadlineReached(seconds(2)) else {
            Issue.record("only b leaves")
            return
        }
        #expect((1...2).map { _ in deliver(&state) } == ["a", "dropped"])
    }

    @Test func aReplyThatIsOwedForTooLongEndsTheConnectionThoughItsCallerLeft() {
        var state = State()
        _ = state.sent(deadlines: Deadlines(reply: seconds(9), caller: seconds(2)), reply: "a")
        guard case .leave(["a"], next: seconds(9)) = state.deadlineReached(seconds(2)) else {
            Issue.record("a leaves")
            return
        }
        guard case .close([], []) = state.deadlineReached(seconds(9)) else {
            Issue.record("the server owes a reply")
            return
        }
    }

    @Test func drainingEndsWithTheLastReply() {
        var state = open("a")
        state.drain()
        #expect(!state.isDrained)
        #expect(deliver(&state) == "a")
        #expect(state.isDrained)
    }

    @Test func closingReturnsEverybodyWhoWaitsOnce() {
        var state = open("abc")
        _ = state.receive()
        #expect(state.close() == ["b", "c"])
        #expect(state.close() == [])
        state.drain()
        #expect(!state.isDrained)
    }
}
