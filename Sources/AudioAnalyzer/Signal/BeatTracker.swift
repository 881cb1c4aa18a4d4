// Where the beats are: of all sequences of moments, the one that best joins strong onsets with steady steps (D. Ellis, "Beat
// Tracking by Dynamic Programming", 2007).
import Glibc

enum BeatTracker {
    /// How much a step that differs from the period costs, against onsets of unit deviation.
    private static let tightness: Float = 100

    /// The frames of `envelope` at which there are beats, ascending, about `period` frames apart.
    static func beats(envelope: [Float], period: Double) -> [Int] {
        guard period >= 2, envelope.count > 2 else { return [] }
        let strength = smoothed(envelope, period: period)

        // The best score of a sequence that ends at each frame, and where its last but one beat is.
        var score = strength
        var previous = [Int32](repeating: -1, count: strength.count)
        let shortest = max(1, Int((period / 2).rounded()))
        let longest = Int((2 * period).rounded())
        let cost = (shortest...longest).map { step -> Float in
            let ratio = Float(log(Double(step) / period))
            return tightness * ratio * ratio
        }
        for frame in strength.indices where frame >= shortest {
            // Without a predecessor worth its cost, the sequence begins here.
            var best: Float = 0
            for step in shortest...min(longest, frame) {
                let candidate = score[frame - step] - cost[step - shortest]
                if candidate > best {
                    best = candidate
                    previous[frame] = Int32(frame - step)
                }
            }
            score[frame] += best
        }
        return trimmed(path(to: lastBeat(score), previous), strength)
    }

    /// The envelope in units of its standard deviation, spread over a small part of the period.
    private static func smoothed(_ envelope: [Float], period: Double) -> [Float] {
        let count = Double(envelope.count)
        let mean = envelope.reduce(0.0) { $0 + Double($1) } / count
        let variance = envelope.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        guard variance > 0 else { return [Float](repeating: 0, count: envelope.count) }
        let width = max(0.5, period / 32)
        let reach = Int((4 * width).rounded(.up))
        let kernel = (-reach...reach).map { Float(exp(-0.5 * (Double($0) / width) * (Double($0) / width))) }
        let scale = Float(1 / variance.squareRoot())
        var result = [Float](repeating: 0, count: envelope.count)
        for (offset, weight) in zip(-reach...reach, kernel) {
            for index in max(0, -offset)..<min(envelope.count, envelope.count - offset) {
                result[index] += weight * scale * envelope[index + offset]
            }
        }
        return result
    }

    /// The last peak of the score that is worth a sequence: half as high as peaks are on the whole.
    private static func lastBeat(_ score: [Float]) -> Int {
        let peaks = score.indices.dropFirst().dropLast().filter {
            score[$0] > score[$0 - 1] && score[$0] >= score[$0 + 1]
        }
        let heights = peaks.map { score[$0] }.sorted()
        guard !heights.isEmpty else { return 0 }
        let threshold = 0.5 * heights[heights.count / 2]
        return peaks.last { score[$0] >= threshold } ?? 0
    }

    private static func path(to last: Int, _ previous: [Int32]) -> [Int] {
        var frames = [last]
        while let frame = frames.last, previous[frame] >= 0 { frames.append(Int(previous[frame])) }
        return frames.reversed()
    }

    /// Leaves out the beats before the first and behind the last that anything sounds at.
    private static func trimmed(_ beats: [Int], _ strength: [Float]) -> [Int] {
        let meanSquare = beats.reduce(0) { $0 + strength[$1] * strength[$1] } / Float(max(1, beats.count))
        let threshold = 0.5 * meanSquare.squareRoot()
        guard let first = beats.firstIndex(where: { strength[$0] >= threshold }),
            let last = beats.lastIndex(where: { strength[$0] >= threshold })
        else { return [] }
        return Array(beats[first...last])
    }
}
