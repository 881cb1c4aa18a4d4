// What a process has measured is told as it was recorded, and no more of it than fits.

import AnalysisAPI
import Foundation
import Metrics
import Testing

@testable import Daemon

@Suite struct MetricRegistryTests {
    private let registry = MetricRegistry([
        .counter("songs_total", by: ["outcome"], "Songs."),
        .gauge("waiting", "Waiting."),
        .histogram("took_seconds", [0.5, 1], by: ["step"], "How long."),
    ])

    @Test func countersOfEachSetOfLabelsAddUp() throws {
        for _ in 0..<3 {
            Counter(label: "songs_total", dimensions: [("outcome", "failed")], factory: registry).increment()
        }
        Counter(label: "songs_total", dimensions: [("outcome", "analysed")], factory: registry).increment(by: 40)
        FloatingPointCounter(label: "songs_total", dimensions: [("outcome", "failed")], factory: registry)
            .increment(by: 0.5)
        let family = try #require(registry.collect().first)
        #expect(
            family
                == MetricFamily(
                    name: "songs_total", help: "Songs.", type: .counter,
                    series: [
                        MetricSeries(labels: [MetricLabel(name: "outcome", value: "analysed")], value: 40),
                        MetricSeries(labels: [MetricLabel(name: "outcome", value: "failed")], value: 3.5),
                    ]))
    }

    @Test func gaugeTellsWhatItWasSetToLast() {
        let gauge = Gauge(label: "waiting", factory: registry)
        gauge.record(4)
        gauge.record(2.5)
        #expect(registry.collect().map(\.series) == [[MetricSeries(value: 2.5)]])
    }

    @Test func bucketHoldsItsUpperBoundAndTheLastWhatIsAboveAll() {
        let timer = Timer(label: "took_seconds", dimensions: [("step", "decode")], factory: registry)
        for milliseconds in [1, 500, 501, 1000, 60_000] { timer.recordMilliseconds(milliseconds) }
        let series = registry.collect().first?.series.first
        #expect(series?.buckets == [2, 2, 1])
        #expect(abs((series?.value ?? 0) - 62.002) < 1e-9)
    }

    @Test func histogramIsNotToldBeforeItsFirstObservation() {
        let recorder = Recorder(label: "took_seconds", factory: registry)
        #expect(registry.collect().isEmpty)
        recorder.record(0.1)
        #expect(registry.collect().map(\.name) == ["took_seconds"])
    }

    @Test func orderOfLabelsMakesNoDifference() {
        let registry = MetricRegistry([.counter("calls_total", by: ["code", "method"], "Calls.")])
        Counter(label: "calls_total", dimensions: [("method", "Get"), ("code", "ok")], factory: registry).increment()
        Counter(label: "calls_total", dimensions: [("code", "ok"), ("method", "Get")], factory: registry).increment()
        #expect(registry.collect().first?.series.map(\.value) == [2])
    }

    @Test func labelsBeyondTheLimitAreOneSeries() {
        for number in 0..<MetricRegistry.maximumSeries + 10 {
            Counter(label: "songs_total", dimensions: [("outcome", "\(number)")], factory: registry).increment()
        }
        let series = registry.collect().first?.series ?? []
        #expect(series.count == MetricRegistry.maximumSeries + 1)
        let other = series.first { $0.labels == [MetricLabel(name: "outcome", value: "other")] }
        #expect(other?.value == 10)
    }

    @Test func whatIsNotDefinedIsDropped() {
        Counter(label: "unheard_of_total", factory: registry).increment()
        Gauge(label: "took_seconds", factory: registry).record(1)
        Timer(label: "waiting", factory: registry).recordSeconds(1)
        #expect(registry.collect().isEmpty)
    }

    @Test func destroyedGaugeIsForgotten() {
        let gauge = Gauge(label: "waiting", factory: registry)
        gauge.record(1)
        gauge.destroy()
        #expect(registry.collect().isEmpty)
    }

    @Test func recordingFromManyTasksLosesNothing() async {
        let counter = Counter(label: "songs_total", factory: registry)
        let timer = Timer(label: "took_seconds", factory: registry)
        await withTaskGroup { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        timer.recordSeconds(2)
                    }
                }
            }
        }
        let families = registry.collect()
        #expect(families.first { $0.name == "songs_total" }?.series.first?.value == 8000)
        #expect(families.first { $0.name == "took_seconds" }?.series.first?.buckets == [0, 0, 8000])
    }
}

@Suite struct MetricDefinitionTests {
    @Test func namesFollowTheConventionsAndAreUnique() {
        let names = MetricDefinition.all.map(\.name)
        #expect(Set(names).count == names.count)
        for definition in MetricDefinition.all {
            #expect(definition.name.wholeMatch(of: /(analysis|process)(_[a-z0-9]+)+/) != nil, "\(definition.name)")
            #expect(definition.name.hasSuffix("_total") == (definition.type == .counter), "\(definition.name)")
            #expect(definition.bounds == definition.bounds.sorted(), "\(definition.name)")
            #expect(definition.bounds.isEmpty == (definition.type != .histogram), "\(definition.name)")
            #expect(!definition.help.contains("\n"), "\(definition.name)")
        }
    }
}

@Suite struct ProcFileTests {
    @Test func fileIsReadToItsEndHoweverLongItIs() throws {
        let path = "/tmp/proc-file-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = (0..<50_000).map { "cpu\($0)" }.joined(separator: "\n")
        try Data(text.utf8).write(to: URL(filePath: path))
        #expect(ProcFile.text(path) == text)
        #expect(ProcFile.text("/proc/stat").contains("\nbtime "))
    }

    @Test func fileThatIsEmptyOrNotThereHasNoText() {
        #expect(ProcFile.text("/dev/null") == "")
        #expect(ProcFile.text("/proc/0/stat") == "")
    }
}

@Suite struct ProcessFiguresTests {
    /// A line of `/proc/PID/stat` in which the program is called "a) b (c".
    private let stat = """
        42 (a) b (c) S 1 42 42 0 -1 4194560 1189 0 3 0 250 150 7 9 20 0 5 0 12345 10485760 256 18446744073709551615 1 1 0
        """

    @Test func lineOfTheKernelIsRead() throws {
        let figures = try #require(ProcessFigures(stat: stat, ticksPerSecond: 100, pageBytes: 4096))
        #expect(figures.cpuSeconds == 4)
        #expect(figures.startedAfterBoot == 123.45)
        #expect(figures.virtualBytes == 10_485_760)
        #expect(figures.residentBytes == 1_048_576)
    }

    @Test func lineThatIsCutIsNone() {
        #expect(ProcessFigures(stat: "42 (a) S 1 42", ticksPerSecond: 100, pageBytes: 4096) == nil)
        #expect(ProcessFigures(stat: "", ticksPerSecond: 100, pageBytes: 4096) == nil)
    }

    @Test func ownProcessHasFiguresAndOneThatIsNotThereHasNone() throws {
        #expect(try #require(ProcessFigures()).residentBytes > 0)
        #expect(ProcessFigures(pid: .max) == nil)
    }
}
