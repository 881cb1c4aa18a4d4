// The JSON object that the analyzer `audio`, version 1, returns for a song.
import FoundationEssentials

/// All that was found. Its keys in JSON are the names here in snake case; what is not known is null.
struct AudioResult: Encodable, Equatable {
    struct Loudness: Encodable, Equatable {
        /// Null where all was below the gate of EBU R128.
        @Nullable var integratedLufs: Double?
        let rangeLu: Double
        /// Null for digital silence.
        @Nullable var truePeakDbtp: Double?
    }

    struct Tempo: Encodable, Equatable {
        @Nullable var bpm: Double?
        let confidence: Double
        /// In seconds from the start.
        let beats: [Double]
    }

    struct Key: Encodable, Equatable {
        let name: String
        let tonic: String
        let mode: String
        let camelot: String
        let confidence: Double
    }

    struct Spectrum: Encodable, Equatable {
        @Nullable var centroidHz: Double?
        @Nullable var flatness: Double?
    }

    struct Waveform: Encodable, Equatable {
        /// The lowest and highest level of each stretch, -127 to 127.
        let peaks: [[Int]]
        let secondsPerPeak: Double
    }

    let durationSeconds: Double
    let sampleRate: Int
    let channels: Int
    let codec: String
    let bitRate: Int?
    let loudness: Loudness
    let tempo: Tempo
    @Nullable var key: Key?
    let fingerprint: String
    let spectrum: Spectrum
    let waveform: Waveform

    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}

extension AudioResult.Key {
    init(_ key: KeyEstimate) {
        self.init(
            name: key.name, tonic: key.tonicName, mode: key.mode.rawValue, camelot: key.camelot,
            confidence: (key.confidence * 1000).rounded() / 1000)
    }
}

/// A value whose absence is written as null rather than left out.
@propertyWrapper
struct Nullable<Value: Encodable & Equatable>: Encodable, Equatable {
    let wrappedValue: Value?

    init(wrappedValue value: Value?) { wrappedValue = value }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}
