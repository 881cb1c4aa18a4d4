// How much two songs sound the same, whatever their encoding and loudness: their Chromaprint fingerprints are compared bit by bit,
// where they fit best.

import AnalysisAPI

/// The fingerprint of a song's first two minutes.
struct AcousticFingerprint: Hashable, Sendable {
    /// Some 8 for each second.
    let subFingerprints: [UInt32]
    let durationMs: UInt64

    /// Up to which rate of differing bits two songs are twins. Measured on real music: encodings of one recording (Opus down to 24
    /// kbit/s, MP3 to 64, other sample rates, loudness and beginnings) differ by at most 0.065; different music, where it fits best,
    /// by at least 0.39.
    static let threshold = 0.15
    /// By how much one may begin later than the other, in sub-fingerprints: 10 seconds.
    private static let longestShift = 80
    /// What they must have in common at least, in sub-fingerprints: 5 seconds.
    private static let shortestOverlap = 40
    /// By how much their lengths may differ: an edit of a song may begin alike.
    private static let longestDifferenceMs: UInt64 = 10_000
    /// How many sub-fingerprints a song is found by.
    private static let landmarkCount = 32

    /// Nil where there is too little sound to compare.
    init?(_ identity: AudioIdentity) {
        let bytes = identity.fingerprint
        subFingerprints = stride(from: 0, to: bytes.count - 3, by: 4).map { start in
            bytes[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        durationMs = identity.durationMs
        guard subFingerprints.count >= Self.shortestOverlap else { return nil }
    }

    /// The share of differing bits, 0 to 1, where the two fit best; nil where their lengths are those of different songs.
    func bitErrorRate(to other: AcousticFingerprint) -> Double? {
        let difference = durationMs > other.durationMs ? durationMs - other.durationMs : other.durationMs - durationMs
        guard difference <= Self.longestDifferenceMs else { return nil }
        return (-Self.longestShift...Self.longestShift).compactMap { bitErrorRate(to: other, shiftedBy: $0) }.min()
    }

    private func bitErrorRate(to other: AcousticFingerprint, shiftedBy shift: Int) -> Double? {
        let range = max(0, shift)..<max(0, shift, min(subFingerprints.count, other.subFingerprints.count + shift))
        guard range.count >= Self.shortestOverlap,
            range.count * 2 >= min(subFingerprints.count, other.subFingerprints.count)
        else { return nil }
        var bits = 0
        for index in range { bits += (subFingerprints[index] ^ other.subFingerprints[index - shift]).nonzeroBitCount }
        return Double(bits) / Double(32 * range.count)
    }

    /// The sub-fingerprints that the song is found by. Which they are depends on their values alone, so that songs which share many
    /// sub-fingerprints share some of these: the least ones of a hash, as in MinHash (Broder, 1997).
    var landmarks: [UInt32] {
        Array(Set(subFingerprints).sorted { Self.mixed($0) < Self.mixed($1) }.prefix(Self.landmarkCount))
    }

    /// A bijection that leaves no trace of the order of values (the finaliser of MurmurHash3).
    private static func mixed(_ value: UInt32) -> UInt32 {
        var value = value
        value = (value ^ value >> 16) &* 0x85eb_ca6b
        value = (value ^ value >> 13) &* 0xc2b2_ae35
        return value ^ value >> 16
    }
}

extension AudioIdentity {
    /// The length of SHA-256.
    static let hashBytes = 32
    /// As many sub-fingerprints as ten minutes have: those of two minutes, whatever the algorithm.
    private static let fingerprintBytes = 4 * 4800

    var isWellFormed: Bool {
        [fileHash, audioHash].allSatisfy { $0.isEmpty || $0.count == Self.hashBytes }
            && fingerprint.count % 4 == 0 && fingerprint.count <= Self.fingerprintBytes
    }
}
