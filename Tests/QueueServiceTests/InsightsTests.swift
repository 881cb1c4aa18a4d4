// What is promised about the distributions of a library's figures.

import AnalysisAPI
import Foundation
import Jobs
import RPC
import Testing

@testable import QueueService

@Suite struct InsightsTests {
    @Test func binsHoldEveryValueOnce() {
        let distribution = Distribution([119.9, 120, 124.9, 125, 90], binWidth: 5)
        #expect(
            distribution
                == Distribution(
                    songs: 5, least: 90, median: 120, most: 125, binWidth: 5, firstBin: 90,
                    bins: [1, 0, 0, 0, 0, 1, 2, 1]))
        #expect(Distribution([-14.2, -13.5], binWidth: 1).firstBin == -15)
        #expect(Distribution([-14.2, -13.5], binWidth: 1).median == -13.85)
    }

    @Test func withoutValuesNothingIsTold() {
        #expect(Distribution([], binWidth: 5) == Distribution())
        #expect(Distribution([.nan, .infinity, -.infinity], binWidth: 5) == Distribution())
    }

    @Test(arguments: [[0, 1e300], [-.greatestFiniteMagnitude, .greatestFiniteMagnitude], [1e-300, 0, 1e9]])
    func anyFiguresOfAnAnalyzerMakeAHundredBinsAtMost(values: [Double]) {
        let distribution = Distribution(values, binWidth: 5)
        #expect(distribution.bins.count <= 101)
        #expect(distribution.bins.reduce(0, +) == UInt32(values.count))
        #expect(distribution.median.isFinite)
    }

    @Test func coverageRisesFromTheFirstToTheLast() {
        let times = (0..<200).map { Int64($0 * $0) }
        let points = Insights(songs: 300, highlights: times.map { _ in [] }, times: times.shuffled()).coverage
        #expect(points.count == 61 && points.first?.atMs == 0 && points.last?.atMs == times.last)
        #expect(points.first?.analysed == 1 && points.last?.analysed == 200)
        #expect(points.map(\.analysed) == points.map { point in UInt32(times.count { $0 <= point.atMs }) })
        #expect(
            Insights(songs: 1, highlights: [[]], times: [7]).coverage == [CoveragePoint(atMs: 7, analysed: 1)])
    }

    @Test func freshResultsOfALibraryAreCounted() async throws {
        try await withServingQueue { queue in
            let empty = try await queue.catalog.getInsights(UserRequest(userID: "u"))
            #expect(empty.songs == 10 && empty.analysed == 0 && empty.tempoBpm?.songs == 0 && empty.keys.isEmpty)
            let worker = ScriptedWorker("w", of: queue)
            try await worker.connected {
                try await worker.granted()
                _ = try await queue.enqueue(.playlist, "p")
                var next: Assignment? = try await worker.work()
                var bpm = 100
                while let item = next {
                    let key = bpm < 103 ? "C major" : "F♯ minor"
                    let json = """
                        {"tempo": {"bpm": \(bpm)}, "key": {"name": "\(key)"}, "loudness": {"integrated_lufs": -9.5}}
                        """
                    bpm += 1
                    let result = AnalysisResult(
                        analyzer: AnalyzerVersion(name: "audio", version: "1"), json: Array(json.utf8))
                    next = try await worker.exchange(item, .analysed(Analysed(results: [result])))
                }
            }
            let insights = try await queue.catalog.getInsights(UserRequest(userID: "u"))
            #expect(insights.songs == 10 && insights.analysed == 5)
            #expect(insights.tempoBpm?.bins == [5] && insights.tempoBpm?.median == 102)
            #expect(insights.loudnessLufs?.songs == 5 && insights.loudnessLufs?.firstBin == -10)
            #expect(insights.keys == [KeyCount(name: "C major", songs: 3), KeyCount(name: "F♯ minor", songs: 2)])
            #expect(insights.coverage.last?.analysed == 5)
        }
    }

    @Test func targetsThatAreThereAreNamedInTheOrderAskedFor() async throws {
        try await withServingQueue { queue in
            let targets = try await queue.catalog.getTargets(
                TargetsRequest(userID: "u", songIds: ["s3", "gone", "s1"], playlistIds: ["gone", "p"]))
            #expect(targets.songs.map(\.id) == ["s3", "s1"] && targets.playlists.map(\.name) == ["P"])
            #expect(try await queue.catalog.getTargets(TargetsRequest(userID: "u")) == Targets())
            let many = TargetsRequest(userID: "u", songIds: (0...1000).map { "s\($0)" })
            let error = await #expect(throws: RPCError.self) { try await queue.catalog.getTargets(many) }
            #expect(error?.code == .invalidArgument)
        }
    }
}
