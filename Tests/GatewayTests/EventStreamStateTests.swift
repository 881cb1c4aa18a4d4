// What an event stream says beside progress.

import AnalysisAPI
import Testing

@testable import Gateway

@Suite struct EventStreamStateTests {
    private static func job(_ state: JobState, started: Bool = true) -> Job {
        Job(id: "0-1", state: state, startedAtMs: started ? 1_000 : 0)
    }

    private static func view(_ job: Job, of context: ProgressContext = .job("0-1")) -> ProgressView {
        ProgressView(context: context, job: job)
    }

    @Test func aJobsStartAndEndAreToldOnce() {
        var state = EventStreamState()
        let waiting = Self.view(Self.job(.pending, started: false))
        var events = state.events(of: waiting)
        #expect(events == [.progress(waiting)])
        let running = Self.view(Self.job(.inProgress))
        events = state.events(of: running)
        #expect(events == [.jobStarted(Self.job(.inProgress)), .progress(running)])
        // Displaced, it goes on; it does not start again.
        let interrupted = Self.view(Self.job(.interrupted))
        events = state.events(of: interrupted) + state.events(of: running)
        #expect(events == [.progress(interrupted), .progress(running)])
        let ended = Self.view(Self.job(.completed))
        events = state.events(of: ended)
        #expect(events == [.progress(ended), .jobEnded(Self.job(.completed))])
        events = state.events(of: ended)
        #expect(events == [.progress(ended)])
    }

    @Test func aJobThatWasOverBeforeItWasSeenHasBegunAndEnded() {
        var state = EventStreamState()
        let job = Self.job(.completed)
        let ended = Self.view(job)
        let events = state.events(of: ended)
        #expect(events == [.jobStarted(job), .progress(ended), .jobEnded(job)])
    }

    @Test func aJobThatIsCancelledWhileItWaitsHasNotBegun() {
        var state = EventStreamState()
        let job = Self.job(.cancelled, started: false)
        let events = state.events(of: Self.view(job))
        #expect(events == [.progress(Self.view(job)), .jobEnded(job)])
    }

    @Test func aJobThatIsReplayedStartsAgain() {
        var state = EventStreamState()
        let running = Self.view(Self.job(.inProgress))
        _ = state.events(of: running)
        _ = state.events(of: Self.view(Self.job(.failed)))
        let again = state.events(of: running)
        #expect(again.first == .jobStarted(Self.job(.inProgress)))
    }

    @Test func aPlaylistsViewIsNotItsJobs() {
        var state = EventStreamState()
        let view = Self.view(Self.job(.inProgress), of: .playlist("p1"))
        let events = state.events(of: view)
        #expect(events == [.progress(view)])
    }
}
