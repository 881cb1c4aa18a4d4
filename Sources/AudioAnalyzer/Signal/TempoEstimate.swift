// The tempo of a piece: how often its onsets repeat, by autocorrelation, and how sure that is.
import Glibc

/// One tempo for a whole piece.
struct TempoEstimate: Equatable {
    let beatsPerMinute: Double
    /// 0 to 1: how regular the onsets are, lowered where half or double the tempo fits nearly as well.
    let confidence: Double

    private static let range = 30.0...320.0
    /// Listeners tap near 120 beats per minute: the farther from it, the less likely, with a standard deviation of one
    /// octave (D. Ellis, "Beat Tracking by Dynamic Programming", 2007).
    private static let usual = 120.0

    /// Nil where nothing repeats. `envelope` is an onset strength with `framesPerSecond` values per second.
    init?(envelope: [Float], framesPerSecond: Double) throws(OutOfMemory) {
        let repetition = try Self.repetition(envelope, framesPerSecond)
        let slowest = min(repetition.count - 2, Int(60 * framesPerSecond / Self.range.lowerBound))
        let fastest = Int((60 * framesPerSecond / Self.range.upperBound).rounded(.up))
        guard fastest < slowest else { return nil }

        func salience(_ lag: Int) -> Double {
            guard (fastest...slowest).contains(lag) else { return 0 }
            let octaves = log2(60 * framesPerSecond / Double(lag) / Self.usual)
            return max(0, repetition[lag]) * exp(-0.5 * octaves * octaves)
        }
        func highest(near lag: Double) -> Double {
            let reach = max(1, 0.04 * lag)
            return (Int(lag - reach)...Int(lag + reach)).map(salience).max() ?? 0
        }

        guard let lag = (fastest...slowest).max(by: { salience($0) < salience($1) }), salience(lag) > 0 else {
            return nil
        }
        let period = Self.refined(lag, repetition)
        let rival = max(highest(near: period / 2), highest(near: period * 2)) / salience(lag)
        beatsPerMinute = 60 * framesPerSecond / period
        confidence = min(1, repetition[lag]) * min(1, 2 * max(0, 1 - rival))
    }

    /// How well the envelope repeats itself after each number of frames: 1 at lag 0, the mean over overlapping stretches,
    /// in which the tempo may be taken as steady.
    private static func repetition(_ envelope: [Float], _ framesPerSecond: Double) throws(OutOfMemory) -> [Double] {
        let stretch = Int(8 * framesPerSecond)
        let autocorrelation = try Autocorrelation(length: stretch)
        var sums = [Double](repeating: 0, count: stretch / 2)
        var stretchCount = 0
        for start in stride(from: -stretch / 2, to: max(1, envelope.count - stretch / 2), by: Int(framesPerSecond))
        where autocorrelation.add(envelope, from: start, to: &sums) {
            stretchCount += 1
        }
        return sums.map { $0 / Double(max(1, stretchCount)) }
    }

    /// The period in frames, finer than one frame: peaks at two and four times the lag tell it more exactly.
    private static func refined(_ lag: Int, _ repetition: [Double]) -> Double {
        var period = Double(lag)
        for multiple in [1.0, 2, 4] {
            let center = Int((period * multiple).rounded())
            let reach = max(1, Int(multiple))
            guard center + reach + 1 < repetition.count, center - reach > 1 else { break }
            guard let top = (center - reach...center + reach).max(by: { repetition[$0] < repetition[$1] }),
                repetition[top] > 0.5 * repetition[lag]
            else { break }
            period = (Double(top) + vertex(repetition[top - 1], repetition[top], repetition[top + 1])) / multiple
        }
        return period
    }

    /// Where between -1/2 and 1/2 the parabola through three neighbouring values has its top.
    private static func vertex(_ before: Double, _ top: Double, _ after: Double) -> Double {
        let bend = before - 2 * top + after
        return bend < 0 ? max(-0.5, min(0.5, 0.5 * (before - after) / bend)) : 0
    }
}
