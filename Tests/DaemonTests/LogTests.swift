// What is promised about the log of every process.

import AnalysisAPI
import Foundation
import Instrumentation
import Logging
import RPC
import Synchronization
import Testing

@testable import Daemon

@Suite struct LogTests {
    /// What a logger writes, line by line.
    private final class Written: Sendable {
        private let text = Mutex([String]())
        let levels = LogLevelControl { 0 }

        func logger(_ label: String = "queue-service", json: Bool = true, journal: Bool = false) -> Logger {
            let output = ProcessLogHandler.Output(isJSON: json, hasColour: false, isJournal: journal) { line in
                self.text.withLock { $0.append(line) }
            }
            return Logger(label: label) {
                ProcessLogHandler(
                    label: $0, output: output, levels: levels, metadataProvider: .serviceContext)
            }
        }

        var lines: [String] { text.withLock { $0 } }

        func objects() throws -> [[String: Any]] {
            try lines.map { try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
        }
    }

    @Test func anEventIsOneLineOfJSONWithItsFields() throws {
        let written = Written()
        written.logger().warning(
            "two\nlines and a \"quote\"", metadata: ["job": "0-17", "songs": .stringConvertible(3), "time": "mine"])
        let line = try #require(written.lines.first)
        #expect(written.lines.count == 1 && line.hasSuffix("}\n") && line.dropLast().allSatisfy { $0 != "\n" })
        let object = try #require(try written.objects().first)
        #expect(object["level"] as? String == "warning")
        #expect(object["logger"] as? String == "queue-service")
        #expect(object["message"] as? String == "two\nlines and a \"quote\"")
        #expect(object["job_id"] as? String == "0-17")
        #expect(object["songs"] as? Int == 3)
        // What the line itself says cannot be overwritten.
        #expect(object["time_"] as? String == "mine")
        let time = try #require(object["time"] as? String)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_795_826_096_007, "2026-11-28T00:34:56.007Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ]) func timesAreInUTCWithMilliseconds(milliseconds: Int64, text: String) {
        #expect(LogRecord.time(milliseconds) == text)
    }

    @Test func linesForPeopleHoldWhatComesFromOutsideOnOneLine() {
        let written = Written()
        written.logger(json: false).error("no\nsong", metadata: ["song": "a b", "file": "x\u{1b}[2J"])
        let line = written.lines.joined()
        #expect(line.contains("ERROR    queue-service: no\\nsong file=x\\u{1b}[2J song=\"a b\"\n"))
        #expect(line.count { $0 == "\n" } == 1)
    }

    @Test func theJournalIsToldThePriority() {
        let written = Written()
        let logger = written.logger(journal: true)
        logger.error("e")
        logger.info("i")
        #expect(written.lines.map { String($0.prefix(4)) } == ["<3>{", "<6>{"])
    }

    @Test(arguments: [
        "redis://queue:hunter2@127.0.0.1:6379/0 is away", "Authorization: Bearer hunter2", "authorization=hunter2",
        "Cookie: analysis_session=hunter2; theme=dark", "{\"password\":\"hunter2\"}", "GET /?access_token=hunter2&x=1",
        "the token eyJhbGciOiJFZERTQSJ9.hunter2.c2lnbmF0dXJl is not valid", "set-cookie: hunter2",
        "session hunter2 token: hunter2",
    ]) func noSecretIsWritten(text: String) {
        let written = Written()
        let text = text.replacing("session hunter2 ", with: "")
        written.logger().info("\(text)", metadata: ["error": "\(text)", "nested": ["a": .array(["\(text)"])]])
        written.logger(json: false).info("\(text)")
        #expect(!written.lines.joined().contains("hunter2"), "\(written.lines)")
    }

