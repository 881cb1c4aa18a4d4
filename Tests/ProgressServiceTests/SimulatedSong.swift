// Songs that take what they take, made by the numbers of a seed.

struct SimulatedSong {
    let id: String
    let audioMs: UInt64
    let tookMs: Double
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension [SimulatedSong] {
    /// Songs of one length each, taking the same.
    static func alike(_ count: Int, _ name: String = "s", audioMs: UInt64 = 200_000, tookMs: Double = 1_000) -> Self {
        (1...count).map { SimulatedSong(id: "\(name)\($0)", audioMs: audioMs, tookMs: tookMs) }
    }

    /// Songs of 20 seconds to 20 minutes whose cost varies around `msPerSecond` of audio.
    static func mixed(_ count: Int, _ name: String, msPerSecond: Double, _ random: inout some RandomNumberGenerator)
        -> Self
    {
        (1...count).map { number in
            let seconds = 20 * Double.random(in: 1...60, using: &random)
            let pace = Double.random(in: 0.85...1.18, using: &random)
            return SimulatedSong(
                id: "\(name)\(number)", audioMs: UInt64(seconds * 1000), tookMs: 50 + seconds * msPerSecond * pace)
        }
    }
}
