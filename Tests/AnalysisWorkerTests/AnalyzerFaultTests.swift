// An analyzer that does what it must not: its song fails with a reason, and the worker goes on with the next one.

import AnalysisAPI
import Testing

@testable import AnalysisWorker

@Suite(.timeLimit(.minutes(1))) struct AnalyzerFaultTests {
    private let worker: WorkerUnderTest
    private var name: String { worker.name }

    init() throws {
        worker = try WorkerUnderTest()
    }

    /// What a song has the analyzer do, and what it fails with.
    struct Fault: Sendable, CustomTestStringConvertible {
        let song: Song
        let kind: FailureKind
        let reason: String
        var silence: Duration = .seconds(60)
        var testDescription: String { song.attributes.map(\.name).joined(separator: ", ") }
    }

    @Test(arguments: [
        Fault(song: .scripted(("abort", "")), kind: .crashed, reason: "crashed: Aborted"),
        Fault(song: .scripted(("exit", "0")), kind: .crashed, reason: "ended with code 0 without a result"),
        Fault(song: .scripted(("hang", "")), kind: .timedOut, reason: "made no progress", silence: .seconds(2)),
        Fault(song: .scripted(("spin", "")), kind: .limit, reason: "used more than 1 seconds of CPU time"),
        Fault(song: .scripted(("allocate", "\(512 << 20)")), kind: .crashed, reason: "It last said: out of memory"),
        Fault(
            song: .scripted(("raw", "garbage"), ("hang", "")), kind: .crashed, reason: "broke the protocol: a frame of"),
        Fault(song: .scripted(("answer", "[1]")), kind: .crashed, reason: "its result is no JSON object"),
        Fault(song: .scripted(("reject", "no sound")), kind: .unreadable, reason: "no sound"),
    ])
    func aSongFailsAndTheNextOneRuns(_ fault: Fault) async throws {
        let configuration = Child.Configuration(
            limits: .init(memoryBytes: 256 << 20, cpuSeconds: 1), silence: fault.silence)
        let driver = Driver()
        try await worker.run(driver, child: configuration) { _ in
            await driver.connect()
            await driver.nextExchange()?.reply(.scripted("a", fault.song, by: name))
            let exchange = try #require(await driver.nextExchange())
            guard case .failed(let failed) = exchange.request.item?.outcome else { return #expect(Bool(false)) }
            #expect(failed.kind == fault.kind)
            #expect(failed.reason.contains(fault.reason))
            exchange.reply(.scripted("b", .scripted(("answer", "{}")), by: name))
            guard case .analysed = await driver.nextExchange()?.request.item?.outcome
            else { return #expect(Bool(false)) }
        }
    }

    @Test(arguments: [
        ("exit 3", FailureKind.crashed, "ended with code 3"),
        ("sleep 60", .timedOut, "was not ready in 5.0 seconds"),
        ("echo garbage; sleep 60", .crashed, "broke the protocol"),
    ])
    func theSongsOfAnAnalyzerThatNeverStartsFail(_ command: String, _ kind: FailureKind, _ reason: String) async throws
    {
        let dead = Analyzer(name: "dead", executable: "/bin/sh", arguments: ["-c", command])
        let driver = Driver()
        try await worker.run(driver, and: dead, child: .init(start: .seconds(5))) { _ in
            #expect(await driver.connect()?.analyzers.map(\.name).contains("dead") == false)
            await driver.nextExchange()?.reply(.scripted("a", .scripted(), by: "dead"))
            let exchange = try #require(await driver.nextExchange())
            guard case .failed(let failed) = exchange.request.item?.outcome else { return #expect(Bool(false)) }
            #expect(failed.kind == kind)
            #expect(failed.reason.contains("'dead'"))
            #expect(failed.reason.contains(reason))
            exchange.reply(.scripted("b", .scripted(("answer", "{}")), by: name))
            guard case .analysed = await driver.nextExchange()?.request.item?.outcome
            else { return #expect(Bool(false)) }
        }
    }

    @Test func anUnknownAnalyzerFailsTheSong() async throws {
        let driver = Driver()
        try await worker.run(driver) { _ in
            await driver.connect()
            await driver.nextExchange()?.reply(.scripted("a", .scripted(), by: "mood"))
            guard case .failed(let failed) = await driver.nextExchange()?.request.item?.outcome
            else { return #expect(Bool(false)) }
            #expect(failed.kind == .refused)
            #expect(failed.reason.contains("'mood'"))
        }
    }
}
