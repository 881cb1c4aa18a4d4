// Signals whose loudness, peak, tempo and key are known, for the tests.
import Glibc

@testable import AudioAnalyzer

/// Samples of each channel at one rate.
struct Signal {
    let sampleRate: Int
    var channels: [[Float]]

    /// A sine of one frequency on some channels; a level and a duration per passage.
    static func tone(
        hertz: Double = 1000, passages: [(dBFS: Double, seconds: Double)], channelCount: Int = 2,
        sampleRate: Int = 48_000
    ) -> Signal {
        var samples: [Float] = []
        for passage in passages {
            let amplitude = pow(10, passage.dBFS / 20)
            for _ in 0..<Int(passage.seconds * Double(sampleRate)) {
                samples.append(Float(amplitude * sin(2 * .pi * hertz * Double(samples.count) / Double(sampleRate))))
            }
        }
        return Signal(sampleRate: sampleRate, channels: Array(repeating: samples, count: channelCount))
    }

    /// Short bursts at a steady rate, the first one at half a second.
    static func clicks(perMinute: Double, seconds: Double, sampleRate: Int = Resampler.lowRate) -> Signal {
        var samples = [Float](repeating: 0, count: Int(seconds * Double(sampleRate)))
        var time = 0.5
        while time + 0.03 < seconds {
            let start = Int(time * Double(sampleRate))
            for offset in 0..<sampleRate * 3 / 100 {
                let age = Double(offset) / Double(sampleRate)
                samples[start + offset] = Float(0.8 * sin(2 * .pi * 1000 * age) * exp(-age / 0.005))
            }
            time += 60 / perMinute
        }
        return Signal(sampleRate: sampleRate, channels: [samples])
    }

    /// Tones with a few overtones, one chord after another; pitches are MIDI note numbers.
    static func chords(_ chords: [[Int]], seconds: Double = 0.5, concertPitch: Double = 440) -> Signal {
        let sampleRate = Resampler.lowRate
        var samples: [Float] = []
        for chord in chords {
            for index in 0..<Int(seconds * Double(sampleRate)) {
                let time = Double(index) / Double(sampleRate)
                var sum = 0.0
                for note in chord {
                    let hertz = concertPitch * pow(2, Double(note - 69) / 12)
                    for overtone in 1...4 {
                        sum += sin(2 * .pi * hertz * Double(overtone) * time) / Double(overtone * overtone)
                    }
                }
                samples.append(Float(0.1 * sum * exp(-time / seconds)))
            }
        }
        return Signal(sampleRate: sampleRate, channels: [samples])
    }

    /// White noise, the same on every run.
    static func noise(seconds: Double, sampleRate: Int = 48_000) -> Signal {
        var generator = SplitMix64(state: 1)
        let samples = (0..<Int(seconds * Double(sampleRate))).map { _ in Float.random(in: -0.5...0.5, using: &generator)
        }
        return Signal(sampleRate: sampleRate, channels: [samples])
    }

    /// Calls `body` with the signal in blocks of `size` samples.
    func forEachBlock(ofSize size: Int = 1024, _ body: (AudioBlock) throws -> Void) rethrows {
        let count = channels.first?.count ?? 0
        let memory = channels.map { channel in
            let pointer = UnsafeMutablePointer<Float>.allocate(capacity: channel.count)
            pointer.initialize(from: channel, count: channel.count)
            return pointer
        }
        defer { for pointer in memory { pointer.deallocate() } }
        for start in stride(from: 0, to: count, by: size) {
            let planes = memory.map { UnsafePointer($0 + start) }
            try planes.withUnsafeBufferPointer { planes in
                try body(AudioBlock(planes: planes, frameCount: min(size, count - start)))
            }
        }
    }
}

private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
