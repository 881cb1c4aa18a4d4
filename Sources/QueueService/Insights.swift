// What the analyses of a library found, song by song put together: distributions of the figures that lists show.

import AnalysisAPI
import Foundation

extension Insights {
    /// - Parameters:
    ///   - highlights: of each song with fresh results, what its analyzers found, the last one last.
    ///   - times: when those songs were analysed, in milliseconds.
    init(songs: Int, highlights: [[[UInt8]]], times: [Int64]) {
        let figures = highlights.map { Highlights.Figures($0) }
        let keys = Dictionary(grouping: figures.compactMap(\.key)) { $0 }
            .map { KeyCount(name: $0.key, songs: UInt32(clamping: $0.value.count)) }
            .sorted { ($1.songs, $0.name) < ($0.songs, $1.name) }
        self.init(
            songs: UInt32(clamping: songs), analysed: UInt32(clamping: highlights.count),
            tempoBpm: Distribution(figures.compactMap(\.bpm), binWidth: 5),
            loudnessLufs: Distribution(figures.compactMap(\.loudness), binWidth: 1),
            keys: keys, coverage: Self.coverage(times.sorted()))
    }

    /// How many steps there are between the first and the last point.
    private static let steps: Int64 = 60

    private static func coverage(_ times: [Int64]) -> [CoveragePoint] {
        guard let first = times.first, let last = times.last else { return [] }
        let steps = min(Self.steps, last - first)
        var passed = 0
        return (0...steps).map { step in
            let at = steps == 0 ? last : first + (last - first) * step / steps
            while passed < times.count, times[passed] <= at { passed += 1 }
            return CoveragePoint(atMs: at, analysed: UInt32(clamping: passed))
        }
    }
}

extension Distribution {
    /// A site's own analyzer may call anything a tempo: more bins than this are no picture any more, and wider ones are made.
    private static let binsLimit = 100.0

    init(_ values: [Double], binWidth: Double) {
        let values = values.filter(\.isFinite).sorted()
        guard let least = values.first, let most = values.last else {
            self.init()
            return
        }
        var width = binWidth
        func bin(_ value: Double) -> Double { (value / width).rounded(.down) }
        while bin(most) - bin(least) >= Self.binsLimit { width *= 2 }
        let first = bin(least)
        var bins = [UInt32](repeating: 0, count: Int(bin(most) - first) + 1)
        for value in values { bins[Int(bin(value) - first)] += 1 }
        self.init(
            songs: UInt32(clamping: values.count), least: least,
            median: values[(values.count - 1) / 2] / 2 + values[values.count / 2] / 2, most: most, binWidth: width,
            firstBin: first * width, bins: bins)
    }
}
