// The table of transitions, driven through Swift and through the scripts inside a real Redis: both must agree, and the whole
// state of the lane must follow.

import AnalysisAPI
import Jobs
import Redis
import TestSupport
import Testing

@testable import QueueService

@Suite struct TransitionTableTests {
    /// What a lane looks like from outside.
    struct LaneState: Equatable, CustomStringConvertible {
        var counts: [String: Int64]
        var ready: [String]
        var live: [String]
        var ended: [String]
        var dead: [String]
        var due: [String]
        var userJobs: [String]
        var userEnded: [String]
        var wishes: [String]
        var state: String

        var description: String {
            "\(state) counts \(counts) ready \(ready) live \(live) ended \(ended) dead \(dead) due \(due) wishes \(wishes)"
        }

        /// What follows from a job's state.
        init(of job: String, in state: JobState) {
            counts = [state.name: 1]
            if state.isWaiting { counts["waiting_medium"] = 1 }
            if state.isWaiting || state == .inProgress { counts["audio_ms_waiting"] = 3000 }
            ready = state.isWaiting ? [job] : []
            live = state.hasEnded ? [] : [job]
            ended = state.hasEnded ? [job] : []
            dead = state == .failed ? [job] : []
            due = state == .scheduled ? [job] : []
            (userJobs, userEnded) = (live, ended)
            wishes = live
            self.state = state.name
        }

        init(of job: String, read store: Store) async throws {
            let keys = store.keys
            let replies = try await store.pipeline([
                ["HGETALL", RedisArgument(keys.lane("0", .counts))],
                ["ZRANGE", RedisArgument(keys.lane("0", .ready)), 0, -1],
                ["ZRANGE", RedisArgument(keys.lane("0", .live)), 0, -1],
                ["ZRANGE", RedisArgument(keys.lane("0", .ended)), 0, -1],
                ["ZRANGE", RedisArgument(keys.lane("0", .dead)), 0, -1],
                ["ZRANGE", RedisArgument(keys.lane("0", .userJobs, "u")), 0, -1],
                ["ZRANGE", RedisArgument(keys.lane("0", .userEnded, "u")), 0, -1],
                ["HVALS", RedisArgument(keys.lane("0", .userWishes, "u"))],
                ["ZRANGE", RedisArgument(keys.lane("0", .due)), 0, -1],
                ["HGET", RedisArgument(keys.lane("0", .job, job)), "state"],
            ])
            counts = (replies[0].map ?? [:]).compactMapValues(\.int).filter { $0.value != 0 }
            let lists = replies[1...8].map { $0.elements?.compactMap(\.text) ?? [] }
            (ready, live, ended, dead) = (lists[0], lists[1], lists[2], lists[3])
            (userJobs, userEnded, wishes) = (lists[4], lists[5], lists[6])
            due = lists[7]
            state = replies[9].text ?? ""
        }
    }

    static let cases = JobState.known.flatMap { state in JobEvent.allCases.map { (state, $0) } }

    @Test(arguments: RedisKind.allCases) func everyEventInEveryStateLeadsSwiftAndRedisToTheSame(on redis: RedisKind)
        async throws
    {
        try await withStore(on: redis) { store in
            let preamble = Scripts.preamble(analyzers: .builtIn, limits: QueueLimits())
            let seed = RedisScript(
                name: "seed",
                source: Scripts.assemble(
                    """
                    #!lua
                    local job = create('playlist', 0, 'u', 'p', {'1000 a', '2000 b'}, 1)
                    job.state = ARGV[1]
                    commit(job, 'enqueued')
                    return job.id
                    """, after: preamble))
            let drive = RedisScript(
                name: "drive",
                source: Scripts.assemble(
                    """
                    #!lua
                    local job = load(ARGV[1])
                    if after(job, ARGV[2]) then transition(job, ARGV[2]) end
                    """, after: preamble))
            for (index, (state, event)) in Self.cases.enumerated() {
                let store = Store(
                    redis: store.redis, keys: Keys(prefix: "\(store.keys.prefix)\(index):"), scripts: store.scripts)
                let root = store.keys.root(lane: "0")
                let job =
                    try await store.redis.run(seed, keys: [root], arguments: [RedisArgument(state.name)]).text ?? ""
                #expect(try await LaneState(of: job, read: store) == LaneState(of: job, in: state), "seeded")
                try await store.redis.run(
                    drive, keys: [root], arguments: [RedisArgument(job), RedisArgument(event.rawValue)])
                let expected = LaneState(of: job, in: state.after(event) ?? state)
                #expect(try await LaneState(of: job, read: store) == expected, "\(state.name) \(event)")

                let log = try await store.send("XRANGE", store.keys.lane("0", .log), "-", "+").elements ?? []
                let last = try Event(lane: "0", entry: try #require(log.last))
                #expect(last.kind == (state.after(event) == nil ? .enqueued : event.kind))
                #expect(last.job?.state == state.after(event) ?? state)
            }
        }
    }
}
