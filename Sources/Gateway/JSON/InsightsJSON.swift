// What the analyses of a whole library found.

import AnalysisAPI

/// `GET /api/library/insights`: of the songs whose results are fresh.
struct InsightsAnswer: Answer {
    var success = true
    let totalSongs: UInt32
    let analyzedSongs: UInt32
    let failedSongs: UInt32
    /// Of all songs, as far as known.
    let audioSeconds: Double
    let audioDoneSeconds: Double
    @OrNull var tempoBPM: DistributionJSON?
    @OrNull var loudnessLUFS: DistributionJSON?
    let keys: [Key]
    let coverage: [Point]

    struct DistributionJSON: Codable, Sendable {
        let songs: UInt32
        let least: Double
        let median: Double
        let most: Double
        let binWidth: Double
        /// Where the first bin begins.
        let firstBin: Double
        let bins: [UInt32]

        /// Nil where no song has the figure.
        init?(_ distribution: Distribution?) {
            guard let distribution, distribution.songs > 0 else { return nil }
            songs = distribution.songs
            least = distribution.least
            median = distribution.median
            most = distribution.most
            binWidth = distribution.binWidth
            firstBin = distribution.firstBin
            bins = distribution.bins
        }
    }

    struct Key: Codable, Sendable {
        let name: String
        let songs: UInt32
    }

    struct Point: Codable, Sendable {
        let at: Timestamp
        let analyzed: UInt32
    }

    init(_ insights: Insights, coverage: Coverage) {
        totalSongs = insights.songs
        analyzedSongs = insights.analysed
        failedSongs = coverage.failed
        audioSeconds = Double(coverage.audioMs) / 1000
        audioDoneSeconds = Double(coverage.audioDoneMs) / 1000
        tempoBPM = DistributionJSON(insights.tempoBpm)
        loudnessLUFS = DistributionJSON(insights.loudnessLufs)
        keys = insights.keys.map { Key(name: $0.name, songs: $0.songs) }
        self.coverage = insights.coverage.map {
            Point(at: Timestamp(millisecondsSince1970: $0.atMs), analyzed: $0.analysed)
        }
    }
}
