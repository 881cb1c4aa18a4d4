// What the pure rules promise: the life of a job, the order of jobs, ids, freshness.

import AnalysisAPI
import Jobs
import Testing

@Suite struct TransitionTests {
    @Test func whatHasEndedStaysAsItIsUnlessItFailedAndIsReplayed() {
        #expect(JobState.failed.after(.replayed) == .pending)
        for state in JobState.known where state.hasEnded {
            for event in JobEvent.allCases where (state, event) != (.failed, .replayed) {
                #expect(state.after(event) == nil, "\(state) \(event)")
            }
        }
    }

    @Test func everythingThatLivesInTheQueueCanBeCancelled() {
        for state in [JobState.scheduled, .pending, .inProgress, .interrupted, .paused] {
            #expect(state.after(.cancelled) == .cancelled)
        }
    }

    @Test func aDisplacedAndALostJobWaitAgain() {
        #expect(JobState.inProgress.after(.interrupted)?.isWaiting == true)
        #expect(JobState.inProgress.after(.workerLost)?.isWaiting == true)
        #expect(JobState.paused.after(.resumed)?.isWaiting == true)
    }

    @Test func aPausedJobIsNotStarted() {
        #expect(JobState.paused.after(.started) == nil)
        #expect(!JobState.paused.isWaiting)
    }

    @Test func namesOfStatesAndTypesReadBack() {
        for state in JobState.known { #expect(JobState(name: state.name) == state) }
        for type in JobType.known { #expect(JobType(name: type.name) == type) }
        #expect(JobState(name: "unspecified") == nil)
    }
}

@Suite struct JobOrderTests {
    @Test func classComesBeforeAge() {
        let ancientBackground = JobOrder.score(rank: 2, sequence: 1)
        let latestClick = JobOrder.score(rank: 0, sequence: (1 << 50) - 1)
        #expect(latestClick < ancientBackground)
    }

    @Test func withinAClassFirstComeIsFirstServedToTheLastNumber() {
        for rank in 0...2 {
            let last = JobOrder.score(rank: rank, sequence: (1 << 50) - 1)
            #expect(JobOrder.score(rank: rank, sequence: (1 << 50) - 2) < last)
            #expect(last < JobOrder.score(rank: rank + 1, sequence: 0))
        }
    }

    @Test func songsPlaylistsAndBackgroundWorkAreThreeClasses() {
        #expect(JobType.known.map(\.priority) == [.high, .medium, .low])
        #expect(Priority.known.compactMap(\.rank) == [0, 1, 2])
    }
}

@Suite struct JobIDTests {
    @Test func idsNameTheirLane() {
        #expect(JobID("3-17") == JobID(lane: "3", sequence: 17))
        #expect(JobID(lane: "3", sequence: 17).description == "3-17")
    }

    @Test(arguments: [
        "", "17", "0-", "-1", "0-1-2", "a-1", "0-01", "00-1", "0-+1", "0- 1", "}-1", "0-99999999999999999999",
    ])
    func whatIsNoIDIsRefused(text: String) {
        #expect(JobID(text) == nil)
    }
}

@Suite struct AnalyzersTests {
    @Test func aResultOfAnotherVersionIsStale() {
        let analyzers = Analyzers("audio@2,lyrics@1")
        #expect(analyzers?.stale(mark: "audio@1 lyrics@1").map(\.word) == ["audio@2"])
        #expect(analyzers?.stale(mark: "").map(\.word) == ["audio@2", "lyrics@1"])
        #expect(analyzers?.isFresh(mark: "lyrics@1 other@9 audio@2") == true)
    }

    @Test func aVersionThatBeginsAlikeIsNotTheSame() {
        #expect(Analyzers.builtIn.isFresh(mark: "audio@10") == false)
        #expect(Analyzers.builtIn.isFresh(mark: "my-audio@1") == false)
    }

    @Test(arguments: ["", " ", "audio", "audio@", "@1", "audio@1@2", "audio@1,audio@2", "au dio@1", "audio@1'"])
    func badListsAreRefused(text: String) {
        #expect(Analyzers(text) == nil)
    }
}
