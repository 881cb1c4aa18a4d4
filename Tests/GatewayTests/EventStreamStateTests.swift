// What an event stream says beside progress.

import AnalysisAPI
import Testing

@testable import Gateway

@Suite struct EventStreamStateTests {
    private static func job(_ state: JobState, started: Bool = true) -> Job {
        Job(id: "0-1", state: state, startedAtMs: started ? 1_000 : 0)
    }

    /// Of a stream that is opened after all of this began.
    private static let late = EventStreamState(openedAtMs: 5_000, isResumed: false)

    private static func told(_ kind: NotificationKind, _ job: Job, goesOn: Bool = false) -> EventStreamState.Event {
        .notification(Notification(kind: kind, job: job, atMs: job.endedAtMs, goesOn: goesOn))
    }

    private static func view(_ job: Job, of context: ProgressContext = .job("0-1")) -> ProgressView {
        ProgressView(context: context, job: job)
    }

    @Test func aJobsStartAndEndAreToldOnce() {
        var state = Self.late
        let waiting = Self.view(Self.job(.pending, started: false))
        var events = state.events(of: waiting)
        #expect(events == [.progress(waiting)])
        let running = Self.view(Self.job(.inProgress))
        events = state.events(of: running)
        let begun = Self.told(.started, Self.job(.inProgress))
        #expect(events == [.jobStarted(Self.job(.inProgress)), .progress(running), begun])
        // Displaced, it goes on; it does not start again.
        let interrupted = Self.view(Self.job(.interrupted))
        events = state.events(of: interrupted) + state.events(of: running)
        #expect(
            events == [
                .progress(interrupted), Self.told(.displaced, Self.job(.interrupted)), .progress(running),
                Self.told(.started, Self.job(.inProgress), goesOn: true),
            ])
        let ended = Self.view(Self.job(.completed))
        events = state.events(of: ended)
        #expect(
            events == [
                .progress(ended), .jobEnded(Self.job(.completed)), Self.told(.completed, Self.job(.completed)),
            ])
        events = state.events(of: ended)
        #expect(events == [.progress(ended)])
    }

    @Test func aJobThatWasOverBeforeItWasSeenHasBegunAndEnded() {
        var state = Self.late
        let job = Self.job(.completed)
        let ended = Self.view(job)
        let events = state.events(of: ended)
        #expect(events == [.jobStarted(job), .progress(ended), .jobEnded(job)])
    }

    @Test func aJobThatIsCancelledWhileItWaitsHasNotBegun() {
        var state = Self.late
        let job = Self.job(.cancelled, started: false)
        let events = state.events(of: Self.view(job))
        #expect(events == [.progress(Self.view(job)), .jobEnded(job)])
    }

    @Test func aJobThatIsReplayedStartsAgain() {
        var state = Self.late
        let running = Self.view(Self.job(.inProgress))
        _ = state.events(of: running)
        _ = state.events(of: Self.view(Self.job(.failed)))
        let again = state.events(of: running)
        #expect(again.first == .jobStarted(Self.job(.inProgress)))
    }

    @Test func whatBeganOrEndedBeforeTheStreamIsNoNews() {
        var state = Self.late
        var events = state.events(of: Self.view(Self.job(.inProgress)))
        #expect(!events.contains(Self.told(.started, Self.job(.inProgress))))
        var ended = Self.job(.failed)
        (ended.id, ended.endedAtMs) = ("0-2", 4_999)
        let view = Self.view(ended, of: .job("0-2"))
        events = state.events(of: view)
        #expect(!events.contains(Self.told(.failed, ended)))
        // Who comes back was told of what began, and not of what ended meanwhile.
        var resumed = EventStreamState(openedAtMs: 5_000, isResumed: true)
        events = resumed.events(of: view)
        #expect(events.last == Self.told(.failed, ended))
        ended.endedAtMs = 5_000
        var next = Self.late
        events = next.events(of: Self.view(ended, of: .job("0-2")))
        #expect(events.last == Self.told(.failed, ended))
    }

    @Test func backgroundWorkIsToldOfWhenItBeginsAndWhenItsLastBatchEnds() {
        func batch(_ number: UInt32, _ state: JobState, left: UInt32) -> Job {
            Job(
                id: "0-\(number)", type: .background, state: state, startedAtMs: 6_000,
                endedAtMs: state == .completed ? 7_000 : 0, batch: number, left: left)
        }
        var state = Self.late
        var told: [NotificationKind] = []
        for job in [
            batch(1, .inProgress, left: 2), batch(1, .completed, left: 2), batch(2, .inProgress, left: 0),
            batch(2, .interrupted, left: 0), batch(2, .inProgress, left: 0), batch(2, .completed, left: 0),
        ] {
            for case .notification(let notification) in state.events(of: Self.view(job, of: .job(job.id))) {
                told.append(notification.kind)
            }
        }
        #expect(told == [.started, .displaced, .started, .completed])
    }

    @Test func aPlaylistsViewIsNotItsJobs() {
        var state = Self.late
        let view = Self.view(Self.job(.inProgress), of: .playlist("p1"))
        let events = state.events(of: view)
        #expect(events == [.progress(view)])
    }
}
