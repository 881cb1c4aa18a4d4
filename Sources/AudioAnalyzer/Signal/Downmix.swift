// One channel of many, for what is measured alike on all of them.

/// Mixes blocks down to mono: the mean of all channels but those for low-frequency effects.
final class Downmix {
    private let channels: [Int]
    private let mono = SampleBuffer()

    init(positions: [SpeakerPosition]) {
        let heard = positions.indices.filter { positions[$0] != .unmeasured }
        channels = heard.isEmpty ? Array(positions.indices) : heard
    }

    /// Valid until the next call, and as long as the block.
    func mix(_ block: AudioBlock) -> UnsafeBufferPointer<Float> {
        if channels.count == 1 { return block.samples(ofChannel: channels[0]) }
        let mix = mono.reserve(max(1, block.frameCount))
        let gain = 1 / Float(channels.count)
        let (first, second) = (block.planes[channels[0]], block.planes[channels[1]])
        for index in 0..<block.frameCount { mix[index] = (first[index] + second[index]) * gain }
        for channel in channels.dropFirst(2) {
            let plane = block.planes[channel]
            for index in 0..<block.frameCount { mix[index] += plane[index] * gain }
        }
        return UnsafeBufferPointer(start: mix, count: block.frameCount)
    }
}
