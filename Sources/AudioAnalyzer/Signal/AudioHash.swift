// A hash of decoded sound, the same for every file that decodes to the same samples.
import Crypto

/// Hashes samples channel by channel, so that it does not matter in which portions they come.
struct AudioHash {
    private let sampleRate: Int
    private var channels: [SHA256]

    init(sampleRate: Int, channelCount: Int) {
        self.sampleRate = sampleRate
        channels = Array(repeating: SHA256(), count: channelCount)
    }

    mutating func measure(_ block: AudioBlock) {
        for channel in channels.indices {
            channels[channel].update(bufferPointer: UnsafeRawBufferPointer(block.samples(ofChannel: channel)))
        }
    }

    /// SHA-256 of the sample rate and the hash of each channel in order.
    func finish() -> [UInt8] {
        var whole = SHA256()
        whole.update(data: Array("\(sampleRate) Hz, \(channels.count) channels\n".utf8))
        for channel in channels { whole.update(data: Array(channel.finalize())) }
        return Array(whole.finalize())
    }
}
