// What decoding hands to the measurements: a short run of samples, one plane per channel, full scale at ±1.

/// A run of consecutive samples of every channel. It borrows the decoder's memory: valid until the next block is asked for.
struct AudioBlock {
    /// One pointer per channel, each to `frameCount` samples.
    let planes: UnsafeBufferPointer<UnsafePointer<Float>>
    let frameCount: Int

    var channelCount: Int { planes.count }

    func samples(ofChannel channel: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: planes[channel], count: frameCount)
    }
}

/// Memory for samples that lives as long as its owner, so that no measurement allocates per block.
final class SampleBuffer {
    private(set) var samples: UnsafeMutableBufferPointer<Float>

    init(capacity: Int = 0) {
        samples = .allocate(capacity: capacity)
        samples.initialize(repeating: 0)
    }

    deinit { samples.deallocate() }

    /// Makes room for `count` samples. What the buffer held is lost when it has to grow.
    func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
        if samples.count < count {
            samples.deallocate()
            samples = .allocate(capacity: count)
            samples.initialize(repeating: 0)
        }
        // An empty allocation still has an address.
        return samples.baseAddress.unsafelyUnwrapped
    }
}
