// A whole worker with real children, driven over a real socket.

import AnalysisAPI
import Foundation
import Glibc
import RPC
import Testing

@testable import AnalysisWorker

@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
    private let worker: WorkerUnderTest
    private var folder: TemporaryFolder { worker.folder }
    private var name: String { worker.name }

    init() throws {
        worker = try WorkerUnderTest()
    }

    @Test func aClickFreezesWhatRunsAndTheFrozenProcessGoesOnAfterwards() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            await driver.connect()
            let first = try #require(await driver.nextExchange())
            #expect(first.request.item == nil)
            #expect(first.request.lease == [1])
            let pipe = folder.pipe("low")
            let low = Song.scripted(id: "l", ("progress", "0.5"), ("wait", pipe), ("answer", #"{"pid": $PID}"#))
            first.reply(.scripted("low", low, by: name))
            let pid = try #require(pid_t(await driver.nextReport(of: "low")?.stage ?? ""))

            // One that runs and two spares of each analyzer.
            while ProcessState.pids(of: name).count < 5 { try await Task.sleep(for: .milliseconds(2)) }

            driver.send(.preempt(Preempt(lane: "0", epoch: 1, jobID: "low")))
            let interrupt = try #require(await driver.nextExchange())
            #expect(interrupt.request.item?.outcome == .suspended(Suspended()))
            try await ProcessState.wait(pid) { $0 == "T" }
            let spares = ProcessState.pids(of: name).filter { $0 != pid }

            let high = Song.scripted(id: "h", ("progress", "0.1"), ("answer", "{}"))
            interrupt.reply(.scripted("high", high, by: name, priority: .high))
            // The click did not pay for a start.
            #expect(spares.contains(try #require(pid_t(await driver.nextReport(of: "high")?.stage ?? ""))))

            let done = try #require(await driver.nextExchange())
            #expect(done.request.item?.jobID == "high")
            done.reply(.scripted("low", epoch: 2, low, by: name))
            folder.open(pipe)
            let end = try #require(await driver.nextExchange())
            #expect(end.request.item?.epoch == 2)
            guard case .analysed(let analysed) = end.request.item?.outcome else { return #expect(Bool(false)) }
            #expect(analysed.results.map { String(decoding: $0.json, as: UTF8.self) } == [#"{"pid": \#(pid)}"#])
            #expect(analysed.results.first?.analyzer == AnalyzerVersion(name: name, version: "1"))
        }
    }

    @Test func theTraceOfAJobGoesAlongToItsAnalyzerAndBack() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            await driver.connect()
            let first = try #require(await driver.nextExchange())
            #expect(first.traceparent == nil)
            let song = Song.scripted(id: "s", ("answer", #"{"trace": "$TRACE"}"#))
            var assignment = Assignment.scripted("job", song, by: name)
            assignment.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            first.reply(assignment)
            let done = try #require(await driver.nextExchange())
            guard case .analysed(let analysed) = done.request.item?.outcome else { return #expect(Bool(false)) }
            let heard = analysed.results.map { String(decoding: $0.json, as: UTF8.self) }.joined()
            // Each hop has a span of its own.
            #expect(heard.contains("00-4bf92f3577b34da6a3ce929d0e0e4736-") && !heard.contains("00f067aa0ba902b7"))
            #expect(done.traceparent?.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-") == true)
            // A job without a trace gets none of the one before.
            done.reply(.scripted("other", song, by: name))
            let other = try #require(await driver.nextExchange())
            guard case .analysed(let analysed) = other.request.item?.outcome else { return #expect(Bool(false)) }
            #expect(analysed.results.map { String(decoding: $0.json, as: UTF8.self) } == [#"{"trace": ""}"#])
            #expect(other.traceparent == nil)
        }
    }

    @Test func aFileWhoseResultIsKnownIsSkippedAndItsAnalyzerTakesTheNext() async throws {
        let driver = Driver()
        let known = AnalysisResult(
            analyzer: AnalyzerVersion(name: name, version: "1"), json: Array(#"{"known": true}"#.utf8), createdAtMs: 7)
        driver.know(known, ofFile: "same")
        try await worker.run(driver) { _ in
            await driver.connect()
            let song = Song.scripted(("progress", "0.1"), ("identify", "same"), ("abort", ""))
            await driver.nextExchange()?.reply(.scripted("a", song, by: name))
            let credited = try #require(await driver.nextExchange())
            #expect(credited.request.item?.credited == [name])
            #expect(credited.request.item?.outcome == .analysed(Analysed(results: [known])))

            let other = Song.scripted(("identify", "other"), ("answer", "{}"))
            credited.reply(.scripted("b", other, by: name))
            let analysed = try #require(await driver.nextExchange())
            #expect(analysed.request.item?.credited == [])
            #expect(analysed.request.item?.jobID == "b")
        }
    }

    @Test func anAnalysisNeedsNoProgressService() async throws {
        let driver = Driver()
        try await worker.run(driver, progressSocket: folder.path + "/nobody") { _ in
            await driver.connect()
            let song = Song.scripted(("count", "10000"), ("answer", "{}"))
            await driver.nextExchange()?.reply(.scripted("a", song, by: name))
            guard case .analysed = await driver.nextExchange()?.request.item?.outcome
            else { return #expect(Bool(false)) }
        }
    }

    @Test func anExchangeIsRepeatedUntilItIsAnswered() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            await driver.connect()
            await driver.nextExchange()?.reply(.scripted("a", .scripted(("answer", "{}")), by: name))
            let first = try #require(await driver.nextExchange())
            first.fail(.unavailable)
            let second = try #require(await driver.nextExchange())
            #expect(second.request == first.request)
            second.reply(nil)
        }
    }

    @Test func whatRunsGoesOnWhenTheQueueComesBack() async throws {
        let first = Driver()
        let second = Driver()
        try await worker.run(first, second) { _ in
            await first.connect()
            let pipe = folder.pipe("go")
            let song = Song.scripted(("progress", "0.5"), ("wait", pipe), ("answer", #"{"pid": $PID}"#))
            await first.nextExchange()?.reply(.scripted("a", song, by: name))
            let pid = try #require(await first.nextReport(of: "a")?.stage)
            first.stop()
            let held = HeldItem(lane: "0", jobID: "a", epoch: 1, claim: Array("a/1".utf8), running: true)
            let message = await second.connect(lease: [2], kept: [held])
            #expect(message?.held == [held])
            folder.open(pipe)
            let exchange = try #require(await second.nextExchange())
            #expect(exchange.request.lease == [2])
            guard case .analysed(let analysed) = exchange.request.item?.outcome else { return #expect(Bool(false)) }
            #expect(analysed.results.map { String(decoding: $0.json, as: UTF8.self) } == [#"{"pid": \#(pid)}"#])
        }
    }

    @Test func withoutRenewalTheChildIsFrozenAndGoesOnWithIt() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            driver.renew(false)
            await driver.connect(leaseMs: 3000)
            let song = Song.scripted(("progress", "0.5"), ("hang", ""))
            await driver.nextExchange()?.reply(.scripted("a", song, by: name))
            let pid = try #require(pid_t(await driver.nextReport(of: "a")?.stage ?? ""))
            try await ProcessState.wait(pid) { $0 == "T" }
            driver.renew(true)
            try await ProcessState.wait(pid) { $0 != "T" }
            #expect(ProcessState.of(pid) != nil)
        }
    }

    @Test func aFrozenChildThatTakesTooMuchMemoryIsGivenUpAndItsSongStartsAgain() async throws {
        let driver = Driver()
        try await worker.run(driver, suspension: .init(maximumBytes: 64 << 20)) { _ in
            await driver.connect()
            let song = Song.scripted(("allocate", "\(96 << 20)"), ("progress", "0.5"), ("hang", ""))
            await driver.nextExchange()?.reply(.scripted("low", song, by: name))
            let pid = try #require(pid_t(await driver.nextReport(of: "low")?.stage ?? ""))
            driver.send(.preempt(Preempt(lane: "0", epoch: 1, jobID: "low")))
            let small = Song.scripted(id: "h", ("progress", "0.5"), ("answer", "{}"))
            await driver.nextExchange()?.reply(.scripted("high", small, by: name, priority: .high))
            try await ProcessState.wait(pid) { $0 == nil }
            await driver.nextExchange()?.reply(.scripted("low", epoch: 2, song, by: name))
            #expect(try #require(await driver.nextReport(of: "low")?.stage) != "\(pid)")
        }
    }

    @Test func anAnalyzerThatCannotBeFrozenIsNot() async throws {
        let driver = Driver()
        try await worker.run(driver, suspension: .init(finishSong: [name])) { _ in
            await driver.connect()
            let pipe = folder.pipe("go")
            let song = Song.scripted(("progress", "0.5"), ("wait", pipe), ("progress", "0.7"), ("answer", "{}"))
            await driver.nextExchange()?.reply(.scripted("low", song, by: name))
            let pid = try #require(pid_t(await driver.nextReport(of: "low")?.stage ?? ""))
            driver.send(.preempt(Preempt(lane: "0", epoch: 1, jobID: "low")))
            folder.open(pipe)
            #expect(await driver.nextReport(of: "low")?.fraction == 0.7)
            #expect(ProcessState.of(pid) != "T")
            guard case .analysed = await driver.nextExchange()?.request.item?.outcome
            else { return #expect(Bool(false)) }
        }
    }

    @Test func theHeartbeatTellsWhatEveryChildIsAt() async throws {
        let driver = Driver()
        try await worker.run(driver, child: .init(silence: .seconds(20))) { _ in
            let pids = try await runAndFreeze(driver)
            let frozen = try #require(await driver.nextProcess { $0.songID == "l" && $0.frozen })
            #expect(frozen.pid == UInt32(pids[0]))
            #expect(frozen.activity == .analyzing)
            #expect(frozen.fraction == 0.5)
            #expect(frozen.memoryBytes > 0)
            // It hangs; the frozen one does not.
            let stuck = try #require(await driver.nextProcess { $0.stuckSinceMs > 0 })
            #expect(stuck.pid == UInt32(pids[1]))
            #expect(stuck.stuckSinceMs <= Int64(Date.now.timeIntervalSince1970 * 1000) - 2000)
            #expect(await driver.nextProcess { $0.activity == .idle } != nil)
            kill(pids[1], SIGKILL)
            for await message in driver.messages {
                guard let error = message.diagnostics?.lastErrors.last else { continue }
                #expect(error.songID == "h")
                #expect(error.reason.contains("was killed by the system"))
                break
            }
        }
    }

    @Test func aRevokedLaneHasNoChildrenLeft() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            let pids = try await runAndFreeze(driver)
            driver.send(.laneRevoked(LaneRevoked(lane: "0")))
            for pid in pids { try await ProcessState.wait(pid) { $0 == nil } }
        }
    }

    @Test func aDiscardedJobIsGivenUpWhenItsChildIsDead() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            let pids = try await runAndFreeze(driver)
            driver.send(.discard(Discard(lane: "0", jobID: "high", epoch: 1)))
            let exchange = try #require(await driver.nextExchange())
            #expect(exchange.request.item?.jobID == "high")
            #expect(exchange.request.item?.outcome == .released(Released()))
            #expect(ProcessState.of(pids[1]) == nil)
            #expect(ProcessState.of(pids[0]) == "T")
            exchange.reply(nil)
            driver.send(.discard(Discard(lane: "0", jobID: "low", epoch: 1)))
            try await ProcessState.wait(pids[0]) { $0 == nil }
        }
    }

    @Test func aCancelledClickLeavesTheChildToTheJobThatItTookItFrom() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            await driver.connect()
            let pipe = folder.pipe("go")
            let song = Song.scripted(("progress", "0.5"), ("wait", pipe), ("answer", #"{"pid": $PID}"#))
            await driver.nextExchange()?.reply(.scripted("list", song, by: name))
            let pid = try #require(pid_t(await driver.nextReport(of: "list")?.stage ?? ""))
            driver.send(.preempt(Preempt(lane: "0", epoch: 1, jobID: "list")))
            await driver.nextExchange()?.reply(.scripted("click", song, by: name, priority: .high))
            _ = try #require(await driver.nextReport(of: "click"))
            driver.send(.discard(Discard(lane: "0", jobID: "click", epoch: 1)))
            let released = try #require(await driver.nextExchange())
            #expect(released.request.item?.outcome == .released(Released()))
            try await ProcessState.wait(pid) { $0 == "T" }
            released.reply(.scripted("list", epoch: 2, song, by: name))
            folder.open(pipe)
            guard case .analysed(let analysed) = await driver.nextExchange()?.request.item?.outcome
            else { return #expect(Bool(false)) }
            #expect(analysed.results.map { String(decoding: $0.json, as: UTF8.self) } == [#"{"pid": \#(pid)}"#])
        }
    }

    @Test func anAnalyzerThatStartsLaterIsAnnounced() async throws {
        let driver = Driver()
        let sign = folder.path + "/sign"
        let command = "test -e \(sign) && exec \(Products.path("ScriptAnalyzer")) \(name)"
        let late = Analyzer(name: "late", executable: "/bin/sh", arguments: ["-c", command])
        try await worker.run(driver, and: late) { _ in
            #expect(await driver.connect()?.analyzers.map(\.name) == ["audio", name])
            #expect(FileManager.default.createFile(atPath: sign, contents: nil))
            #expect(await driver.connect()?.analyzers.map(\.name) == ["audio", "late", name])
        }
    }

    @Test func stoppingGivesBackWhatRuns() async throws {
        let driver = Driver()
        try await worker.run(driver) { stop in
            let pids = try await runAndFreeze(driver)
            await stop()
            let exchange = try #require(await driver.nextExchange())
            #expect(exchange.request.item?.jobID == "high")
            #expect(exchange.request.item?.outcome == .released(Released()))
            #expect(!exchange.request.claim)
            exchange.reply(nil)
            for await message in driver.messages where message.draining && message.held.isEmpty { break }
            for pid in pids { try await ProcessState.wait(pid) { $0 == nil } }
        }
    }

    @Test func aProbeIsPassedOnAsItIsFound() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            await driver.connect()
            driver.send(.probe(ProbeRequest(probeID: "p", folder: "missing")))
            var reports: [ProbeReport] = []
            for await report in driver.probed { reports.append(report) }
            #expect(reports.map(\.probeID) == ["p", "p", "p"])
            #expect(reports.flatMap(\.files).map(\.location) == ["missing/song.ogg"])
            #expect(reports.flatMap(\.files).map(\.title) == ["/music"])
            #expect(reports.last?.failure == "there is no folder 'missing'")
        }
    }

    /// Leaves the job `low` frozen and `high` running, and tells their process ids in this order.
    private func runAndFreeze(_ driver: Driver) async throws -> [pid_t] {
        await driver.connect()
        let song = Song.scripted(id: "l", ("progress", "0.5"), ("hang", ""))
        await driver.nextExchange()?.reply(.scripted("low", song, by: name))
        let low = try #require(pid_t(await driver.nextReport(of: "low")?.stage ?? ""))
        driver.send(.preempt(Preempt(lane: "0", epoch: 1, jobID: "low")))
        let other = Song.scripted(id: "h", ("progress", "0.5"), ("hang", ""))
        await driver.nextExchange()?.reply(.scripted("high", other, by: name, priority: .high))
        let high = try #require(pid_t(await driver.nextReport(of: "high")?.stage ?? ""))
        try await ProcessState.wait(low) { $0 == "T" }
        return [low, high]
    }
}
