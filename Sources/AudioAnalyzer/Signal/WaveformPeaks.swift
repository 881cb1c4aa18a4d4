// The outline of a song for drawing: the lowest and highest sample of each of about a thousand equal stretches.

/// Collects the outline of a stream whose length is not known beforehand: when the outline is full, neighbours merge.
struct WaveformPeaks {
    struct Range: Equatable {
        var low: Float
        var high: Float

        static let none = Range(low: .infinity, high: -.infinity)

        func merged(with other: Range) -> Range {
            Range(low: min(low, other.low), high: max(high, other.high))
        }
    }

    /// At most this many stretches, and at least half as many once it has been reached.
    static let capacity = 2048

    private(set) var samplesPerPeak = 128
    private var peaks: [Range] = []
    private var open = Range.none
    private var openSamples = 0

    init() { peaks.reserveCapacity(Self.capacity) }

    /// Takes the extremes over all channels of a block.
    mutating func measure(_ block: AudioBlock) {
        var start = 0
        while start < block.frameCount {
            let length = min(samplesPerPeak - openSamples, block.frameCount - start)
            for channel in 0..<block.channelCount {
                open = open.merged(with: Self.range(block.planes[channel] + start, length))
            }
            start += length
            openSamples += length
            if openSamples == samplesPerPeak { close() }
        }
    }

    /// The outline so far. The last stretch may be shorter than the others.
    var outline: [Range] { openSamples == 0 ? peaks : peaks + [open] }

    private mutating func close() {
        peaks.append(open)
        open = .none
        openSamples = 0
        guard peaks.count == Self.capacity else { return }
        for index in 0..<Self.capacity / 2 { peaks[index] = peaks[2 * index].merged(with: peaks[2 * index + 1]) }
        peaks.removeLast(Self.capacity / 2)
        samplesPerPeak *= 2
    }

    private static func range(_ samples: UnsafePointer<Float>, _ count: Int) -> Range {
        var low = SIMD8<Float>(repeating: .infinity)
        var high = SIMD8<Float>(repeating: -.infinity)
        var index = 0
        while index + 8 <= count {
            let eight = SIMD8(from: samples + index)
            low = low.lowest(eight)
            high = high.highest(eight)
            index += 8
        }
        var range = Range(low: -(-low).highestLane, high: high.highestLane)
        while index < count {
            range = range.merged(with: Range(low: samples[index], high: samples[index]))
            index += 1
        }
        return range
    }
}
