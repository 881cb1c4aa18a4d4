// What the analysis of a song takes, learned from the songs that were analysed: a fixed part, and a part for every
// second of its audio.

/// The cost of songs for each set of analyzers (`"audio@1 mood@3"`), and of the songs to come.
struct CostModel: Hashable, Sendable {
    private(set) var sets: [String: SongCost]
    /// The set whose song ended last: what songs to come are taken to run.
    private(set) var current: String

    init(sets: [String: SongCost] = [:], current: String = "") {
        self.sets = sets
        self.current = current
    }

    /// Learns from a finished song. An unknown length (`nil`) counts as the average one.
    mutating func learn(analyzers: String, audioMs: Double?, tookMs: Double) {
        if !analyzers.isEmpty { current = analyzers }
        sets[current, default: SongCost()].learn(audioMs: audioMs, tookMs: tookMs)
    }

    /// What `songs` songs of together `audioMs` take, in milliseconds. No audio at all means that their lengths are
    /// unknown: then each counts as an average one.
    ///
    /// - Parameter analyzers: the set that they run; empty for the current one.
    func workMs(songs: Double, audioMs: Double, analyzers: String = "") -> Double {
        let cost = sets[analyzers.isEmpty ? current : analyzers] ?? sets[current] ?? SongCost()
        let known = audioMs > 0 ? audioMs : songs * cost.averageAudioMs
        return songs * cost.line.fixedMs + known * cost.line.perAudioMs
    }
}

/// A straight line through (length, time taken) of the latest songs: least squares of the relative error, older songs
/// counting less and less. Outliers are pulled towards what was expected, so that one of them cannot bend the line.
struct SongCost: Hashable, Sendable {
    /// Sums over the songs seen, each weighted with the inverse square of the time that was expected.
    var weight = 0.0
    var audio = 0.0
    var took = 0.0
    var audioAudio = 0.0
    var audioTook = 0.0
    var averageAudioMs = 240_000.0

    /// What a song takes before anything is known, and what the fixed part leans towards while all lengths are alike:
    /// the built-in `audio` analysis of OGG Vorbis takes five times its decoding, which takes 0.8 ms a second of audio.
    static let initial = (fixedMs: 30.0, perAudioMs: 0.005)
    /// What remains of an observation's weight when another arrives: the last twenty songs make the line.
    private static let retention = 0.95
    /// How far from what was expected an observation counts.
    private static let outlierFactor = 3.0
    /// The weight of the initial fixed part, in songs.
    private static let initialWeight = 0.1

    mutating func learn(audioMs: Double?, tookMs: Double) {
        guard tookMs > 0, tookMs.isFinite else { return }
        let length = audioMs ?? averageAudioMs
        let expected = line.fixedMs + length * line.perAudioMs
        let isFirst = weight == 0
        // There is nothing to compare with where nothing at all was expected.
        guard isFirst || expected > 0 else { return }
        let counted =
            isFirst ? tookMs : min(max(tookMs, expected / Self.outlierFactor), expected * Self.outlierFactor)
        let scale = isFirst ? counted : expected
        let share = 1 / (scale * scale)
        weight = weight * Self.retention + share
        audio = audio * Self.retention + share * length
        took = took * Self.retention + share * counted
        audioAudio = audioAudio * Self.retention + share * length * length
        audioTook = audioTook * Self.retention + share * length * counted
        if let audioMs {
            averageAudioMs = isFirst ? audioMs : averageAudioMs * Self.retention + audioMs * (1 - Self.retention)
        }
    }

    /// The fixed milliseconds of a song and the milliseconds for each millisecond of its audio; neither is negative.
    var line: (fixedMs: Double, perAudioMs: Double) {
        guard weight > 0, took > 0 else { return Self.initial }
        // One more observation, of a song without any length, decides how much is fixed until lengths differ enough.
        let meanTook = took / weight
        let initialShare = Self.initialWeight / (meanTook * meanTook)
        let weight = weight + initialShare
        let took = took + initialShare * min(Self.initial.fixedMs, meanTook)
        let determinant = weight * audioAudio - audio * audio
        guard determinant > weight * audioAudio * 1e-9 else { return (took / weight, 0) }
        let slope = (weight * audioTook - audio * took) / determinant
        let fixed = (took - slope * audio) / weight
        if slope < 0 { return (took / weight, 0) }
        if fixed < 0 { return (0, audioTook / audioAudio) }
        return (fixed, slope)
    }
}
