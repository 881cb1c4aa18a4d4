import Testing

@testable import Redis

/// Who waits for which connection, without sockets. Callers are letters.
@Suite struct RedisNodeStateTests {
    private final class Connection {}
    private typealias State = RedisNode.State<Connection, Character>

    private func acquire(_ state: inout State, id: UInt64, _ caller: Character = "a") -> String {
        switch state.acquire(id: id, caller) {
        case .use: "use"
        case .wait: "wait"
        case .refuse(.unavailable(let reason)): reason
        case .refuse(let error): "\(error)"
        case .askOthers: "ask others"
        }
    }

    @Test func callsWaitForTheConnectionAndGetItTogether() {
        var state = State(maximumWaiters: 10)
        #expect(acquire(&state, id: 1, "a") == "wait")
        #expect(acquire(&state, id: 2, "b") == "wait")
        #expect(state.connected(Connection())?.sorted() == ["a", "b"])
        #expect(acquire(&state, id: 3) == "use")
    }

    @Test func theWaitingRoomIsBoundedAndTellsWhyItIsFull() {
        var state = State(maximumWaiters: 1)
        state.connectFailed(reason: "refused")
        #expect(acquire(&state, id: 1) == "wait")
        #expect(acquire(&state, id: 2) == "refused; 1 calls already wait")
    }

    @Test func whoLeavesTheWaitingRoomIsNotServedLater() {
        var state = State(maximumWaiters: 10)
        _ = acquire(&state, id: 1)
        state.connectFailed(reason: "refused")
        #expect(state.abandon(id: 1)?.reason == "refused")
        #expect(state.abandon(id: 1) == nil)
        #expect(state.connected(Connection()) == [])
    }

    @Test func lateNewsOfAnEarlierConnectionDoesNotEndThePresentOne() {
        var state = State(maximumWaiters: 10)
        let (earlier, present) = (Connection(), Connection())
        _ = state.connected(earlier)
        state.disconnected(earlier, reason: "reset")
        _ = state.connected(present)
        state.disconnected(earlier, reason: "reset")
        #expect(state.connection === present)
    }

    @Test func aRetiredNodeSendsItsCallersElsewhere() {
        var state = State(maximumWaiters: 10)
        _ = acquire(&state, id: 1)
        #expect(state.end(.retired).waiters == ["a"])
        #expect(state.hasRetired)
        #expect(acquire(&state, id: 2) == "ask others")
        #expect(state.connected(Connection()) == nil)
    }

    @Test func aStoppedClientRefusesAllAndStaysStopped() {
        var state = State(maximumWaiters: 10)
        _ = acquire(&state, id: 1)
        #expect(state.end(.stopped).waiters == ["a"])
        #expect(state.connected(Connection()) == nil)
        state.connectFailed(reason: "refused")
        #expect(acquire(&state, id: 2) == "the client was stopped")
    }
}