    @Test(arguments: ["password", "session", "Set-Cookie", "authorization", "user_token", "api.secret"])
    func whatIsCalledASecretIsNotWritten(name: String) {
        let written = Written()
        written.logger().info("m", metadata: [name: "hunter2", "outer": .dictionary([name: "hunter2"])])
        #expect(!written.lines.joined().contains("hunter2"))
    }

    @Test(arguments: [
        "GET /api/songs/1", "lane 0 at 127.0.0.1:6379", "00:34:56 a=b, mail me@example.org", "unix:/run/queue.sock",
    ])
    func whatIsNoSecretStaysAsItIs(text: String) {
        #expect(Secrets.redacted(text) == text)
    }

    @Test func noNameStandsTwiceInALine() throws {
        let written = Written()
        written.logger().info(
            "m", metadata: ["hb.request.id": "r1", "request_id": "r1", "job": "0-1", "job_id": "0-1"])
        let line = written.lines.joined()
        #expect(line.split(separator: "\"request_id\"").count == 2 && line.split(separator: "\"job_id\"").count == 2)
    }

    @Test func theTraceAndTheRequestOfTheTaskAreInEveryLine() throws {
        let written = Written()
        let trace = TraceContext()
        var context = ServiceContext.topLevel
        (context.trace, context.requestID) = (trace, "r1")
        ServiceContext.$current.withValue(context) { written.logger().info("inside") }
        written.logger().info("outside")
        let objects = try written.objects()
        #expect(objects[0]["trace_id"] as? String == trace.traceID && objects[0]["span_id"] as? String == trace.spanID)
        #expect(objects[0]["request_id"] as? String == "r1")
        #expect(objects[1]["trace_id"] == nil)
    }
}

@Suite struct LogLevelTests {
    @Test func theLongestLabelDecides() {
        var settings = LogLevelSettings(startedWith: .info)
        settings.set(.init(level: .error, until: nil), label: "")
        settings.set(.init(level: .debug, until: nil), label: "gateway.http")
        #expect(settings.level(of: "gateway") == .error)
        #expect(settings.level(of: "gateway.http.sse") == .debug)
        #expect(settings.level(of: "gateway.httpx") == .error)
    }

    @Test func aSettingEndsWhenItsTimeIsOver() {
        var settings = LogLevelSettings(startedWith: .info)
        settings.set(.init(level: .trace, until: 1000), label: "")
        settings.expire(at: 999)
        #expect(settings.level(of: "a") == .trace)
        settings.expire(at: 1000)
        #expect(settings.level(of: "a") == .info && settings.settings.isEmpty)
    }

    @Test func loggersThatExistFollowAChangeAndTheirOwnLevelStays() throws {
        let levels = LogLevelControl { 0 }
        levels.start(process: "gateway", level: .info)
        let output = ProcessLogHandler.Output(isJSON: true, hasColour: false, isJournal: false) { _ in }
        func logger(_ label: String) -> Logger {
            Logger(label: label) {
                ProcessLogHandler(label: $0, output: output, levels: levels, metadataProvider: nil)
            }
        }
        let http = logger("gateway.http")
        var quiet = logger("gateway.http")
        quiet.logLevel = .critical
        #expect(http.logLevel == .info)
        let reply = try levels.set(.debug, label: "gateway", seconds: 0)
        #expect(http.logLevel == .debug && quiet.logLevel == .critical)
        #expect(reply.settings == [LogLevelSetting(label: "gateway", level: .debug)] && reply.startedWith == .info)
        _ = try levels.set(nil, label: "gateway", seconds: 0)
        #expect(http.logLevel == .info)
    }

    @Test func aLabelThatNoLoggerHasIsRefused() {
        let levels = LogLevelControl { 0 }
        levels.start(process: "gateway", level: .info)
        _ = levels.slot("gateway.http")
        let error = #expect(throws: RPCError.self) { try levels.set(.debug, label: "htp", seconds: 0) }
        #expect(error?.code == .invalidArgument && error?.detail.contains("gateway.http") == true)
    }
}
