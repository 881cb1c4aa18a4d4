// The musical key, by comparing pitch classes with the profile of each key (C. Krumhansl's method).

/// The key of a piece.
struct KeyEstimate: Equatable {
    enum Mode: String { case major, minor }

    /// 0 to 11, from C.
    let tonic: Int
    let mode: Mode
    /// 0 to 1: how much better this key fits than the next best one.
    let confidence: Double

    /// The name of the tonic with the accidental that is usual for the mode, such as "Eb".
    var tonicName: String {
        switch mode {
        case .major: ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"][tonic]
        case .minor: ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"][tonic]
        }
    }

    /// Such as "A minor".
    var name: String { "\(tonicName) \(mode.rawValue)" }

    /// The place on the wheel of harmonic mixing: a fifth up is one further, "B" is major and "A" its relative minor.
    var camelot: String {
        switch mode {
        case .major: "\((tonic * 7 + 7) % 12 + 1)B"
        case .minor: "\((tonic * 7 + 4) % 12 + 1)A"
        }
    }

    /// How often each degree occurs in pieces in a key, from the tonic up (J. Albrecht and D. Shanahan, "The Use of Large Corpora
    /// to Train a New Type of Key-Finding Algorithm", 2013).
    private static let major = [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081]
    private static let minor = [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052]

    /// Nil where the classes do not resemble any key. `classes` holds the share of each of the 12 pitch classes, from C.
    init?(classes: [Double]) {
        var fits: [(fit: Double, tonic: Int, mode: Mode)] = []
        for (mode, profile) in [(Mode.major, Self.major), (.minor, Self.minor)] {
            for tonic in 0..<12 {
                let degrees = (0..<12).map { classes[(tonic + $0) % 12] }
                fits.append((Self.correlation(degrees, profile), tonic, mode))
            }
        }
        fits.sort { $0.fit > $1.fit }
        guard fits[0].fit > 0 else { return nil }
        tonic = fits[0].tonic
        mode = fits[0].mode
        confidence = min(1, fits[0].fit * 5 * (fits[0].fit - fits[1].fit))
    }

    /// Pearson's coefficient; 0 where one side does not vary.
    private static func correlation(_ x: [Double], _ y: [Double]) -> Double {
        let meanX = x.reduce(0, +) / Double(x.count)
        let meanY = y.reduce(0, +) / Double(y.count)
        var (product, squareX, squareY) = (0.0, 0.0, 0.0)
        for (a, b) in zip(x, y) {
            product += (a - meanX) * (b - meanY)
            squareX += (a - meanX) * (a - meanX)
            squareY += (b - meanY) * (b - meanY)
        }
        let scale = (squareX * squareY).squareRoot()
        return scale > 0 ? product / scale : 0
    }
}
